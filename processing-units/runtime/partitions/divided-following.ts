import { GridError, isGridError } from '@spacegrid/grid/core/errors'
import type { ResumePoint } from '@spacegrid/grid/core/resume-point'
import type { FollowedBatch, Following } from '@spacegrid/grid/doors/request/live'
import { type Clock, sleep } from '@spacegrid/grid/engine/ports/clock'
import type { FollowedPart } from '../live/followed-part.ts'
import type { FollowAsked } from '../live/live-feed.ts'
import { lookMs } from '../live/unit-live.ts'

/** Pause before a partition that nobody could look at is looked at again, ms. */
const againMs = 200
/** How long the first look waits for partitions that nobody can look at, ms. */
const beginMsMax = 3000

/**
 * Follows all partitions of a space at once: of each what happens in it in order, between them as
 * it comes in. A partition that nobody keeps just now is told of when somebody does.
 */
export class DividedFollowing implements Following {
  readers = 0
  readonly #clock: Clock
  readonly #look: (partition: number, asked: FollowAsked) => Promise<FollowedPart>
  readonly #closed: () => void
  readonly #over = new AbortController()
  readonly #points: (ResumePoint | undefined)[]
  /** One batch of a partition at a time; the next is fetched when this one has been taken. */
  readonly #waiting: { readonly partition: number; readonly part: FollowedPart; taken(): void }[] =
    []
  readonly #failures = new Map<number, GridError>()
  #news: (() => void) | undefined
  #begun = false

  constructor(
    partitions: number,
    points: ReadonlyMap<number, ResumePoint>,
    clock: Clock,
    look: (partition: number, asked: FollowAsked) => Promise<FollowedPart>,
    closed: () => void,
  ) {
    this.#points = Array.from({ length: partitions }, (_, partition) => points.get(partition))
    this.#clock = clock
    this.#look = look
    this.#closed = closed
  }

  async next(): Promise<FollowedBatch> {
    if (!this.#begun) {
      this.#begun = true
      for (const partition of this.#points.keys()) void this.#follow(partition)
    }
    const until = this.#clock.monotonic() + (this.#isPlaced ? lookMs : beginMsMax)
    const wasPlaced = this.#isPlaced
    while (!this.#over.signal.aborted) {
      if (this.#isPlaced && (!wasPlaced || this.#waiting.length > 0)) break
      const leftMs = until - this.#clock.monotonic()
      if (leftMs <= 0) break
      await this.#newsWithin(leftMs)
    }
    if (!this.#isPlaced) throw this.#unplaced()
    const from = [...this.#points] as ResumePoint[]
    const first = wasPlaced ? this.#waiting.shift() : undefined
    if (!first) return { happenings: [], from, points: from, reset: undefined }
    const { partition, part } = first
    this.#points[partition] = part.upTo
    first.taken()
    const points = [...this.#points] as ResumePoint[]
    return { happenings: part.happenings, from, points, reset: part.reset }
  }

  close(): void {
    if (this.#over.signal.aborted) return
    this.#over.abort()
    for (const { taken } of this.#waiting.splice(0)) taken()
    this.#news?.()
    this.#closed()
  }

  /** Whether it is known of every partition where it stands. */
  get #isPlaced(): boolean {
    return !this.#points.includes(undefined)
  }

  #unplaced(): GridError {
    const partitions = [...this.#failures.keys()]
    const why = [...this.#failures.values()][0]
    return new GridError(
      'partitions_unavailable',
      `Nobody who keeps partition ${partitions.join(', ')} tells what happens there`,
      { details: { partitions }, retryAfterMs: 500, ...(why ? { cause: why } : {}) },
    )
  }

  async #newsWithin(ms: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#news = resolve
    const timer = this.#clock.after(ms, resolve)
    await promise
    timer.cancel()
  }

  async #follow(partition: number): Promise<void> {
    const { signal } = this.#over
    let after = this.#points[partition]
    let lost = false
    while (!signal.aborted) {
      let part: FollowedPart
      try {
        part = await this.#look(partition, { after, withinMs: lookMs, signal })
        this.#failures.delete(partition)
      } catch (error) {
        if (!isGridError(error)) throw error
        this.#failures.set(partition, error)
        // One thing alone is more than a message between units takes: it cannot be told here.
        lost = error.code === 'body_too_large'
        if (lost) after = undefined
        else await sleep(this.#clock, againMs, signal)
        continue
      }
      if (signal.aborted) return
      after = part.upTo
      if (lost) part = { ...part, reset: 'gone' }
      lost = false
      if (part.happenings.length > 0 || part.reset !== undefined) await this.#pass(partition, part)
      else {
        const isNew = this.#points[partition] === undefined
        this.#points[partition] = part.upTo
        if (isNew) this.#news?.()
      }
    }
  }

  async #pass(partition: number, part: FollowedPart): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#waiting.push({ partition, part, taken: resolve })
    this.#news?.()
    await promise
  }
}
