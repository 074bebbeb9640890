import { Redis } from 'ioredis'
import { itemOf } from '../hot-path/bench-space.ts'
import type { Subject } from '../processes/subject.ts'

export interface RedisScanOptions {
  readonly url: string
  readonly entries: number
  /**
   * Whether this process writes the entries first; another one may find them there. Default: it
   * does.
   */
  readonly loads?: boolean
}

const hash = 'scanned'
const batch = 1000

/** Entries in one hash of Redis, and all of them read back into a Map. */
export async function open(options: RedisScanOptions): Promise<Subject> {
  const { url, entries, loads = true } = options
  const redis = new Redis(url)
  if (loads) await load(redis, entries)
  return {
    operations: {},
    requests: { scan: () => scan(redis, entries) },
    close: async () => redis.disconnect(),
  }
}

async function load(redis: Redis, entries: number): Promise<void> {
  await redis.del(hash)
  for (let from = 0; from < entries; from += batch) {
    const fields: string[] = []
    for (let number = from; number < Math.min(entries, from + batch); number++)
      fields.push(`item-${number}`, JSON.stringify(itemOf(number)))
    await redis.hset(hash, ...fields)
  }
}

/** @returns ms */
async function scan(redis: Redis, entries: number): Promise<number> {
  const from = performance.now()
  const map = new Map<string, object>()
  let cursor = '0'
  do {
    const [next, pairs] = await redis.hscan(hash, cursor, 'COUNT', batch)
    for (let i = 0; i < pairs.length; i += 2)
      map.set(pairs[i] as string, JSON.parse(pairs[i + 1] as string))
    cursor = next
  } while (cursor !== '0')
  if (map.size !== entries) throw new Error(`Redis gave ${map.size} of ${entries} entries`)
  return performance.now() - from
}
