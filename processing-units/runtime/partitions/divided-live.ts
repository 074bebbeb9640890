import type { Space } from '@spacegrid/grid/core/definition'
import { isGridError } from '@spacegrid/grid/core/errors'
import { readPoints } from '@spacegrid/grid/core/resume-point'
import type {
  FollowFilter,
  Following,
  LiveServing,
  LiveStatus,
} from '@spacegrid/grid/doors/request/live'
import { resumeInvalid } from '@spacegrid/grid/doors/request/request-options'
import type { Clock } from '@spacegrid/grid/engine/ports/clock'
import type { FollowAsked, FollowedPart } from '../live/live-feed.ts'
import { countsOf } from '../live/unit-live.ts'
import type { ProcessingUnit } from '../processing-unit.ts'
import { DividedFollowing } from './divided-following.ts'
import { writeLook } from './passed-look.ts'
import type { PassedRequest } from './passed-request.ts'

/** What a look may take beyond its own wait, ms. */
const graceMs = 2000

/** Asks one of those that keep a partition, here or elsewhere. */
export type AskKeepers = (
  partition: number,
  request: PassedRequest,
  withinMs: number,
  here: (unit: ProcessingUnit) => Promise<FollowedPart>,
) => Promise<FollowedPart>

/**
 * What a unit of a divided space tells as it happens, in all partitions: it looks at each where
 * that is kept, here or elsewhere.
 */
export class DividedLive implements LiveServing {
  readonly #partitions: number
  readonly #clock: Clock
  readonly #ask: AskKeepers
  readonly #open = new Set<Following>()

  constructor({ partitions = 1 }: Space, clock: Clock, ask: AskKeepers) {
    this.#partitions = partitions
    this.#clock = clock
    this.#ask = ask
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

  stop(): void {
    for (const following of [...this.#open]) following.close()
  }

  /** What each partition that is kept here remembers is in the status of that. */
  status(): LiveStatus {
    return { remembers: this.#open.size > 0, bytes: 0, ...countsOf(this.#open) }
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
    return this.#ask(partition, request, asked.withinMs + graceMs, (unit) =>
      unit.live.look(filter, asked),
    )
  }
}
