import { FirstOfRange } from '../core/archive-range.ts'
import { GridError, isGridError } from '../core/errors.ts'
import type { LogName } from '../core/log-name.ts'
import { storedHash } from '../engine/agreement/fingerprint.ts'
import {
  type Checkpoint,
  type EntryKey,
  type ForeignChange,
  isRemovedIfInMemory,
  type RebuildableStore,
  type ScanOptions,
  type StoreArchive,
  type StoredChange,
  type StoredEntry,
  type StoreScan,
  type StoreWatch,
} from '../engine/ports/store.ts'
import { SimulatedQuarantine } from './simulated-quarantine.ts'

export interface SimulatedStoreOptions {
  /**
   * `exact`: a scan sees the entries as they were when it began (MongoDB's snapshots, the embedded
   * store). `fuzzy`: each chunk is read when it is asked for (the warm image). Default `exact`.
   */
  readonly scan?: 'exact' | 'fuzzy'
  /** Entries in a chunk. Default 100. */
  readonly chunkEntries?: number
  /** Entries of one space that may be in quarantine. Default 10,000. */
  readonly quarantinedMax?: number
}

/** An entry and the hash that it was written with. */
interface HashedEntry extends StoredEntry {
  readonly hash: number
}

interface StoredSpace {
  /** undefined: somebody has removed it. */
  checkpoint: Checkpoint | undefined
  isCheckpointDamaged: boolean
  /** Those in quarantine included. */
  readonly entries: Map<string, HashedEntry>
}

/**
 * What `tamper` does: a value of an entry, undefined to remove it; a cache to be dropped; the
 * checkpoint.
 */
export type Tampering =
  | { readonly entry: EntryKey; readonly value: StoredEntry['value'] | undefined }
  | { readonly cache: string }
  | { readonly checkpoint: 'removed' | 'changed' }

const entryName = (cache: string, key: string): string => `${cache}/${key}`

/**
 * A store in memory, for tests and the simulator. Entries are kept as given: they are immutable by
 * contract.
 */
export class SimulatedStore implements RebuildableStore {
  /**
   * What goes wrong from now on. `unavailable`: nothing works. `unanswered`: changes are applied,
   * but whoever asked gets `store_unavailable` and cannot know.
   */
  fault: 'none' | 'unavailable' | 'unanswered' = 'none'
  readonly quarantine: SimulatedQuarantine
  readonly #spaces = new Map<string, StoredSpace>()
  readonly #watchers = new Set<{
    readonly logName: LogName
    readonly changed: (change: ForeignChange) => void
  }>()
  readonly #fuzzy: boolean
  readonly #chunkEntries: number

  constructor(options: SimulatedStoreOptions = {}) {
    this.#fuzzy = options.scan === 'fuzzy'
    this.#chunkEntries = options.chunkEntries ?? 100
    this.quarantine = new SimulatedQuarantine(options.quarantinedMax ?? 10_000, () => this.#reach())
  }

  /**
   * From now on the entry is refused for what it is, whatever its value; `accept` takes it back.
   */
  refuse(cache: string, key: string): void {
    this.quarantine.refused.add(entryName(cache, key))
  }

  accept(cache: string, key: string): void {
    this.quarantine.refused.delete(entryName(cache, key))
  }

  /** Somebody changes what is stored, and whoever watches is told, unless `isSeen` is false. */
  tamper(logName: LogName, tampering: Tampering, isSeen = true): void {
    const stored = this.#spaces.get(logName)
    if (!stored) return
    const told = tamperWith(stored, tampering)
    if (!isSeen) return
    for (const watcher of this.#watchers) if (watcher.logName === logName) watcher.changed(told)
  }

  watch(logName: LogName, changed: (change: ForeignChange) => void): StoreWatch {
    const watcher = { logName, changed }
    this.#watchers.add(watcher)
    return { stop: async () => void this.#watchers.delete(watcher) }
  }

  async restore(logName: LogName, known: Checkpoint): Promise<void> {
    this.#reach()
    const stored = this.#spaces.get(logName)
    if (stored?.checkpoint && !stored.isCheckpointDamaged)
      throw new GridError('stale_writer', `${logName} has a checkpoint`)
    this.#spaces.set(logName, {
      checkpoint: known,
      isCheckpointDamaged: false,
      entries: stored?.entries ?? new Map(),
    })
    if (this.fault === 'unanswered') throw unavailable()
  }

  async checkpoint(logName: LogName): Promise<Checkpoint | undefined> {
    this.#reach()
    return this.#checkpointOf(logName)
  }

  async apply(
    logName: LogName,
    from: number,
    next: Checkpoint,
    changes: readonly StoredChange[],
  ): Promise<void> {
    this.#reach()
    const position = this.#checkpointOf(logName)?.position ?? 0
    const before = this.#spaces.get(logName)
    // Without a checkpoint whatever is there has been left behind.
    const entries: StoredSpace['entries'] = before?.checkpoint ? before.entries : new Map()
    if (position !== from)
      throw new GridError(
        'stale_writer',
        `${logName} is stored at position ${position}, not ${from}`,
      )
    this.quarantine.apply(logName, changes)
    for (const change of changes) {
      const { cache, key, value, version, position, archived } = change
      if (value === undefined) {
        const isKept = isRemovedIfInMemory(change) && entries.get(entryName(cache, key))?.archived
        if (!isKept) entries.delete(entryName(cache, key))
      } else {
        const inMemory = { cache, key, value, version, position }
        const entry = archived ? { ...inMemory, archived } : inMemory
        entries.set(entryName(cache, key), { ...entry, hash: storedHash(entry) })
      }
    }
    this.#spaces.set(logName, { checkpoint: next, isCheckpointDamaged: false, entries })
    if (this.fault === 'unanswered') throw unavailable()
  }

  async scan(logName: LogName, options: ScanOptions = {}): Promise<StoreScan | undefined> {
    this.#reach()
    const start = this.#checkpointOf(logName)
    const stored = this.#spaces.get(logName)
    if (!stored || !start) return undefined
    const { entries } = stored
    const chunks = this.#chunks(this.#fuzzy ? entries : new Map(entries), options)
    return {
      start,
      chunks: () => chunks,
      end: async () => {
        this.#reach()
        if (this.#fuzzy && this.#spaces.get(logName)?.entries !== entries)
          throw new GridError('store_unavailable', `${logName} was cleared during the scan`)
        return this.#fuzzy ? (this.#checkpointOf(logName) as Checkpoint) : start
      },
      close: async () => void (await chunks.return()),
    }
  }

  async get(logName: LogName, cache: string, key: string): Promise<StoredEntry | undefined> {
    this.#reach()
    const entry = this.#spaces.get(logName)?.entries.get(entryName(cache, key))
    return entry && sound(entry)
  }

  readonly archive: StoreArchive = {
    range: async (logName, asked) => {
      this.#reach()
      const first = new FirstOfRange<StoredEntry>(asked)
      for (const entry of this.#spaces.get(logName)?.entries.values() ?? [])
        if (entry.archived && entry.cache === asked.cache) first.add(sound(entry))
      return first.items
    },
    all: (logName) => this.#archived(logName),
  }

  async *#archived(logName: LogName): AsyncGenerator<StoredEntry[], void> {
    this.#reach()
    for (const entry of this.#spaces.get(logName)?.entries.values() ?? [])
      if (entry.archived) yield [sound(entry)]
  }

  async clear(logName: LogName): Promise<void> {
    this.#reach()
    this.#spaces.delete(logName)
    this.quarantine.clear(logName)
  }

  async beginAnew(logName: LogName, building: Checkpoint): Promise<void> {
    const before = this.#spaces.get(logName)?.entries ?? []
    await this.clear(logName)
    const entries = new Map([...before].filter(([, { archived }]) => archived))
    this.#spaces.set(logName, { checkpoint: building, isCheckpointDamaged: false, entries })
  }

  async close(): Promise<void> {}

  /**
   * A Map may change while it is walked: what is added comes last, what is replaced keeps its
   * place.
   */
  async *#chunks(
    entries: ReadonlyMap<string, HashedEntry>,
    { damaged }: ScanOptions,
  ): AsyncGenerator<StoredEntry[], void> {
    let chunk: StoredEntry[] = []
    for (const entry of entries.values()) {
      if (entry.archived) continue
      try {
        chunk.push(sound(entry))
      } catch (error) {
        if (!damaged || !isGridError(error, 'record_damaged')) throw error
        damaged(entry)
      }
      if (chunk.length < this.#chunkEntries) continue
      yield chunk
      this.#reach()
      chunk = []
    }
    if (chunk.length > 0) yield chunk
  }

  #checkpointOf(logName: LogName): Checkpoint | undefined {
    const stored = this.#spaces.get(logName)
    if (!stored?.checkpoint) return undefined
    if (stored.isCheckpointDamaged)
      throw new GridError('record_damaged', `The checkpoint of ${logName} was changed`)
    const quarantine = this.quarantine.summary(logName)
    return quarantine ? { ...stored.checkpoint, quarantine } : stored.checkpoint
  }

  #reach(): void {
    if (this.fault === 'unavailable') throw unavailable()
  }
}

const unavailable = () => new GridError('store_unavailable', 'The simulated store is out of reach')

function sound({ hash, ...entry }: HashedEntry): StoredEntry {
  if (hash === storedHash(entry)) return entry
  const name = `${entry.cache} ${JSON.stringify(entry.key)}`
  throw new GridError('record_damaged', `The store does not hold ${name} as it was written`)
}

function tamperWith(stored: StoredSpace, tampering: Tampering): ForeignChange {
  if ('checkpoint' in tampering) {
    if (tampering.checkpoint === 'removed') stored.checkpoint = undefined
    else stored.isCheckpointDamaged = true
    return { what: 'checkpoint' }
  }
  if ('cache' in tampering) {
    const { cache } = tampering
    // What has left memory nobody could bring back.
    for (const [name, entry] of stored.entries)
      if (entry.cache === cache && !entry.archived) stored.entries.delete(name)
    return { what: 'cache', cache }
  }
  const { cache, key } = tampering.entry
  const name = entryName(cache, key)
  const before = stored.entries.get(name)
  const { value } = tampering
  if (value === undefined) stored.entries.delete(name)
  else {
    const { version = 1, position = 1, hash = 0 } = before ?? {}
    stored.entries.set(name, { cache, key, value, version, position, hash })
  }
  return { what: 'entry', cache, key }
}
