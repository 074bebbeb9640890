import { LRUCache } from 'lru-cache'
import { itemOf } from '../hot-path/bench-space.ts'
import { keyAt, numberAt } from '../processes/keys.ts'
import type { Subject } from '../processes/subject.ts'
import { timeReads } from '../processes/time-reads.ts'

export interface MemoryOptions {
  readonly kind: 'map' | 'lru'
  readonly entries: number
}

/** The same objects in a bare Map, or in an lru-cache that holds all of them. */
export async function open({ kind, entries }: MemoryOptions): Promise<Subject> {
  const map =
    kind === 'map' ? new Map<string, object>() : new LRUCache<string, object>({ max: entries })
  for (let number = 0; number < entries; number++) map.set(`item-${number}`, itemOf(number))
  return {
    operations: {
      get: (turn) => map.get(keyAt(turn, entries)),
      put: (turn) => void map.set(keyAt(turn, entries), itemOf(numberAt(turn, entries), turn)),
    },
    requests: {
      /** Among the first so many entries only, if given. */
      timeReads: (ms: number, among = entries) =>
        timeReads(
          (key) => map.get(key),
          (turn) => keyAt(turn, Math.min(among, entries)),
          ms,
        ),
    },
    close: async () => undefined,
  }
}
