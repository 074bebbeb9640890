import { Redis } from 'ioredis'
import { itemOf } from '../hot-path/bench-space.ts'
import { keyAt, numberAt } from '../processes/keys.ts'
import type { Subject } from '../processes/subject.ts'

export interface RedisOptions {
  readonly url: string
  readonly entries: number
  /** Writes the entries; one of several clients does. */
  readonly loads: boolean
}

const increment = `local count = tonumber(redis.call('GET', KEYS[1])) + 1
redis.call('SET', KEYS[1], count)
return count`

/**
 * Redis through ioredis, values as JSON: one connection, plain or pipelined by the client itself;
 * WATCH needs one for each that is at it.
 */
export async function open({ url, entries, loads }: RedisOptions): Promise<Subject> {
  const plain = new Redis(url)
  const pipelined = new Redis(url, { enableAutoPipelining: true })
  const watching: Redis[] = []
  const free: Redis[] = []
  if (loads) {
    for (let from = 0; from < entries; from += 1000) {
      const pipeline = plain.pipeline()
      for (let number = from; number < Math.min(entries, from + 1000); number++)
        pipeline.set(`item-${number}`, JSON.stringify(itemOf(number)))
      await pipeline.exec()
    }
    await plain.set('counter', 0)
  }
  const script = (await plain.script('LOAD', increment)) as string
  let retries = 0
  const get = (redis: Redis) => async (turn: number) =>
    JSON.parse((await redis.get(keyAt(turn, entries))) as string)
  const put = (redis: Redis) => (turn: number) =>
    redis.set(keyAt(turn, entries), JSON.stringify(itemOf(numberAt(turn, entries), turn)))
  const watch = async (redis: Redis): Promise<void> => {
    for (;;) {
      await redis.watch('counter')
      const count = Number(await redis.get('counter'))
      const done = await redis
        .multi()
        .set('counter', count + 1)
        .exec()
      if (done) return
      retries++
    }
  }
  return {
    operations: {
      get: get(plain),
      put: put(plain),
      pipelinedGet: get(pipelined),
      pipelinedPut: put(pipelined),
      hotLua: () => plain.evalsha(script, 1, 'counter'),
      hotLuaPipelined: () => pipelined.evalsha(script, 1, 'counter'),
      hotWatch: async () => {
        let redis = free.pop()
        if (!redis) {
          redis = new Redis(url)
          watching.push(redis)
        }
        await watch(redis)
        free.push(redis)
      },
    },
    retries: () => retries,
    requests: { counter: async () => Number(await plain.get('counter')) },
    close: async () => {
      for (const redis of [plain, pipelined, ...watching]) redis.disconnect()
    },
  }
}
