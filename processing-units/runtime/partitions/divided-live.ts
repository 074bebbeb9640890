import { ownInput } from '@spacegrid/grid/core/access'
import type { AnyQuery, Space } from '@spacegrid/grid/core/definition'
import { isGridError } from '@spacegrid/grid/core/errors'
import { positionsOf, tokenOf } from '@spacegrid/grid/core/position'
import { readPoints } from '@spacegrid/grid/core/resume-point'
import { checkFits } from '@spacegrid/grid/core/validation'
import type {
  FollowFilter,
  Following,
  LiveServing,
  LiveStatus,
  Watched,
  WatchOptions,
} from '@spacegrid/grid/doors/request/live'
import { positionInvalid, resumeInvalid } from '@spacegrid/grid/doors/request/request-options'
import type { QueryAnswer, ReadOptions } from '@spacegrid/grid/doors/request/serving'
import type { Clock, Timer } from '@spacegrid/grid/engine/ports/clock'
import type { FollowedPart } from '../live/followed-part.ts'
import type { FollowAsked } from '../live/live-feed.ts'
import { countsOf } from '../live/unit-live.ts'
import type { ProcessingUnit } from '../processing-unit.ts'
import { unknownIn } from '../unknown.ts'
import { DividedFollowing } from './divided-following.ts'
import { partitionOfInput } from './partition-of.ts'
import { type PassedWatch, packWatched, unpackWatched, writeLook } from './passed-look.ts'
import type { PassedRequest } from './passed-request.ts'
import { ScatteredQuery } from './scattered-query.ts'

/** What a look may take beyond its own wait, ms. */
const graceMs = 2000

/** Asks one of those that keep a partition, here or elsewhere. */
export type AskKeepers = <Answer>(
  partition: number,
  request: PassedRequest,
  withinMs: number,
  here: (unit: ProcessingUnit) => Promise<Answer>,
) => Promise<Answer>

export interface DividedLiveParts {
  readonly space: Space
  readonly clock: Clock
  readonly askKeepers: AskKeepers
  /** Asks a query of all partitions. */
  readonly query: (
    name: string,
    input: unknown,
    options: ReadOptions,
  ) => Promise<QueryAnswer<string>>
}

/** How long a query of all partitions is kept that nobody watches, ms. */
const lingerMs = 15_000
const sweepMs = 5000

/**
 * What a unit of a divided space tells as it happens, in all partitions: it looks at each where
 * that is kept, here or elsewhere.
 */
export class DividedLive implements LiveServing {
  readonly #space: Space
  readonly #partitions: number
  readonly #clock: Clock
  readonly #parts: DividedLiveParts
  readonly #open = new Set<Following>()
  readonly #scattered = new Map<string, ScatteredQuery>()
  #sweeps: Timer | undefined

  constructor(parts: DividedLiveParts) {
    this.#parts = parts
    this.#space = parts.space
    this.#partitions = parts.space.partitions ?? 1
    this.#clock = parts.clock
  }

  follow(filter: FollowFilter, after?: string): Following {
    const kind = filter.entries ? 'entries' : 'events'
    const points = after === undefined ? undefined : readPoints(after, kind, this.#partitions)
    if (after !== undefined && !points) throw resumeInvalid()
    const following: Following = new DividedFollowing(
      this.#partitions,
      points ?? new Map(),
      this.#clock,
      (partition, asked) => this.#look(partition, filter, asked),
      () => this.#open.delete(following),
    )
    this.#open.add(following)
    return following
  }

  async watch(name: string, input: unknown, options: WatchOptions): Promise<Watched> {
    const query = this.#space.queries.get(name)
    if (!query) throw unknownIn(this.#space, 'query', name)
    if (query.everyPartition) {
      checkFits(query.input, ownInput(query, input), name)
      return await this.#scatteredQuery(query, input).watch(options)
    }
    const partition = partitionOfInput(this.#space, query, input)
    const positions = options.position === undefined ? undefined : positionsOf(options.position)
    if (options.position !== undefined && !positions) throw positionInvalid()
    const position = positions?.get(partition)
    return await this.#watchAt(partition, name, input, { ...options, position })
  }

  stop(): void {
    this.#sweeps?.cancel()
    for (const following of [...this.#open]) following.close()
    for (const query of this.#scattered.values()) query.close()
    this.#scattered.clear()
  }

  /** What each partition that is kept here remembers is in the status of that. */
  status(): LiveStatus {
    const counts = { queries: this.#scattered.size, evaluations: 0, ...countsOf(this.#open) }
    return { remembers: this.#open.size > 0, bytes: 0, ...counts }
  }

  /** Of those who keep it, whoever remembers what is asked for; then anyone. */
  async #look(partition: number, filter: FollowFilter, asked: FollowAsked): Promise<FollowedPart> {
    if (asked.after === undefined) return await this.#lookOnce(partition, filter, asked)
    try {
      return await this.#lookOnce(partition, filter, { ...asked, isFirst: true })
    } catch (error) {
      if (!isGridError(error, 'partitions_unavailable')) throw error
      return await this.#lookOnce(partition, filter, asked)
    }
  }

  #lookOnce(partition: number, filter: FollowFilter, asked: FollowAsked): Promise<FollowedPart> {
    const input = writeLook(filter, asked)
    const request = { kind: 'follow', partition, name: 'events', input } as const
    return this.#parts.askKeepers(partition, request, asked.withinMs + graceMs, (unit) =>
      unit.live.look(filter, asked),
    )
  }

  async #watchAt(
    partition: number,
    name: string,
    input: unknown,
    options: Omit<WatchOptions, 'position'> & { readonly position?: number | undefined },
  ): Promise<Watched> {
    const { known = null, position, withinMs } = options
    const asked: PassedWatch = { input, known }
    const request = { kind: 'watch', partition, name, input: asked, position } as const
    const watched = await this.#parts.askKeepers(
      partition,
      request,
      withinMs + graceMs,
      async (unit) => packWatched(await unit.live.watch(name, input, options)),
    )
    return { ...unpackWatched(watched), position: tokenOf(partition, Number(watched.position)) }
  }

  #scatteredQuery(query: AnyQuery, input: unknown): ScatteredQuery {
    const key = `${query.name} ${JSON.stringify(input)}`
    const known = this.#scattered.get(key)
    const kept =
      known ??
      new ScatteredQuery(
        this.#space,
        query,
        input,
        this.#clock,
        (partition, name, asked, options) =>
          this.#watchAt(partition, name, asked, { ...options, position: undefined }),
        (options) => this.#parts.query(query.name, input, options),
      )
    kept.watchedAt = this.#clock.monotonic()
    if (!known) {
      this.#scattered.set(key, kept)
      if (this.#scattered.size === 1) this.#sweepLater()
    }
    return kept
  }

  #sweepLater(): void {
    this.#sweeps = this.#clock.after(sweepMs, () => {
      const before = this.#clock.monotonic() - lingerMs
      for (const [key, query] of this.#scattered)
        if (!query.isWaitedFor && query.watchedAt < before) {
          query.close()
          this.#scattered.delete(key)
        }
      if (this.#scattered.size > 0) this.#sweepLater()
    })
  }
}
