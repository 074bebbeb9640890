import { GridError } from '@spacegrid/grid/core/errors'
import type { LogName } from '@spacegrid/grid/core/log-name'
import type { SpaceState } from '@spacegrid/grid/core/space-state'
import type { Store, StoredChange } from '@spacegrid/grid/engine/ports/store'
import type { ExportedEntry } from './export-lines.ts'

const entriesAtOnce = 1000

/** One log of a space as of a position. */
export interface ExportSource {
  readonly log: LogName
  readonly position: number
  /** In pieces, each once. */
  entries(): AsyncIterable<readonly ExportedEntry[]>
  close(): Promise<void>
}

/**
 * What a store holds of a log, all of one checkpoint; what has left memory, where it is wanted, is
 * read behind that, and may be of a moment later.
 * @throws GridError `not_found`
 */
export async function storedSource(
  store: Store,
  log: LogName,
  withArchive: boolean,
): Promise<ExportSource> {
  const scan = await store.scan(log)
  if (!scan || scan.start.position <= 0) {
    await scan?.close()
    throw new GridError('not_found', `The store holds nothing of ${log}`)
  }
  return {
    log,
    position: scan.start.position,
    entries: async function* () {
      yield* scan.chunks()
      if (withArchive && store.archive) yield* store.archive.all(log)
    },
    close: () => scan.close(),
  }
}

/** What a backup has of a log. */
export const backedUpSource = (
  log: LogName,
  state: SpaceState,
  archived: AsyncIterable<StoredChange[]> | undefined,
): ExportSource => ({
  log,
  position: state.position,
  entries: async function* () {
    let piece: ExportedEntry[] = []
    for (const { number, name: cache } of state.layout.caches)
      for (const { key, value } of state.cache(number).entries.values()) {
        piece.push({ cache, key, value })
        if (piece.length < entriesAtOnce) continue
        yield piece
        piece = []
      }
    yield piece
    for await (const changes of archived ?? [])
      yield changes.flatMap(({ cache, key, value }) =>
        value ? { cache, key, value, archived: true as const } : [],
      )
  },
  close: async () => undefined,
})
