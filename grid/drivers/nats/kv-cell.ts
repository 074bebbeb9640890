import type { NatsConnection as DriverConnection, KV } from 'nats'
import type { Cell, CellValue } from '../../engine/ports/cell.ts'
import { isJetStreamError, jetStreamCodes, toLogError } from './log-faults.ts'

const requestTimeoutMs = 3000

/**
 * A value in a key-value bucket of JetStream, which is written with the revision that it replaces:
 * the server compares and sets. The bucket is created where there is none.
 */
export class KvCell implements Cell {
  readonly #connection: DriverConnection
  readonly #bucket: string
  readonly #key: string
  readonly #replicas: number
  #kv: KV | undefined

  /** @param key of letters, digits, dots, dashes and underscores */
  constructor(connection: DriverConnection, bucket: string, key: string, replicas = 1) {
    this.#connection = connection
    this.#bucket = bucket
    this.#key = key
    this.#replicas = replicas
  }

  async read(): Promise<CellValue | undefined> {
    return await this.#with('read', async (kv) => {
      const entry = await kv.get(this.#key)
      return entry && entry.operation === 'PUT'
        ? { data: entry.value, revision: entry.revision }
        : undefined
    })
  }

  async write(data: Uint8Array, replaces: number): Promise<number> {
    return await this.#with('written', (kv) =>
      replaces === 0 ? kv.create(this.#key, data) : kv.update(this.#key, data, replaces),
    )
  }

  async #with<T>(done: string, work: (kv: KV) => Promise<T>): Promise<T> {
    try {
      this.#kv ??= await this.#open()
      return await work(this.#kv)
    } catch (error) {
      throw toLogError(error, `${this.#key} in the bucket ${this.#bucket} cannot be ${done}`)
    }
  }

  async #open(): Promise<KV> {
    const { views } = this.#connection.jetstream({ timeout: requestTimeoutMs, checkAPI: false })
    return await views.kv(this.#bucket, { replicas: this.#replicas, history: 1 })
  }
}

/** Keys of the values in a bucket; none where there is no bucket. */
export async function keysOfBucket(
  connection: DriverConnection,
  bucket: string,
): Promise<readonly string[]> {
  try {
    const { views } = connection.jetstream({ timeout: requestTimeoutMs, checkAPI: false })
    const kv = await views.kv(bucket, { bindOnly: true })
    const keys: string[] = []
    for await (const key of await kv.keys()) keys.push(key)
    return keys.sort()
  } catch (error) {
    if (isJetStreamError(error, jetStreamCodes.streamNotFound)) return []
    throw toLogError(error, `The bucket ${bucket} cannot be read`)
  }
}
