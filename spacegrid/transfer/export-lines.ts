import { type FileHandle, open } from 'node:fs/promises'
import { join } from 'node:path'
import { makeFolder } from '@spacegrid/grid/drivers/system/make-folder'
import type { StoredEntry } from '@spacegrid/grid/engine/ports/store'
import { toTagged } from '@spacegrid/grid/engine/wire/tagged-json'

/** What a line says of an entry. */
export type ExportedEntry = Pick<StoredEntry, 'cache' | 'key' | 'value'> & {
  readonly archived?: true | undefined
}

/** `{"key": …, "value": {…}}`, and `"archived": true` of what had left memory. */
export const exportedLine = ({ key, value, archived }: ExportedEntry): string =>
  `${JSON.stringify({ key, value: toTagged(value), archived })}\n`

/** Entries of the application; the grid's own mean nothing elsewhere. */
export const isExported = (cache: string, wanted: readonly string[] | undefined): boolean =>
  !cache.startsWith('_') && (wanted === undefined || wanted.includes(cache))

/** A file for each cache, `orders.ndjson`, written as entries come. */
export class ExportFolder {
  readonly #folder: string
  readonly #files = new Map<string, FileHandle>()
  readonly counts = new Map<string, number>()

  constructor(folder: string) {
    makeFolder(folder)
    this.#folder = folder
  }

  /** Caches without entries have a file too. */
  async begin(cache: string): Promise<FileHandle> {
    const file = this.#files.get(cache) ?? (await open(join(this.#folder, `${cache}.ndjson`), 'w'))
    this.#files.set(cache, file)
    if (!this.counts.has(cache)) this.counts.set(cache, 0)
    return file
  }

  async add(entries: readonly ExportedEntry[]): Promise<void> {
    for (const [cache, some] of Map.groupBy(entries, (entry) => entry.cache)) {
      const file = await this.begin(cache)
      await file.write(some.map(exportedLine).join(''))
      this.counts.set(cache, (this.counts.get(cache) ?? 0) + some.length)
    }
  }

  async close(): Promise<void> {
    for (const file of this.#files.values()) {
      await file.sync()
      await file.close()
    }
  }
}
