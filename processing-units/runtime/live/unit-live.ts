import { ownInput } from '@spacegrid/grid/core/access'
import type { Space } from '@spacegrid/grid/core/definition'
import type { LogName } from '@spacegrid/grid/core/log-name'
import { type ResumePoint, readPoints } from '@spacegrid/grid/core/resume-point'
import { checkFits } from '@spacegrid/grid/core/validation'
import type {
  FollowedBatch,
  FollowFilter,
  Following,
  LiveServing,
  LiveStatus,
  Watched,
  WatchOptions,
} from '@spacegrid/grid/doors/request/live'
import { positionInvalid, resumeInvalid } from '@spacegrid/grid/doors/request/request-options'
import type { Clock } from '@spacegrid/grid/engine/ports/clock'
import type { Messaging } from '@spacegrid/grid/engine/ports/messaging'
import type { Replica } from '@spacegrid/grid/engine/replica/replica'
import { unknownIn } from '../unknown.ts'
import type { FollowedPart } from './followed-part.ts'
import { type FollowAsked, LiveFeed } from './live-feed.ts'
import { LiveHints } from './live-hints.ts'
import { type AskSeen, LiveQueries } from './live-queries.ts'
import type { MeldAgain } from './melded-again.ts'
import type { OpenChanges } from './past-events.ts'

/** Longest wait of one look at what happens, ms. */
export const lookMs = 10_000
/** Own followers that are heard of no more are taken for gone after this time, ms. */
const lingerMs = 60_000

export interface UnitLiveParts {
  readonly logName: LogName
  readonly space: Space
  /** undefined: the space has only one. */
  readonly partition: number | undefined
  readonly messaging: Messaging
  readonly clock: Clock
  /** Memory that what is remembered may keep, bytes. */
  readonly bytesMax: number
  /** Left out: there is none. */
  readonly openChanges: OpenChanges | undefined
  readonly meldAgain: MeldAgain
  readonly ask: AskSeen
  /** The log's time, ms since the epoch. */
  readonly now: () => number
}

/** What a unit tells of one log as it happens. */
export class UnitLive implements LiveServing {
  readonly #space: Space
  readonly #feed: LiveFeed
  readonly #hints: LiveHints
  readonly #queries: LiveQueries
  readonly #clock: Clock
  /** When somebody has followed here last, monotonic ms. */
  #followedAt = Number.NEGATIVE_INFINITY
  readonly #followings = new Set<Following>()

  constructor(parts: UnitLiveParts) {
    const { logName, space, partition, messaging, clock, ask, now } = parts
    const { bytesMax, openChanges, meldAgain } = parts
    this.#space = space
    this.#queries = new LiveQueries(clock, ask, now)
    this.#clock = clock
    const holding = { bytesMax, lingerMs, openChanges, meldAgain }
    this.#feed = new LiveFeed(space, partition ?? 0, clock, holding)
    const wanted = () => {
      const isFollowed = clock.monotonic() - this.#followedAt < lingerMs
      return isFollowed ? this.#feed.wanted : undefined
    }
    this.#hints = new LiveHints(logName, messaging, clock, wanted, (caches) =>
      this.#feed.want(caches),
    )
  }

  start(): void {
    this.#hints.start()
  }

  async stop(): Promise<void> {
    this.#feed.stop()
    this.#queries.stop()
    await this.#hints.stop()
  }

  /** An incarnation of the unit has begun. */
  attach(replica: Replica, lag: () => number, logIdentity: string): void {
    this.#feed.attach(replica, lag, logIdentity)
    this.#queries.attach(replica)
  }

  detach(): void {
    this.#feed.detach()
    this.#queries.detach()
  }

  /** One look at what happens in the log, as `Following` does them one after the other. */
  look(filter: FollowFilter, asked: FollowAsked): Promise<FollowedPart> {
    this.#followedAt = this.#clock.monotonic()
    const looked = this.#feed.follow(filter, asked)
    this.#hints.tell()
    return looked
  }

  follow(filter: FollowFilter, after?: string): Following {
    const kind = filter.entries ? 'entries' : 'events'
    const points = after === undefined ? undefined : readPoints(after, kind, undefined)
    if (after !== undefined && !points) throw resumeInvalid()
    const following: Following = new LogFollowing(
      (asked) => this.look(filter, asked),
      points?.get(0),
      () => this.#followings.delete(following),
    )
    this.#followings.add(following)
    return following
  }

  async watch(query: string, input: unknown, options: WatchOptions): Promise<Watched> {
    if (typeof options.position === 'string') throw positionInvalid()
    const declared = this.#space.queries.get(query)
    if (!declared) throw unknownIn(this.#space, 'query', query)
    checkFits(declared.input, ownInput(declared, input), query)
    return await this.#queries.watch(query, input, options)
  }

  status(): LiveStatus {
    const { wanted, bytes } = this.#feed
    const { size: queries, evaluations } = this.#queries
    const counts = { queries, evaluations, ...countsOf(this.#followings) }
    return { remembers: wanted !== undefined, bytes, ...counts }
  }
}

export const countsOf = (followings: ReadonlySet<Following>) => ({
  followed: followings.size,
  readers: [...followings].reduce((sum, { readers }) => sum + readers, 0),
})

/** Follows a space with one partition. */
class LogFollowing implements Following {
  readers = 0
  readonly #look: (asked: FollowAsked) => Promise<FollowedPart>
  readonly #closed: () => void
  readonly #over = new AbortController()
  #point: ResumePoint | undefined

  constructor(
    look: (asked: FollowAsked) => Promise<FollowedPart>,
    point: ResumePoint | undefined,
    closed: () => void,
  ) {
    this.#look = look
    this.#point = point
    this.#closed = closed
  }

  async next(): Promise<FollowedBatch> {
    const { signal } = this.#over
    const { happenings, upTo, reset } = await this.#look({
      after: this.#point,
      withinMs: lookMs,
      signal,
    })
    const from = [this.#point ?? upTo]
    this.#point = upTo
    return { happenings, from, points: [upTo], reset }
  }

  close(): void {
    if (this.#over.signal.aborted) return
    this.#over.abort()
    this.#closed()
  }
}
