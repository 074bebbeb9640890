import { itemOf } from '../hot-path/bench-space.ts'
import { hazelcastFiles } from '../peers/hazelcast-download.ts'
import { keyAt, numberAt } from '../processes/keys.ts'
import type { Subject } from '../processes/subject.ts'

export interface HazelcastOptions {
  readonly url: string
  readonly entries: number
  /** Writes the entries; one of several clients does. */
  readonly loads: boolean
}

/** What is used of its client, which is fetched at run time and so has no types here. */
interface HazelcastMap {
  get(key: string): Promise<unknown>
  put(key: string, value: unknown): Promise<unknown>
  putAll(pairs: [string, unknown][]): Promise<void>
  replaceIfSame(key: string, before: unknown, after: unknown): Promise<boolean>
}
interface HazelcastClient {
  getMap(name: string): Promise<HazelcastMap>
  getReplicatedMap(name: string): Promise<HazelcastMap>
  shutdown(): Promise<void>
}

const loadBatch = 1000

/**
 * Hazelcast through its client, objects as JSON: a plain map, one with a near cache, and a
 * replicated map.
 */
export async function open({ url, entries, loads }: HazelcastOptions): Promise<Subject> {
  const { client: module } = await hazelcastFiles(() => undefined)
  const { Client } = (await import(module)) as {
    Client: { newHazelcastClient(configuration: object): Promise<HazelcastClient> }
  }
  const client = await Client.newHazelcastClient({
    network: { clusterMembers: [url] },
    // Objects are JSON for it by default; the near cache keeps them as objects.
    nearCaches: { near: { inMemoryFormat: 'OBJECT' } },
    customLogger: silent,
  })
  const [map, near, replicated] = await Promise.all([
    client.getMap('items'),
    client.getMap('near'),
    client.getReplicatedMap('replicated'),
  ])
  if (loads)
    for (let from = 0; from < entries; from += loadBatch) {
      const pairs = Array.from({ length: Math.min(loadBatch, entries - from) }, (_, i) => {
        return [`item-${from + i}`, itemOf(from + i)] as [string, unknown]
      })
      for (const one of [map, near, replicated]) await one.putAll(pairs)
    }
  if (loads) await map.put('counter', 0)
  let retries = 0
  const key = (turn: number) => keyAt(turn, entries)
  const put = (into: HazelcastMap) => (turn: number) =>
    into.put(key(turn), itemOf(numberAt(turn, entries), turn))
  return {
    operations: {
      get: (turn) => map.get(key(turn)),
      put: put(map),
      nearGet: (turn) => near.get(key(turn)),
      replicatedGet: (turn) => replicated.get(key(turn)),
      replicatedPut: put(replicated),
      hotReplace: async () => {
        for (;;) {
          const before = (await map.get('counter')) as number
          if (await map.replaceIfSame('counter', before, before + 1)) return
          retries++
        }
      },
    },
    retries: () => retries,
    requests: { counter: () => map.get('counter') },
    close: () => client.shutdown(),
  }
}

const nothing = () => undefined
const silent = {
  log: nothing,
  error: nothing,
  warn: nothing,
  info: nothing,
  debug: nothing,
  trace: nothing,
}
