import { open as openDatabase } from 'lmdb'
import { itemOf } from '../hot-path/bench-space.ts'
import { keyAt, numberAt } from '../processes/keys.ts'
import type { Subject } from '../processes/subject.ts'

export interface LmdbOptions {
  readonly folder: string
  readonly entries: number
}

/**
 * LMDB in the process itself: decoding at each read, or from its cache of objects; a write is done
 * once it is committed.
 */
export async function open({ folder, entries }: LmdbOptions): Promise<Subject> {
  const decoded = openDatabase<object, string>({ path: `${folder}/decoded` })
  const cached = openDatabase<object, string>({ path: `${folder}/cached`, cache: true })
  const putInto = (database: typeof decoded) => (turn: number) =>
    database.put(keyAt(turn, entries), itemOf(numberAt(turn, entries), turn))
  for (const database of [decoded, cached])
    await Promise.all(Array.from({ length: entries }, (_, turn) => putInto(database)(turn)))
  return {
    operations: {
      get: (turn) => decoded.get(keyAt(turn, entries)),
      cachedGet: (turn) => cached.get(keyAt(turn, entries)),
      put: putInto(decoded),
    },
    close: async () => {
      await decoded.close()
      await cached.close()
    },
  }
}
