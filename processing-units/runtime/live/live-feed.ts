import type { Value } from '@spacegrid/grid/core/data-types'
import type { Space } from '@spacegrid/grid/core/definition'
import { GridError } from '@spacegrid/grid/core/errors'
import type { Write } from '@spacegrid/grid/core/evaluation'
import { Interests } from '@spacegrid/grid/core/interests'
import type { CacheLayout } from '@spacegrid/grid/core/layout'
import { comparePoints, type ResumePoint } from '@spacegrid/grid/core/resume-point'
import type { SpaceState } from '@spacegrid/grid/core/space-state'
import type { DomainEvent } from '@spacegrid/grid/core/steps'
import type { EntryFilter, FollowFilter } from '@spacegrid/grid/doors/request/live'
import { type Clock, sleep, type Timer } from '@spacegrid/grid/engine/ports/clock'
import type { Replica } from '@spacegrid/grid/engine/replica/replica'
import { type FeedWaiter, FeedWaiters } from './feed-waiters.ts'
import { type FollowedPart, followedPart, type Telling, wantsEvents } from './followed-part.ts'
import { type MeldAgain, MeldedAgain } from './melded-again.ts'
import { type OpenChanges, PastEvents } from './past-events.ts'
import { Recent, type Remembered } from './recent.ts'
import { Happened, type RememberedChange, type RememberedEvent } from './remembered.ts'
import { interestOf, viewOf } from './seen-entries.ts'

export interface FollowAsked {
  /** undefined: from where things stand. */
  readonly after: ResumePoint | undefined
  /** Longest wait for something to tell, ms. */
  readonly withinMs: number
  readonly signal?: AbortSignal | undefined
  /** Somebody else may remember more: `not_ready` rather than a reset. */
  readonly isFirst?: boolean | undefined
}

export interface LiveFeedOptions {
  /** Memory that what is remembered may keep, bytes. */
  readonly bytesMax: number
  /** How long it goes on to remember when nobody has followed any more, ms. */
  readonly lingerMs: number
  /** For domain events that are not remembered. Left out: they are not looked for there. */
  readonly openChanges?: OpenChanges | undefined
  /** For whatever else is not. Left out: who comes back for it hears a reset. */
  readonly meldAgain?: MeldAgain | undefined
}

interface FollowedCache {
  readonly recent: Recent<RememberedChange>
  readonly interests: Interests<FeedWaiter>
}

/** How long whoever comes back waits for what is on its way to the change queue, ms. */
const pastMsMax = 5000
const pastPollMs = 100

/**
 * What happens in one log, for those who follow it: remembers the last of it, within a bound, and
 * wakes those whose filter it passes. With nobody who follows, here or on another unit, it does not
 * listen to the replica at all. It outlives the unit's incarnations: of what happened between two
 * of them it knows that it does not know it.
 */
export class LiveFeed {
  readonly #space: Space
  readonly #partition: number
  readonly #clock: Clock
  readonly #options: LiveFeedOptions
  #replica: Replica | undefined
  #logIdentity: string | undefined
  /** Positions that the replica is known to be behind the log. */
  #lag: () => number = () => 0
  /** undefined: nothing is remembered. */
  #events: Recent<RememberedEvent> | undefined
  /** By number of the cache. */
  readonly #caches: (FollowedCache | undefined)[] = []
  readonly #followed = new Set<string>()
  #unlisten: (() => void) | undefined
  readonly #happened = new Happened(0)
  readonly #waiters = new FeedWaiters()
  #lingers: Timer | undefined
  #wantedAt = Number.NEGATIVE_INFINITY
  #stopped = false
  readonly #past: PastEvents | undefined

  constructor(space: Space, partition: number, clock: Clock, options: LiveFeedOptions) {
    this.#space = space
    this.#partition = partition
    this.#clock = clock
    this.#options = options
    const { openChanges } = options
    this.#past = openChanges && new PastEvents(partition, clock, openChanges)
  }

  /** Names of the caches that somebody follows; undefined: nobody follows anything. */
  get wanted(): readonly string[] | undefined {
    return this.#events && [...this.#followed]
  }

  get bytes(): number {
    return this.#caches.reduce(
      (sum, cache) => sum + (cache?.recent.bytes ?? 0),
      this.#events?.bytes ?? 0,
    )
  }

  /** An incarnation of the unit has begun. */
  attach(replica: Replica, lag: () => number, logIdentity: string): void {
    this.#replica = replica
    this.#lag = lag
    const { position } = replica.state
    const leadsOn = position === this.#happened.position && logIdentity === this.#logIdentity
    this.#logIdentity = logIdentity
    if (this.#events && !leadsOn) {
      this.#events.restart(position)
      for (const cache of this.#caches) cache?.recent.restart(position)
    }
    if (this.#events) this.#listen(replica)
    this.#waiters.wakeAll()
  }

  /** It is over. */
  detach(): void {
    this.#unlisten?.()
    this.#unlisten = undefined
    this.#replica = undefined
  }

  /** Somebody follows, here or on another unit, domain events and perhaps caches. */
  want(caches: readonly string[]): void {
    if (this.#stopped) return
    this.#wantedAt = this.#clock.monotonic()
    for (const cache of caches) this.#followed.add(cache)
    const state = this.#replica?.state
    if (!this.#events) {
      this.#events = new Recent(state?.position ?? 0)
      this.#happened.melding(state?.position ?? 0)
      if (this.#replica) this.#listen(this.#replica)
      this.#watchWants()
    }
    for (const name of this.#followed) {
      const number = state?.layout.named(name)?.number
      if (number !== undefined && !this.#caches[number]) this.#remember(number)
    }
  }

  /**
   * What has happened since a point, as soon as there is any of it; and how far that reaches.
   * @throws GridError `unknown_cache`, when the log knows none such; `not_ready`, `stopping`
   */
  async follow(
    filter: FollowFilter,
    { after, withinMs, signal, isFirst }: FollowAsked,
  ): Promise<FollowedPart> {
    const { entries } = filter
    const begunAt = this.#clock.monotonic()
    const until = begunAt + withinMs
    let point = after
    for (;;) {
      if (this.#stopped) throw new GridError('stopping', 'The processing unit is stopping')
      this.want(entries ? [entries.cache] : [])
      const state = this.#replica?.state
      if (state) {
        if (point === undefined) return { happenings: [], upTo: { position: state.position } }
        if (point.position <= state.position) {
          const found = this.#since(filter, point, state)
          if (found.reset !== undefined && isFirst)
            throw new GridError('not_ready', 'This unit does not remember what has happened then')
          if (found.reset === undefined) {
            if (found.happenings.length > 0) return found
            point = found.upTo
          } else {
            const isPatient = this.#clock.monotonic() - begunAt < pastMsMax
            const past =
              (await this.#pastSince(filter, point, isPatient)) ??
              (await this.#meldedSince(filter, point))
            if (!past) return found
            const isOver = this.#clock.monotonic() >= until || signal?.aborted
            if (past.happenings.length > 0 || isOver) return past
            point = past.upTo
            continue
          }
        }
      }
      const leftMs = until - this.#clock.monotonic()
      if (leftMs <= 0 || signal?.aborted) return this.#nothing(point)
      const woken = await this.#wait(filter, point, leftMs, signal)
      // Nothing that happened before has passed the filter.
      if (woken !== undefined && point && woken - 1 > point.position)
        point = { position: woken - 1 }
    }
  }

  /**
   * What is not remembered, from the change queue: domain events, not changes of entries, of which
   * it holds no more than the last of each. undefined: it does not hold them.
   */
  async #pastSince(
    { events, entries }: FollowFilter,
    after: ResumePoint,
    isPatient: boolean,
  ): Promise<FollowedPart | undefined> {
    const [logIdentity, upTo] = [this.#logIdentity, this.#events?.since]
    if (!this.#past || entries || logIdentity === undefined || upTo === undefined) return undefined
    const names = events && new Set(events)
    const found = await this.#past.look({ after, names, upTo, logIdentity })
    if (!found || comparePoints(found.upTo, after) > 0) return found
    // The pump has not come so far yet.
    if (!isPatient) return undefined
    await sleep(this.#clock, pastPollMs)
    return found
  }

  /** What nobody holds, from the log. undefined: it does not reach so far back, or not soon. */
  async #meldedSince(filter: FollowFilter, after: ResumePoint): Promise<FollowedPart | undefined> {
    const { meldAgain } = this.#options
    const state = this.#replica?.state
    if (!meldAgain || !state || !this.#events) return undefined
    const { entries } = filter
    const remembered = entries && this.#cacheOf(entries, state).recent.since
    const to = Math.max(this.#events.since, remembered ?? 0)
    // Of the position itself there may be more to tell.
    const from = after.told === undefined ? after.position : Math.max(0, after.position - 1)
    const looked = await MeldedAgain.look(meldAgain, from, to, entries?.cache)
    if (!looked) return undefined
    const { found, reached } = looked
    const events = wantsEvents(filter) ? found.events : undefined
    return this.#tell(filter, after, { events, changes: entries && found.changes }, reached)
  }

  #nothing(point: ResumePoint | undefined): FollowedPart {
    const state = this.#replica?.state
    if (!state || !point) {
      if (point) return { happenings: [], upTo: point }
      throw new GridError('not_ready', 'The processing unit is rehydrating', { retryAfterMs: 500 })
    }
    if (point.position <= state.position)
      return { happenings: [], upTo: { position: state.position } }
    // Whoever asks has been told what is not there: of another log, or of nothing.
    if (this.#lag() === 0)
      return { happenings: [], upTo: { position: state.position }, reset: 'unknown' }
    return { happenings: [], upTo: point }
  }

  #since(filter: FollowFilter, point: ResumePoint, state: SpaceState): FollowedPart {
    const { entries } = filter
    const cache = entries && this.#cacheOf(entries, state)
    const events = this.#events as Recent<RememberedEvent>
    const lacksEvents = wantsEvents(filter) && reachesNot(events, point)
    if (lacksEvents || (cache && reachesNot(cache.recent, point)))
      return { happenings: [], upTo: { position: state.position }, reset: 'gone' }
    const told = { events: wantsEvents(filter) ? events : undefined, changes: cache?.recent }
    return this.#tell(filter, point, told, state.position)
  }

  #tell(
    filter: FollowFilter,
    after: ResumePoint,
    { events, changes }: Pick<Telling, 'events' | 'changes'>,
    position: number,
  ): FollowedPart {
    const { entries } = filter
    const see = entries && viewOf(entries, this.#space, this.#layoutOf(entries))
    const partition = this.#partition
    return followedPart({ filter, after, partition, events, changes, see }, position)
  }

  #layoutOf({ cache }: EntryFilter): CacheLayout {
    const layout = this.#replica?.state.layout.named(cache)
    if (!layout) throw new GridError('unknown_cache', `The log knows no cache ${cache} yet`)
    return layout
  }

  #cacheOf(filter: EntryFilter, { layout }: SpaceState): FollowedCache {
    const number = layout.named(filter.cache)?.number
    const cache = number === undefined ? undefined : this.#caches[number]
    if (!cache) throw new GridError('unknown_cache', `The log knows no cache ${filter.cache} yet`)
    return cache
  }

  async #wait(
    filter: FollowFilter,
    point: ResumePoint | undefined,
    ms: number,
    signal: AbortSignal | undefined,
  ): Promise<number | undefined> {
    const { promise, resolve } = Promise.withResolvers<number | undefined>()
    const state = this.#replica?.state
    const isAhead = !state || !point || point.position > state.position
    const reaches = isAhead ? (point?.position ?? 0) : undefined
    const waiter: FeedWaiter = { wake: resolve, reaches, touchedAt: undefined }
    const forget = this.#register(filter, waiter)
    const over = () => resolve(undefined)
    const timer = this.#clock.after(ms, over)
    signal?.addEventListener('abort', over, { once: true })
    try {
      return await promise
    } finally {
      timer.cancel()
      signal?.removeEventListener('abort', over)
      forget()
    }
  }

  #register({ events, entries }: FollowFilter, waiter: FeedWaiter): () => void {
    const forget = this.#waiters.add(waiter, events)
    if (waiter.reaches !== undefined) return forget
    const state = this.#replica?.state
    const layout = entries && state?.layout.named(entries.cache)
    const cache = layout && this.#caches[layout.number]
    const interest = layout && interestOf(entries, layout)
    if (!cache || !interest) return forget
    cache.interests.add(interest, waiter)
    return () => {
      forget()
      cache.interests.remove(interest, waiter)
    }
  }

  #listen(replica: Replica): void {
    const { state } = replica
    this.#happened.melding(state.position)
    this.#unlisten?.()
    this.#unlisten = replica.listen({
      melding: (_frame, position) => this.#happened.melding(position),
      changed: (write, before) => this.#changed(write, before),
      emitted: (event, id) => this.#emitted(event, id),
      melded: () => {
        this.#happened.position = state.position
        this.#waiters.wakeTouched(state.position)
      },
    })
    for (let number = 0; number < this.#caches.length; number++)
      if (this.#caches[number]) this.#remember(number)
  }

  #remember(number: number): void {
    const state = this.#replica?.state
    if (!state) return
    const known = this.#caches[number]
    const layout = () => (this.#replica ?? { state }).state.layout.cache(number)
    this.#caches[number] = known ?? {
      recent: new Recent(state.position),
      interests: new Interests<FeedWaiter>(layout),
    }
  }

  #changed(write: Write, before: Value | undefined): void {
    const followed = this.#caches[write.cache]
    const change = this.#happened.change(write, before, followed !== undefined)
    if (!followed || !change) return
    const { position, key, after } = change
    followed.recent.add(change)
    followed.interests.touched(key, before, after, (waiter) =>
      this.#waiters.touch(waiter, position),
    )
    this.#makeRoom()
  }

  #emitted(event: DomainEvent, version: number): void {
    const remembered = this.#happened.event(event, version)
    this.#events?.add(remembered)
    this.#waiters.happened(event.name, remembered.position)
    this.#makeRoom()
  }

  /** Of the fullest the oldest goes first: one cache that changes much does not push out others. */
  #makeRoom(): void {
    while (this.bytes > this.#options.bytesMax) {
      let fullest: Recent<Remembered> = this.#events as Recent<Remembered>
      for (const cache of this.#caches)
        if (cache && cache.recent.bytes > fullest.bytes) fullest = cache.recent
      fullest.forgetOldest()
    }
  }

  /** Nobody follows any more: nothing is remembered. */
  #watchWants(): void {
    const { lingerMs } = this.#options
    this.#lingers = this.#clock.after(lingerMs, () => {
      if (this.#clock.monotonic() - this.#wantedAt < lingerMs) {
        this.#watchWants()
        return
      }
      this.#forget()
    })
  }

  /** The unit stops: whoever waits is told. */
  stop(): void {
    this.#stopped = true
    this.#forget()
  }

  #forget(): void {
    this.#lingers?.cancel()
    this.#lingers = undefined
    this.#unlisten?.()
    this.#unlisten = undefined
    this.#events = undefined
    this.#caches.length = 0
    this.#followed.clear()
    this.#waiters.wakeAll()
  }
}

const reachesNot = (recent: Recent<Remembered>, { position, told }: ResumePoint): boolean =>
  told === undefined ? position < recent.since : position <= recent.since
