import { constants, type PerformanceEntry, PerformanceObserver } from 'node:perf_hooks'
import { getHeapSpaceStatistics, getHeapStatistics, setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { roomShare } from '../../engine/memory/memory-watch.ts'
import type { Memory } from '../../engine/ports/memory.ts'
import { heapBytesMax, heapOptions } from './heap-limit.ts'

/**
 * From this share on what is in use counts, garbage or not, while it is too early to collect again.
 */
const unsureShare = 0.9
/** Most of what is young is garbage. Of what is in use there so much counts while nobody knows. */
const youngShare = 0.25
/**
 * A collection is asked for again after this many times the processor's time that the last one
 * took: at most a twentieth of the time goes there.
 */
const collectPauseTimes = 20
const collectPauseMsMin = 500
/**
 * The same by the clock: on a busy machine a process gets little of the processor, and its requests
 * need most of that.
 */
const collectPauseWallTimes = 5
/**
 * What has been allocated since the last collection is too little to ask for another one, unless
 * that is long ago.
 */
const newsShare = 0.01
const newsMsMax = 5000

/**
 * What is allocated outside the heap counts beyond this share of the budget: buffers of what is on
 * its way come and go there, and are freed some time after they were used. They do not take the
 * heap's room.
 */
const outsideFreeShare = 0.25

/**
 * The heap, and what was allocated outside it since the program had started. What lives is known
 * behind each full collection; V8 makes one when it needs it, and near the budget, where it has to
 * be known, one is asked for, a bounded number of times.
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
  #collectedAt = Number.NEGATIVE_INFINITY

  /** `budgetBytes` undefined: as much as may live in the heap. */
  constructor(budgetBytes?: number) {
    this.budgetBytes =
      budgetBytes ?? heapBytesMax(getHeapStatistics().heap_size_limit, heapOptions())
    this.#outsideAtStart = getHeapStatistics().external_memory
    this.#livingBytes = this.#inUse()
    this.#observer = new PerformanceObserver((list) => {
      for (const entry of list.getEntries())
        if (kindOf(entry) === constants.NODE_PERFORMANCE_GC_MAJOR)
          this.#collected(collectPauseMsMin)
    })
    this.#observer.observe({ entryTypes: ['gc'] })
  }

  usedBytes(): number {
    const inUse = this.#inUse()
    if (inUse < roomShare * this.budgetBytes) return inUse
    const now = performance.now()
    if (now >= this.#mayCollectAt && this.#isNews(inUse, now)) {
      const begun = process.threadCpuUsage()
      this.#collectNow()
      const { user, system } = process.threadCpuUsage(begun)
      const wallMs = performance.now() - now
      this.#collected(
        Math.max((collectPauseTimes * (user + system)) / 1000, collectPauseWallTimes * wallMs),
      )
      return this.#livingBytes
    }
    const mayLive = inUse - (1 - youngShare) * youngBytes()
    return mayLive < unsureShare * this.budgetBytes ? Math.min(inUse, this.#livingBytes) : mayLive
  }

  close(): void {
    this.#observer.disconnect()
  }

  #inUse(): number {
    const { used_heap_size: heap, external_memory: outside } = getHeapStatistics()
    const free = this.#outsideAtStart + outsideFreeShare * this.budgetBytes
    return heap + Math.max(0, outside - free)
  }

  #isNews(inUse: number, now: number): boolean {
    if (Math.abs(inUse - this.#livingBytes) >= newsShare * this.budgetBytes) return true
    return now - this.#collectedAt >= newsMsMax
  }

  #collected(pauseMs: number): void {
    this.#livingBytes = this.#inUse()
    this.#collectedAt = performance.now()
    this.#mayCollectAt = this.#collectedAt + Math.max(collectPauseMsMin, pauseMs)
  }

  #collectNow(): void {
    if (!this.#collect) {
      // The only way to a collection for a program that was not started with the flag; what is
      // there already is left as it is.
      setFlagsFromString('--expose-gc')
      this.#collect = runInNewContext('gc') as () => void
    }
    this.#collect()
  }
}

const youngBytes = (): number =>
  getHeapSpaceStatistics()
    .filter(({ space_name: name }) => name.startsWith('new_'))
    .reduce((sum, { space_used_size: used }) => sum + used, 0)

/** Entries of this type have it, though the types do not know. */
const kindOf = (entry: PerformanceEntry): number | undefined =>
  (entry as PerformanceEntry & { readonly detail?: { readonly kind: number } }).detail?.kind
