import type { Database } from 'lmdb'
import { FirstOfRange } from '../../core/archive-range.ts'
import type { Clock } from '../../engine/ports/clock.ts'
import type { ArchiveRange, StoredEntry } from '../../engine/ports/store.ts'
import { decodeEntryKey, encodeArchivedKey, readStored } from '../../engine/wire/entry-codec.ts'

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
