import type { MongoClient } from 'mongodb'
import type { Clock } from '../../engine/ports/clock.ts'
import type { StoredChange } from '../../engine/ports/store.ts'
import type { CacheDocuments } from './cache-documents.ts'
import { unfaithful } from './faithful.ts'
import { duplicateKey } from './mongo-faults.ts'
import { type ChangesRefused, tryOut, type WriteMode } from './mongo-transaction.ts'

/** A change that MongoDB refuses, and why. */
export interface RefusedChange {
  readonly change: StoredChange
  readonly code: number | undefined
  readonly reason: string
}

/**
 * Changes tried out at once: each refusal costs one attempt, which sends what follows it once more.
 */
const triedAtOnce = 200
const vainMax = 2

/**
 * Separates what MongoDB takes of one step's changes from what it refuses. A MongoDB transaction
 * ends at its first error, so the refused ones are found beside it: changes are tried in
 * transactions that are given up, which name one refused change each; where the error does not say
 * which (too deep a nesting fails the whole command) the changes are halved.
 *
 * Whether a unique index is violated depends on the whole step: that is decided by the step itself,
 * written so that only its outcome counts.
 */
export class Sieve {
  readonly refused: RefusedChange[] = []
  readonly #client: MongoClient
  readonly #clock: Clock
  readonly #documentsOf: (cache: string) => CacheDocuments
  readonly #onRefused: (change: StoredChange) => void
  readonly #taken: Map<string, readonly StoredChange[]>
  readonly #removeFirst = new Set<string>()
  /** Times nobody was to blame. */
  #vain = 0

  /** `onRefused` may throw, to say that it is enough. */
  constructor(
    client: MongoClient,
    clock: Clock,
    documentsOf: (cache: string) => CacheDocuments,
    changes: readonly StoredChange[],
    onRefused: (change: StoredChange) => void,
  ) {
    this.#client = client
    this.#clock = clock
    this.#documentsOf = documentsOf
    this.#onRefused = onRefused
    this.#taken = Map.groupBy(changes, ({ cache }) => cache)
  }

  /** By cache, as far as it is known by now. */
  get taken(): ReadonlyMap<string, readonly StoredChange[]> {
    return this.#taken
  }

  modeOf(cache: string): WriteMode {
    return this.#removeFirst.has(cache) ? 'remove first' : 'replace'
  }

  /** Leaves out what MongoDB would take, and give back as another value. */
  refuseUnfaithful(): void {
    for (const change of [...this.#taken.values()].flat()) {
      const reason = change.value && unfaithful(change.value)
      if (reason !== undefined) this.#refuse(change, { code: undefined, reason, at: undefined })
    }
  }

  /** Tries changes that are likely to be refused, so that the step need not fail for them. */
  async trySuspects(isSuspect: (change: StoredChange) => boolean): Promise<void> {
    for (const [cache, changes] of this.#taken) {
      const suspects = changes.filter(isSuspect)
      if (suspects.length > 0) await this.#search(this.#documentsOf(cache), suspects)
    }
  }

  /**
   * The step has failed: finds out what to leave out of it, or how to write it.
   * @throws whatever it failed with when no change is to blame
   */
  async learn({ changes, refusal, mode, cause }: ChangesRefused): Promise<void> {
    const { cache } = changes[0] as StoredChange
    const named = refusal.at === undefined ? undefined : changes[refusal.at]
    if (refusal.isKeyTaken && named) return this.#refuse(named, refusal)
    if (refusal.code === duplicateKey) {
      if (mode === 'replace') this.#removeFirst.add(cache)
      else if (named) this.#refuse(named, refusal)
      else throw cause
      return
    }
    const before = this.refused.length
    await this.#search(this.#documentsOf(cache), changes)
    if (this.refused.length > before) return
    // A rule may hold for what is new only, and not for what takes another one's place.
    if (mode !== 'replace' && named) this.#refuse(named, refusal)
    // Or it has been dropped in between.
    else if (++this.#vain > vainMax) throw cause
  }

  async #search(documents: CacheDocuments, changes: readonly StoredChange[]): Promise<void> {
    const puts = changes.filter(({ value }) => value !== undefined)
    for (let from = 0; from < puts.length; ) {
      const some = puts.slice(from, from + triedAtOnce)
      const failure = await tryOut(this.#client, this.#clock, documents, some)
      if (!failure) {
        from += some.length
        continue
      }
      const { at, code, isKeyTaken } = failure.refusal
      const culprit = some[at ?? (some.length === 1 ? 0 : -1)]
      if (culprit && (code !== duplicateKey || isKeyTaken)) {
        if (this.refused.length === 0) await this.#checkCollection(documents, culprit)
        this.#refuse(culprit, failure.refusal)
      } else if (!culprit) {
        const half = some.length >> 1
        await this.#search(documents, some.slice(0, half))
        await this.#search(documents, some.slice(half))
      }
      from += at === undefined ? some.length : at + 1
    }
  }

  /** When not even a deletion can be written, it is not for what an entry is. */
  async #checkCollection(documents: CacheDocuments, culprit: StoredChange): Promise<void> {
    await tryOut(this.#client, this.#clock, documents, [{ ...culprit, value: undefined }])
  }

  #refuse(change: StoredChange, { code, reason }: ChangesRefused['refusal']): void {
    this.#onRefused(change)
    this.refused.push({ change, code, reason })
    const { cache } = change
    this.#taken.set(cache, this.#taken.get(cache)?.filter((other) => other !== change) ?? [])
  }
}
