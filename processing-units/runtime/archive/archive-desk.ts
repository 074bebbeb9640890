import { archiveBucketOf } from '@spacegrid/grid/core/archive-buckets'
import type { KnownArchive, UnknownKey } from '@spacegrid/grid/core/archive-reads'
import type { Value } from '@spacegrid/grid/core/data-types'
import { GridError, isGridError } from '@spacegrid/grid/core/errors'
import { freezeDeeply } from '@spacegrid/grid/core/freeze'
import { contentBytes } from '@spacegrid/grid/core/growth'
import type { SpaceState } from '@spacegrid/grid/core/space-state'
import { absentVersion } from '@spacegrid/grid/core/version'
import { type Clock, sleep } from '@spacegrid/grid/engine/ports/clock'
import { askForEntry, type StoreAsking } from './store-asking.ts'

/** Keys that are being looked up; beyond, whoever asks for one more is `overloaded`. */
const underWayMax = 1024
/** What is remembered of what was found, the latest: most is needed once, and soon. */
const knownMax = 4096
const knownBytesMax = 16 * 1024 * 1024
const firstPauseMs = 5
const pauseMsMax = 200

interface Known {
  readonly bucketVersion: number
  /** null: there is no entry. */
  readonly value: Value | null
  readonly bytes: number
}

/**
 * Knows what the store holds under keys that are not in memory: asks a data reader, and remembers
 * the answer for as long as nothing of the key's bucket has left memory or been deleted. Whoever
 * uses an answer in a transaction reads the bucket's version, so that it is validated like any
 * other read; an answer is only given out when the replica is where the store was.
 * docs/decisions/0052.
 */
export class ArchiveDesk implements KnownArchive {
  readonly #state: SpaceState
  readonly #clock: Clock
  readonly #asking: StoreAsking
  readonly #waitMsMax: number
  readonly #closing = new AbortController()
  /** The one that was found first stands first. */
  readonly #known = new Map<string, Known>()
  #knownBytes = 0
  readonly #underWay = new Map<string, Promise<void>>()

  constructor(state: SpaceState, clock: Clock, asking: StoreAsking, waitMsMax: number) {
    this.#state = state
    this.#clock = clock
    this.#asking = asking
    this.#waitMsMax = waitMsMax
  }

  find(cache: number, key: string, bucketVersion: number): Value | null | undefined {
    const known = this.#known.get(nameOf(cache, key))
    return known?.bucketVersion === bucketVersion ? known.value : undefined
  }

  isInMemory(cache: number, key: string): boolean {
    return this.#state.find(cache, key) !== undefined
  }

  /**
   * Resolves when it is worth looking again: the keys are known, or back in memory.
   * @throws GridError `store_unavailable` when that takes too long, `overloaded`
   */
  async lookUp(keys: readonly UnknownKey[]): Promise<void> {
    await Promise.all(keys.map((key) => this.#lookUpOnce(key)))
  }

  close(): void {
    this.#closing.abort()
  }

  #lookUpOnce(asked: UnknownKey): Promise<void> {
    const name = nameOf(asked.cache, asked.key)
    const underWay = this.#underWay.get(name)
    if (underWay) return underWay
    if (this.#underWay.size >= underWayMax)
      return Promise.reject(
        new GridError('overloaded', `${underWayMax} keys are being looked up in the store`, {
          retryAfterMs: 1000,
        }),
      )
    const lookUp = this.#lookUp(asked).finally(() => this.#underWay.delete(name))
    this.#underWay.set(name, lookUp)
    return lookUp
  }

  async #lookUp({ cache, key }: UnknownKey): Promise<void> {
    const until = this.#clock.monotonic() + this.#waitMsMax
    const layout = this.#state.layout.cache(cache)
    const bucket = archiveBucketOf(layout, key)
    const { signal } = this.#closing
    let failure: GridError | undefined
    for (let pauseMs = firstPauseMs; this.#clock.monotonic() < until && !signal.aborted; ) {
      if (this.isInMemory(cache, key)) {
        // What this unit has pending hides it: that will be decided soon.
        await sleep(this.#clock, firstPauseMs, signal)
        return
      }
      const stirred = this.#state.find(this.#state.layout.archived, bucket)
      const bucketVersion = stirred?.version ?? absentVersion
      try {
        const leftMs = Math.max(1, until - this.#clock.monotonic())
        const found = await askForEntry(this.#asking, { cache: layout.name, key }, leftMs)
        // The store has not seen yet what the replica has, or the other way round.
        const isBehind = found.from < (stirred?.position ?? 0)
        const isAhead = found.to > this.#state.position
        const isInMemory = found.entry !== undefined && !found.entry.archived
        if (!isBehind && !isAhead && !isInMemory) {
          this.#remember(nameOf(cache, key), bucketVersion, found.entry?.value)
          return
        }
        failure = undefined
      } catch (error) {
        if (!isGridError(error)) throw error
        failure = error
      }
      await sleep(this.#clock, pauseMs, signal)
      pauseMs = Math.min(2 * pauseMs, pauseMsMax)
    }
    throw new GridError(
      'store_unavailable',
      failure
        ? `What the store holds of ${layout.name} cannot be asked for: ${failure.message}`
        : `The store is too far behind to say what it holds of ${layout.name}`,
      { retryAfterMs: 1000, ...(failure ? { cause: failure } : {}) },
    )
  }

  #remember(name: string, bucketVersion: number, stored: Value | undefined): void {
    this.#forget(name)
    const value = stored === undefined ? null : freezeDeeply(stored)
    const bytes = name.length + contentBytes(value)
    this.#known.set(name, { bucketVersion, value: value as Value | null, bytes })
    this.#knownBytes += bytes
    for (const oldest of this.#known.keys()) {
      // The newest one stays, however large: somebody waits for it.
      if (oldest === name) return
      if (this.#known.size <= knownMax && this.#knownBytes <= knownBytesMax) return
      this.#forget(oldest)
    }
  }

  #forget(name: string): void {
    this.#knownBytes -= this.#known.get(name)?.bytes ?? 0
    this.#known.delete(name)
  }
}

const nameOf = (cache: number, key: string): string => `${cache} ${key}`
