import { GridError } from '../../errors.ts'
import type {
  Checkpoint,
  RebuildableStore,
  StoredChange,
  StoredEntry,
  StoreScan,
} from '../../ports/store.ts'
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

interface StoredSpace {
  checkpoint: Checkpoint
  /** Those in quarantine included. */
  readonly entries: Map<string, StoredEntry>
}

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
  readonly #fuzzy: boolean
  readonly #chunkEntries: number

  constructor(options: SimulatedStoreOptions = {}) {
    this.#fuzzy = options.scan === 'fuzzy'
    this.#chunkEntries = options.chunkEntries ?? 100
    this.quarantine = new SimulatedQuarantine(options.quarantinedMax ?? 10_000, () => this.#reach())
  }

  /** From now on the entry is refused for what it is, whatever its value; `accept` takes it back. */
  refuse(cache: string, key: string): void {
    this.quarantine.refused.add(entryName(cache, key))
  }

  accept(cache: string, key: string): void {
    this.quarantine.refused.delete(entryName(cache, key))
  }

  async checkpoint(space: string): Promise<Checkpoint | undefined> {
    this.#reach()
    return this.#checkpointOf(space)
  }

  async apply(
    space: string,
    from: number,
    next: Checkpoint,
    changes: readonly StoredChange[],
  ): Promise<void> {
    this.#reach()
    const stored = this.#spaces.get(space) ?? { checkpoint: next, entries: new Map() }
    const position = this.#spaces.has(space) ? stored.checkpoint.position : 0
    if (position !== from)
      throw new GridError('stale_writer', `${space} is stored at position ${position}, not ${from}`)
    this.quarantine.apply(space, changes)
    for (const { cache, key, value, version, position } of changes)
      if (value === undefined) stored.entries.delete(entryName(cache, key))
      else stored.entries.set(entryName(cache, key), { cache, key, value, version, position })
    stored.checkpoint = next
    this.#spaces.set(space, stored)
    if (this.fault === 'unanswered') throw unavailable()
  }

  async scan(space: string): Promise<StoreScan | undefined> {
    this.#reach()
    const stored = this.#spaces.get(space)
    if (!stored) return undefined
    const start = this.#checkpointOf(space) as Checkpoint
    const chunks = this.#chunks(this.#fuzzy ? stored.entries : new Map(stored.entries))
    return {
      start,
      chunks: () => chunks,
      end: async () => {
        this.#reach()
        if (this.#fuzzy && this.#spaces.get(space) !== stored)
          throw new GridError('store_unavailable', `${space} was cleared during the scan`)
        return this.#fuzzy ? (this.#checkpointOf(space) as Checkpoint) : start
      },
      close: async () => void (await chunks.return()),
    }
  }

  async get(space: string, cache: string, key: string): Promise<StoredEntry | undefined> {
    this.#reach()
    return this.#spaces.get(space)?.entries.get(entryName(cache, key))
  }

  async clear(space: string): Promise<void> {
    this.#reach()
    this.#spaces.delete(space)
    this.quarantine.clear(space)
  }

  async beginAnew(space: string, building: Checkpoint): Promise<void> {
    await this.clear(space)
    this.#spaces.set(space, { checkpoint: building, entries: new Map() })
  }

  async close(): Promise<void> {}

  /**
   * A Map may change while it is walked: what is added comes last, what is replaced keeps its
   * place.
   */
  async *#chunks(entries: ReadonlyMap<string, StoredEntry>): AsyncGenerator<StoredEntry[], void> {
    let chunk: StoredEntry[] = []
    for (const entry of entries.values()) {
      chunk.push(entry)
      if (chunk.length < this.#chunkEntries) continue
      yield chunk
      this.#reach()
      chunk = []
    }
    if (chunk.length > 0) yield chunk
  }

  #checkpointOf(space: string): Checkpoint | undefined {
    const stored = this.#spaces.get(space)
    const quarantine = this.quarantine.summary(space)
    return stored && quarantine ? { ...stored.checkpoint, quarantine } : stored?.checkpoint
  }

  #reach(): void {
    if (this.fault === 'unavailable') throw unavailable()
  }
}

const unavailable = () => new GridError('store_unavailable', 'The simulated store is out of reach')
