import { connect, type KvEntry, NatsError } from 'nats'
import { itemOf } from '../hot-path/bench-space.ts'
import { keyAt, numberAt } from '../processes/keys.ts'
import type { Subject } from '../processes/subject.ts'

export interface NatsKvOptions {
  readonly url: string
  readonly bucket: string
  readonly entries: number
  /** Writes the entries; one of several clients does. */
  readonly loads: boolean
}

const loadBatch = 500
/** `wrong last sequence`: another client was quicker. */
const wrongSequence = 10071

/** NATS's own key-value store, a bucket on disk, values as JSON. */
export async function open({ url, bucket, entries, loads }: NatsKvOptions): Promise<Subject> {
  const connection = await connect({ servers: url })
  const kv = await connection.jetstream().views.kv(bucket)
  const put = (number: number, count: number) =>
    kv.put(`item-${number}`, JSON.stringify(itemOf(number, count)))
  if (loads) {
    for (let from = 0; from < entries; from += loadBatch) {
      const length = Math.min(loadBatch, entries - from)
      await Promise.all(Array.from({ length }, (_, i) => put(from + i, 0)))
    }
    await kv.put('counter', '0')
  }
  let retries = 0
  return {
    operations: {
      get: async (turn) => ((await kv.get(keyAt(turn, entries))) as KvEntry).json(),
      put: (turn) => put(numberAt(turn, entries), turn),
      hotUpdate: async () => {
        for (;;) {
          const { revision, ...entry } = await counterOf(await kv.get('counter'))
          try {
            await kv.update('counter', String(entry.count + 1), revision)
            return
          } catch (error) {
            if (!isCollision(error)) throw error
            retries++
          }
        }
      },
    },
    retries: () => retries,
    requests: { counter: async () => counterOf(await kv.get('counter')).count },
    close: () => connection.close(),
  }
}

function counterOf(entry: KvEntry | null) {
  if (!entry) throw new Error('The bucket has no counter')
  return { revision: entry.revision, count: Number(entry.string()) }
}

const isCollision = (error: unknown): boolean =>
  error instanceof NatsError && error.api_error?.err_code === wrongSequence
