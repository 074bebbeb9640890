import type { Database } from 'lmdb'
import { GridError, isGridError } from '../../core/errors.ts'
import { type LogName, logNameOf } from '../../core/log-name.ts'
import type { Clock } from '../../engine/ports/clock.ts'
import type {
  Checkpoint,
  RebuildableStore,
  ScanOptions,
  StoreArchive,
  StoredChange,
  StoredEntry,
  StoreScan,
} from '../../engine/ports/store.ts'
import {
  archivedPrefix,
  decodeCheckpoint,
  decodeEntryKey,
  encodeArchivedKey,
  encodeCheckpoint,
  encodeEntry,
  encodeEntryKey,
  inMemoryStart,
  readStored,
} from '../../engine/wire/entry-codec.ts'
import { decodeHeader } from '../../engine/wire/snapshot-codec.ts'
import { allOfArchive, rangeOfArchive } from './embedded-archive.ts'
import type { EmbeddedEnvironment } from './embedded-environment.ts'
import { EmbeddedScan } from './embedded-scan.ts'
import { StoreFile } from './store-file.ts'

/** Longest that changes are encoded without letting others have a turn. */
const sliceMs = 3
/** Entries looked at when a store is opened: a third of a second. */
const checkedMax = 100_000
const codes = { full: 'store_unavailable', failed: 'store_unavailable' } as const

interface EncodedChange {
  readonly key: Buffer
  /** Where it is, or was, when it has left memory. */
  readonly archivedKey: Buffer
  readonly change: StoredChange
  /** undefined: the entry is removed. */
  readonly bytes: Buffer | undefined
}

export interface EmbeddedStoreOptions {
  /**
   * Entries in a chunk of a scan: what is decoded without letting others have a turn. Default 1000.
   */
  readonly chunkEntries?: number
}

/**
 * Spaces in one LMDB file: a database of checkpoints and, for each space, one of entries. `apply`
 * is one LMDB transaction, on disk when it resolves, so a crash leaves a space at the checkpoint
 * before or after it. A scan reads one snapshot, so it is exact whatever is applied meanwhile.
 */
export class EmbeddedStore implements RebuildableStore {
  readonly #environment: EmbeddedEnvironment
  readonly #name: string
  readonly #clock: Clock
  readonly #chunkEntries: number
  readonly #file: StoreFile
  readonly #scans = new Set<EmbeddedScan>()
  /** Whether anything of a space has left memory: only then is there something to look for. */
  readonly #archiving = new Map<string, boolean>()
  #closed = false

  /**
   * @throws GridError `format_unsupported`; `configuration_invalid`, also while a space is being
   * moved to another number of partitions
   */
  constructor(
    environment: EmbeddedEnvironment,
    name: string,
    clock: Clock,
    options: EmbeddedStoreOptions = {},
  ) {
    this.#environment = environment
    this.#name = name
    this.#clock = clock
    this.#chunkEntries = options.chunkEntries ?? 1000
    this.#file = new StoreFile(environment, name)
    this.#file.refuseWhileMoving()
    this.#check()
  }

  /**
   * Whoever starts should hear of damage then. What is beyond `checkedMax` is looked at when it is
   * read.
   */
  #check(): void {
    let left = checkedMax
    try {
      for (const logName of this.#file.checkpoints.getKeys()) {
        this.#file.checkpointOf(logName)
        for (const { key, value } of this.#file.entriesOf(logName).getRange({ limit: left })) {
          const name = decodeEntryKey(key)
          readStored(name.cache, name.key, value)
          left--
        }
      }
    } catch (error) {
      const what = isGridError(error) ? error.message : 'its content cannot be read'
      throw this.#environment.damaged(this.#name, what, error)
    }
  }

  async checkpoint(logName: LogName): Promise<Checkpoint | undefined> {
    this.#checkOpen()
    return this.#file.checkpointOf(logName)
  }

  /** Into how many partitions a space is divided here; undefined: nothing of it is stored. */
  partitionsOf(space: string): number | undefined {
    this.#checkOpen()
    for (const logName of [space, logNameOf(space, 0)]) {
      const checkpoint = this.#file.checkpointOf(logName)
      if (checkpoint && checkpoint.replicated.length > 0)
        return decodeHeader(checkpoint.replicated.slice()).shape.partitions ?? 1
    }
    return undefined
  }

  /** Names of the spaces that are stored here, in the order of the alphabet. */
  logNames(): LogName[] {
    this.#checkOpen()
    return [...this.#file.checkpoints.getKeys()].sort()
  }

  async apply(
    logName: LogName,
    from: number,
    next: Checkpoint,
    changes: readonly StoredChange[],
  ): Promise<void> {
    const stored = await this.checkpoint(logName)
    if ((stored?.position ?? 0) !== from) throw stale(logName, from)
    const encoded = await this.#encode(changes)
    this.#checkOpen()
    const entries = this.#file.entriesOf(logName)
    if (changes.some(({ archived }) => archived)) this.#archiving.set(logName, true)
    const isArchiving = this.#isArchiving(logName, entries)
    const write = () => {
      for (const change of encoded)
        if (isArchiving) writeApart(entries, change)
        else if (change.bytes) entries.put(change.key, change.bytes)
        else entries.remove(change.key)
      this.#file.checkpoints.put(logName, encodeCheckpoint(next), next.position)
    }
    // The check above only saves work; this one is part of the transaction.
    const transaction = stored
      ? this.#file.checkpoints.ifVersion(logName, from, write)
      : this.#file.checkpoints.ifNoExists(logName, write)
    if (!(await this.#environment.commit(transaction, codes))) throw stale(logName, from)
  }

  async scan(logName: LogName, options: ScanOptions = {}): Promise<StoreScan | undefined> {
    this.#checkOpen()
    if (!this.#file.checkpoints.doesExist(logName)) return undefined
    const entries = this.#file.entriesOf(logName)
    const snapshot = this.#file.root.useReadTransaction()
    // lmdb-js would go on using the transaction for other reads, and end it when a database is
    // opened.
    this.#file.root.resetReadTxn()
    const stored = this.#file.checkpoints.getEntry(logName, { transaction: snapshot })!
    const start = decodeCheckpoint(stored.value, stored.version ?? 0)
    const scan = new EmbeddedScan(this.#clock, entries, snapshot, start, {
      ...options,
      chunkEntries: this.#chunkEntries,
      closed: () => this.#scans.delete(scan),
    })
    this.#scans.add(scan)
    return scan
  }

  async get(logName: LogName, cache: string, key: string): Promise<StoredEntry | undefined> {
    this.#checkOpen()
    if (!this.#file.checkpoints.doesExist(logName)) return undefined
    const entries = this.#file.entriesOf(logName)
    const bytes = entries.getBinary(encodeEntryKey(cache, key))
    if (bytes || !this.#isArchiving(logName, entries)) return bytes && readStored(cache, key, bytes)
    const archived = entries.getBinary(encodeArchivedKey(cache, key))
    return archived && readStored(cache, key, archived)
  }

  readonly archive: StoreArchive = {
    range: async (logName, asked) => {
      this.#checkOpen()
      if (!this.#file.checkpoints.doesExist(logName)) return []
      return await rangeOfArchive(this.#file.entriesOf(logName), asked, this.#clock)
    },
    all: (logName) => {
      this.#checkOpen()
      return allOfArchive(this.#file.entriesOf(logName), this.#clock)
    },
  }

  async clear(logName: LogName): Promise<void> {
    this.#checkOpen()
    if (!this.#file.checkpoints.doesExist(logName)) return
    const entries = this.#file.entriesOf(logName)
    const transaction = this.#file.root.batch(() => {
      entries.clearAsync()
      this.#file.checkpoints.remove(logName)
    })
    await this.#environment.commit(transaction, codes)
    this.#archiving.delete(logName)
  }

  async beginAnew(logName: LogName, building: Checkpoint): Promise<void> {
    this.#checkOpen()
    const entries = this.#file.entriesOf(logName)
    const isArchiving = this.#isArchiving(logName, entries)
    const inMemory = isArchiving ? [...entries.getKeys({ start: inMemoryStart })] : []
    const transaction = this.#file.root.batch(() => {
      if (isArchiving) for (const key of inMemory) entries.remove(key)
      else entries.clearAsync()
      this.#file.checkpoints.put(logName, encodeCheckpoint(building), building.position)
    })
    await this.#environment.commit(transaction, codes)
  }

  /** Open scans end: LMDB must not be closed under them. */
  async close(): Promise<void> {
    this.#closed = true
    for (const scan of this.#scans) await scan.close()
    await this.#environment.closeFile(this.#name)
  }

  async #encode(changes: readonly StoredChange[]): Promise<EncodedChange[]> {
    const encoded: EncodedChange[] = []
    let until = this.#clock.monotonic() + sliceMs
    for (const change of changes) {
      const { cache, key, value, version, position, archived } = change
      const entry = value && { cache, key, value, version, position }
      const bytes = entry && encodeEntry(archived ? { ...entry, archived } : entry)
      encoded.push({
        ...{ key: encodeEntryKey(cache, key), archivedKey: encodeArchivedKey(cache, key) },
        ...{ change, bytes },
      })
      if (this.#clock.monotonic() < until) continue
      await new Promise<void>((resolve) => this.#clock.soon(resolve))
      until = this.#clock.monotonic() + sliceMs
    }
    return encoded
  }

  #isArchiving(logName: LogName, entries: Database<Buffer, Buffer>): boolean {
    let is = this.#archiving.get(logName)
    if (is === undefined) {
      const [first] = entries.getKeys({ start: archivedPrefix, end: inMemoryStart, limit: 1 })
      is = first !== undefined
      this.#archiving.set(logName, is)
    }
    return is
  }

  #checkOpen(): void {
    if (this.#closed)
      throw new GridError('store_unavailable', `The store ${this.#name} has been closed`)
  }
}

const stale = (logName: LogName, from: number): GridError =>
  new GridError('stale_writer', `${logName} is not stored at position ${from}`)

/** An entry is in one of its two places at most. */
function writeApart(
  entries: Database<Buffer, Buffer>,
  { key, archivedKey, change, bytes }: EncodedChange,
): void {
  const { archived } = change
  if (bytes) entries.put(archived ? archivedKey : key, bytes)
  if (!bytes || archived) entries.remove(key)
  if (!archived) entries.remove(archivedKey)
}
