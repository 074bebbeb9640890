import { hashString } from '@spacegrid/grid/core/hash'
import type { LogName } from '@spacegrid/grid/core/log-name'
import { Digest } from '@spacegrid/grid/core/version'
import type { Checkpoint, Store } from '@spacegrid/grid/engine/ports/store'
import { decodeHeader } from '@spacegrid/grid/engine/wire/snapshot-codec'
import type { Progress } from './exact-copies.ts'

export interface EntryCount extends Pick<Checkpoint, 'digest' | 'entries'> {
  /** Whether the entries are what the checkpoint says. */
  readonly isAsTold: boolean
  readonly told: Checkpoint
}

/** Reads every entry of a store that nobody writes just now. undefined: it holds nothing. */
export async function countEntries(
  name: string,
  logName: LogName,
  store: Store,
  progress: Progress,
): Promise<EntryCount | undefined> {
  const scan = await store.scan(logName)
  if (!scan) return undefined
  const counted = new Digest()
  let entries = 0
  try {
    const { caches } = decodeHeader(scan.start.replicated).shape
    const numbers = new Map(caches.map((cache, number) => [cache.name, number]))
    for await (const chunk of scan.chunks()) {
      for (const { cache, key, version } of chunk)
        counted.toggle(numbers.get(cache) ?? -1, hashString(key), version)
      entries += chunk.length
      progress(`counting ${name}`, entries)
    }
  } finally {
    await scan.close()
  }
  const digest = counted.toString()
  return { digest, entries, isAsTold: digest === scan.start.digest, told: scan.start }
}
