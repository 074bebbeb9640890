import { constants, type PerformanceEntry, PerformanceObserver } from 'node:perf_hooks'
import { getHeapStatistics, setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { heapOptions } from '../../environment.ts'
import type { Memory } from '../../ports/memory.ts'
import { heapBytesMax } from './heap-limit.ts'

/** From this share of the budget on it matters how much of what is in use is garbage. */
const checkShare = 0.75
/** From this share on what is in use counts, garbage or not, while it is too early to collect again. */
const unsureShare = 0.9
/** A collection is asked for again after this many times what the last one took: at most a twentieth of the time goes there. */
const collectPauseTimes = 20
const collectPauseMsMin = 500

/**
 * The heap, and what was allocated outside it since the program had started. What lives is known behind each full collection; V8 makes one when it
 * needs it, and near the budget, where it has to be known, one is asked for, a bounded number of times.
 */
export class SystemMemory implements Memory {
  readonly budgetBytes: number
  readonly #observer: PerformanceObserver
  /** Buffers that drivers and the runtime keep for ever: they are there before anything is held. */
  readonly #outsideAtStart: number
  #collect: (() => void) | undefined
  /** In use behind the last full collection. */
  #livingBytes: number
  #mayCollectAt = 0

  /** `budgetBytes` undefined: as much as may live in the heap. */
  constructor(budgetBytes?: number) {
    this.budgetBytes =
      budgetBytes ?? heapBytesMax(getHeapStatistics().heap_size_limit, heapOptions())
    this.#outsideAtStart = getHeapStatistics().external_memory
    this.#livingBytes = this.#inUse()
    this.#observer = new PerformanceObserver((list) => {
      for (const entry of list.getEntries())
        if (kindOf(entry) === constants.NODE_PERFORMANCE_GC_MAJOR) this.#collected(entry.duration)
    })
    this.#observer.observe({ entryTypes: ['gc'] })
  }

  usedBytes(): number {
    const inUse = this.#inUse()
    if (inUse < checkShare * this.budgetBytes) return inUse
    if (performance.now() >= this.#mayCollectAt) {
      const begun = performance.now()
      this.#collectNow()
      this.#collected(performance.now() - begun)
      return this.#livingBytes
    }
    return inUse < unsureShare * this.budgetBytes ? Math.min(inUse, this.#livingBytes) : inUse
  }

  close(): void {
    this.#observer.disconnect()
  }

  #inUse(): number {
    const { used_heap_size: heap, external_memory: outside } = getHeapStatistics()
    return heap + Math.max(0, outside - this.#outsideAtStart)
  }

  #collected(tookMs: number): void {
    this.#livingBytes = this.#inUse()
    this.#mayCollectAt = performance.now() + Math.max(collectPauseMsMin, collectPauseTimes * tookMs)
  }

  #collectNow(): void {
    if (!this.#collect) {
      // The only way to a collection for a program that was not started with the flag; what is there already is left as it is.
      setFlagsFromString('--expose-gc')
      this.#collect = runInNewContext('gc') as () => void
    }
    this.#collect()
  }
}

/** Entries of this type have it, though the types do not know. */
const kindOf = (entry: PerformanceEntry): number | undefined =>
  (entry as PerformanceEntry & { readonly detail?: { readonly kind: number } }).detail?.kind
