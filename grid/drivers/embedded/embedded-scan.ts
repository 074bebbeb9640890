import type { Database, Transaction } from 'lmdb'
import { GridError, isGridError } from '../../core/errors.ts'
import type { Clock } from '../../engine/ports/clock.ts'
import type { Checkpoint, ScanOptions, StoredEntry, StoreScan } from '../../engine/ports/store.ts'
import { decodeEntryKey, inMemoryStart, readStored } from '../../engine/wire/entry-codec.ts'

export interface EmbeddedScanOptions extends ScanOptions {
  readonly chunkEntries: number
  /** Called once, when the snapshot has been given up. */
  readonly closed: () => void
}

/**
 * A pass over one snapshot of a space. While it lasts LMDB cannot reuse the pages that are
 * replaced, so the file grows with what is applied meanwhile: a scan has to be closed.
 */
export class EmbeddedScan implements StoreScan {
  readonly start: Checkpoint
  readonly #clock: Clock
  readonly #entries: Database<Buffer, Buffer>
  readonly #snapshot: Transaction
  readonly #options: EmbeddedScanOptions
  #closed = false

  constructor(
    clock: Clock,
    entries: Database<Buffer, Buffer>,
    snapshot: Transaction,
    start: Checkpoint,
    options: EmbeddedScanOptions,
  ) {
    this.start = start
    this.#clock = clock
    this.#entries = entries
    this.#snapshot = snapshot
    this.#options = options
  }

  async *chunks(): AsyncGenerator<StoredEntry[], void> {
    const { chunkEntries } = this.#options
    let last: Buffer | undefined
    do {
      const chunk = this.#read(last)
      last = chunk.length === chunkEntries ? chunk.at(-1)?.storedKey : undefined
      const sound = chunk.flatMap(({ entry }) => entry ?? [])
      if (sound.length > 0) yield sound
      // Nothing above waits for anything, so without this a scan would be one long turn.
      await new Promise<void>((resolve) => this.#clock.soon(resolve))
    } while (last)
  }

  async end(): Promise<Checkpoint> {
    return this.start
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    this.#snapshot.done()
    this.#options.closed()
  }

  /** Without an entry: it is damaged, and that was told. */
  #read(after: Buffer | undefined): { storedKey: Buffer; entry: StoredEntry | undefined }[] {
    if (this.#closed) throw new GridError('store_unavailable', 'The scan has been closed')
    const range = this.#entries.getRange({
      transaction: this.#snapshot,
      limit: this.#options.chunkEntries,
      ...(after ? { start: after, exclusiveStart: true } : { start: inMemoryStart }),
    })
    return Array.from(range, ({ key: storedKey, value: bytes }) => {
      return { storedKey, entry: this.#entry(storedKey, bytes) }
    })
  }

  #entry(storedKey: Buffer, bytes: Buffer): StoredEntry | undefined {
    const { cache, key } = decodeEntryKey(storedKey)
    try {
      return readStored(cache, key, bytes)
    } catch (error) {
      const { damaged } = this.#options
      if (!damaged || !isGridError(error, 'record_damaged')) throw error
      damaged({ cache, key })
      return undefined
    }
  }
}
