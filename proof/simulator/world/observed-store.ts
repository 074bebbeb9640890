import type { LogName } from '@spacegrid/grid/core/log-name'
import {
  type Checkpoint,
  isRemovedIfInMemory,
  type StoredChange,
  type StoredEntry,
} from '@spacegrid/grid/engine/ports/store'
import type { SeededRandom } from '@spacegrid/grid/kit/seeded-random'
import { SimulatedStore, type Tampering } from '@spacegrid/grid/kit/simulated-store'

/** A store that tells of each step it has taken, and shows what it holds then. */
export class ObservedStore extends SimulatedStore {
  readonly held = new Map<string, StoredEntry>()
  /** What it keeps that has left memory. */
  readonly archived = new Map<string, StoredEntry>()
  /** Where it is. undefined: nothing is stored. */
  reached: Checkpoint | undefined
  /** It no longer holds what it says, and nobody can be blamed, until it is built anew. */
  isDamaged = false
  /** It was so once: who had begun to read it then may have noticed later. */
  wasDamaged = false
  /** What somebody has changed and nobody has mended yet: names of entries. */
  readonly tampered = new Set<string>()
  isCheckpointTampered = false
  readonly #applied: (from: number, store: ObservedStore) => void

  constructor(scan: 'exact' | 'fuzzy', applied: (from: number, store: ObservedStore) => void) {
    super({ scan, chunkEntries: 4 })
    this.#applied = applied
  }

  override async apply(
    logName: LogName,
    from: number,
    next: Checkpoint,
    changes: readonly StoredChange[],
  ): Promise<void> {
    await super.apply(logName, from, next, changes)
    for (const { cache, key } of changes) this.tampered.delete(`${cache}/${key}`)
    this.isCheckpointTampered = false
    for (const change of changes) {
      const { cache, key, value, version, position, archived } = change
      const name = `${cache}/${key}`
      this.held.delete(name)
      if (!isRemovedIfInMemory(change)) this.archived.delete(name)
      if (value === undefined) continue
      const at = archived ? this.archived : this.held
      at.set(name, { cache, key, value, version, position })
    }
    this.reached = next
    this.#applied(from, this)
  }

  someEntry(random: SeededRandom): StoredEntry | undefined {
    return [...this.held.values()][random.below(Math.max(1, this.held.size))]
  }

  /** Somebody changes what is stored, behind the grid. */
  override tamper(logName: LogName, tampering: Tampering, isSeen = true): void {
    if (!this.reached || this.isCheckpointTampered) return
    this.wasDamaged = true
    if ('checkpoint' in tampering) this.isCheckpointTampered = true
    else if ('cache' in tampering) {
      for (const [name, { cache }] of this.held) if (cache === tampering.cache) this.#lose(name)
    } else this.#lose(`${tampering.entry.cache}/${tampering.entry.key}`)
    super.tamper(logName, tampering, isSeen)
  }

  #lose(name: string): void {
    this.tampered.add(name)
    this.held.delete(name)
  }

  override async restore(logName: LogName, known: Checkpoint): Promise<void> {
    await super.restore(logName, known)
    this.isCheckpointTampered = false
  }

  /** An entry gets lost, as in a cache that was short of memory; nothing else tells of it. */
  evict(logName: LogName, random: SeededRandom): void {
    const entry = this.someEntry(random)
    const { reached } = this
    if (!entry || !reached) return
    const change = { ...entry, value: undefined }
    void super.apply(logName, reached.position, reached, [change])
    this.held.delete(`${entry.cache}/${entry.key}`)
    this.isDamaged = true
    this.wasDamaged = true
  }

  override async clear(logName: LogName): Promise<void> {
    await super.clear(logName)
    this.held.clear()
    this.archived.clear()
    this.isDamaged = false
    this.isCheckpointTampered = false
    this.tampered.clear()
    this.reached = undefined
  }
}
