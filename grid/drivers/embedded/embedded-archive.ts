import type { Database } from 'lmdb'
import { FirstOfRange } from '../../core/archive-range.ts'
import type { Clock } from '../../engine/ports/clock.ts'
import type { ArchiveRange, StoredEntry } from '../../engine/ports/store.ts'
import {
  archivedPrefix,
  decodeEntryKey,
  encodeArchivedKey,
  inMemoryStart,
  readStored,
} from '../../engine/wire/entry-codec.ts'

/** Entries decoded in one turn. */
const piece = 500

/**
 * Looks through everything of a cache that has left memory: there is no index of it on disk, as it
 * is meant for development and single machines. A million entries take some seconds, in which
 * others have their turns.
 */
export async function rangeOfArchive(
  entries: Database<Buffer, Buffer>,
  asked: ArchiveRange,
  clock: Clock,
): Promise<StoredEntry[]> {
  const first = new FirstOfRange<StoredEntry>(asked)
  // No key of the cache is empty, and none of another one lies between.
  const end = encodeArchivedKey(`${asked.cache}`, '')
  end[end.length - 1] = 1
  let start = encodeArchivedKey(asked.cache, '')
  for (;;) {
    let last: Buffer | undefined
    let count = 0
    for (const { key, value } of entries.getRange({ start, end, limit: piece })) {
      if (last === undefined && key.equals(start)) continue
      last = key
      count++
      first.add(readStored(asked.cache, decodeEntryKey(key).key, value))
    }
    if (!last || count === 0) return first.items
    start = last
    await new Promise<void>((resolve) => clock.soon(resolve))
  }
}

/** Everything that has left memory, for a backup. */
export async function* allOfArchive(
  entries: Database<Buffer, Buffer>,
  clock: Clock,
): AsyncGenerator<StoredEntry[], void> {
  let last: Buffer | undefined
  for (;;) {
    const start = last ? { start: last, exclusiveStart: true } : { start: archivedPrefix }
    const found = [...entries.getRange({ ...start, end: inMemoryStart, limit: piece })]
    if (found.length === 0) return
    yield found.map(({ key: storedKey, value }) => {
      const { cache, key } = decodeEntryKey(storedKey)
      return readStored(cache, key, value)
    })
    last = found.at(-1)?.key
    await new Promise<void>((resolve) => clock.soon(resolve))
  }
}
