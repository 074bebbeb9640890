import type { AnyCommand, Priority } from '@spacegrid/grid/core/definition'
import { GridError } from '@spacegrid/grid/core/errors'
import type { Caller } from '@spacegrid/grid/doors/request/caller'
import type { LoadStatus, ShedReason } from '@spacegrid/grid/doors/request/load-status'
import type { LogLoad } from '@spacegrid/grid/engine/load/load-told'
import type { Clock } from '@spacegrid/grid/engine/ports/clock'
import type { Random } from '@spacegrid/grid/engine/ports/random'
import type { Distribution } from '@spacegrid/grid/engine/ports/telemetry'
import { AdaptiveLimit } from './adaptive-limit.ts'
import { FairShares } from './fair-shares.ts'
import { QueryTurns } from './query-turns.ts'
import { QueueingDelay } from './queueing-delay.ts'
import { retryAfter } from './retry-after.ts'

export interface LoadControlParts {
  readonly clock: Clock
  readonly random: Random
  /** Told of queueing delays, in seconds. */
  readonly observed?: Distribution | undefined
  /** Of the process. Left out: this unit has it for itself. */
  readonly queries?: QueryTurns | undefined
}

export interface LoadControlOptions {
  /** Delay that commands are kept at, ms; 0: nobody is turned away for it. */
  readonly queueDelayMs: number
  /** Commands that may be under way whatever they wait for. */
  readonly pendingMax: number
}

/** What is under way when somebody asks. */
export interface Underway {
  readonly pendingCount: number
  /** Of them, those that are sent to the log when this turn of the event loop ends. */
  readonly gatheredCount: number
  /** Commands answered so far. */
  readonly answered: number
}

/** CoDel's: long enough for a burst to be worked off, short enough to be felt at once. */
const intervalMs = 100
/** After such a pause nothing is known of the load any more. */
const pauseMs = 1000
const limitMin = 32
/**
 * Part of the limit that commands of a priority may fill: what is left above is kept for the more
 * urgent.
 */
const shares: Readonly<Record<Priority, number>> = { finish: 1, begin: 0.85, browse: 0.7 }
/** Part of the limit below which nobody's share is looked at. */
const crowded = 0.5
/**
 * Part of that which is taken in one turn of the event loop: while one half is on its way to the
 * log the unit works on the other. Otherwise it would take all at once when all have come back, and
 * have nothing to do while they are on their way.
 */
const turnShare = 0.5
/** Weight of the newest interval in what is measured over about a second. */
const newest = 0.1
/** Times the target after which what waits is given up. */
const lateFactor = 5
/** Errors of one reason that are made in an interval: as many different times to come back. */
const errorsMax = 64
const retryMsMin = 100

/**
 * Overload control of one unit: what comes through its doors is taken as long as commands do not
 * wait too long before they are worked on (`AdaptiveLimit`), the less urgent are turned away first
 * (as in DAGOR: Zhou et al., "Overload Control for Scaling WeChat Microservices", SoCC 2018), then
 * who asks for more than others, and what cannot be done in the time that its caller has. What the
 * process asks of itself has only the unit's fixed bounds: it knows how much it has asked. Lives as
 * long as the unit; nothing of it is stored.
 */
export class LoadControl {
  readonly delay: QueueingDelay
  readonly queries: QueryTurns
  readonly #clock: Clock
  readonly #random: Random
  readonly #pendingMax: number
  /** 0: it is off. */
  readonly #targetMs: number
  readonly #limit: AdaptiveLimit
  readonly #fairShares = new FairShares()
  readonly #shed = new Map<ShedReason, Map<Priority, number>>()
  #intervalBegan = 0
  #intervalEnds = 0
  #peak = 0
  #delayMs = 0
  /** Whether the limit is one that commands may meet. */
  #isLimited = false
  #answeredBefore = 0
  #perMs = 0
  /** Turned away within about a second. */
  #shedLately = 0
  #shedNow = 0
  #shedInAll = 0
  /** To make one takes longer than to turn somebody away: what looks at the stack does. */
  readonly #errors = new Map<ShedReason, GridError[]>()

  constructor(
    { clock, random, observed, queries }: LoadControlParts,
    { queueDelayMs, pendingMax }: LoadControlOptions,
  ) {
    this.#clock = clock
    this.#random = random
    this.queries = queries ?? new QueryTurns(clock, random)
    this.#pendingMax = pendingMax
    this.#targetMs = queueDelayMs
    this.delay = new QueueingDelay(clock, observed)
    const min = Math.min(limitMin, pendingMax)
    this.#limit = new AdaptiveLimit({ targetMs: queueDelayMs, min, max: pendingMax })
  }

  /**
   * What can be said before anything of a request has been read: nothing, unless the unit is
   * overloaded.
   * @throws GridError `overloaded`
   */
  enterEarly(command: AnyCommand, caller: Caller, underway: Underway): void {
    if (this.#isLimited) this.#enter(command, caller, underway, this.#clock.monotonic())
  }

  /**
   * @param withinMs time that the caller has
   * @param now monotonic ms
   * @throws GridError `overloaded`
   */
  enter(
    command: AnyCommand,
    caller: Caller,
    underway: Underway,
    withinMs: number,
    now: number,
  ): void {
    if (this.#targetMs === 0) return
    this.#enter(command, caller, underway, now)
    if (withinMs < this.#delayMs)
      throw this.#refused('deadline', command, underway, 'It could not be begun in its time')
    if (this.#isLimited) this.#fairShares.admitted(caller)
  }

  #enter(command: AnyCommand, caller: Caller, underway: Underway, now: number): void {
    const { pendingCount, gatheredCount } = underway
    if (now >= this.#intervalEnds) this.#turn(underway, now)
    if (pendingCount > this.#peak) this.#peak = pendingCount
    if (!this.#isLimited) return
    const max = this.#limit.value * shares[command.priority]
    const isGreedy = this.#fairShares.isGreedy(caller)
    if (pendingCount >= max || gatheredCount >= max * turnShare)
      throw this.#refused('queue', command, underway, `${pendingCount} commands are waiting`)
    if (isGreedy && pendingCount >= max * crowded)
      throw this.#refused('share', command, underway, 'Others wait who have asked for less')
  }

  /**
   * Whether a command that has not been sent yet has waited in vain: it was taken when nobody knew
   * how long it would wait, and those behind it wait for it. As CoDel does, what is late is left
   * out where it would leave the queue. A few that wait because the machine stands still make no
   * queue.
   * @param cameAt monotonic ms, whole
   */
  isLate(cameAt: number, { pendingCount }: Underway): boolean {
    if (!this.#isLimited || pendingCount <= limitMin) return false
    return this.#clock.monotonic() - cameAt > lateFactor * this.#targetMs
  }

  late(command: AnyCommand, underway: Underway): GridError {
    return this.#refused('late', command, underway, 'It has waited too long to be begun')
  }

  /** One of the unit's fixed bounds has turned a command away. */
  refusedByBound(command: AnyCommand, underway: Underway, message: string): GridError {
    return this.#refused('bound', command, underway, message)
  }

  /** Whether queries that take long wait for turns. */
  get takesTurns(): boolean {
    return this.#targetMs > 0
  }

  status(): LoadStatus {
    const shed = [...this.#shed].flatMap(([reason, byPriority]) =>
      [...byPriority].map(([priority, count]) => ({ reason, priority, count })),
    )
    const queueingDelayMs = Math.round(this.#delayMs)
    return { limit: this.#limit.value, queueingDelayMs, shed, queries: this.queries.status() }
  }

  /** What whoever scales the grid is told of it. */
  figures(): Pick<
    LogLoad,
    'shed' | 'limit' | 'delayMs' | 'tripMs' | 'tripMsLeast' | 'queriesWaiting'
  > {
    const { waiting, shed } = this.queries.counts
    return {
      ...{ shed: this.#shedInAll + shed, limit: this.#limit.value, delayMs: this.#delayMs },
      ...{ tripMs: this.delay.lastTripMs, tripMsLeast: this.delay.tripMs },
      queriesWaiting: waiting,
    }
  }

  #turn({ pendingCount, answered }: Underway, now: number): void {
    const elapsed = now - this.#intervalBegan
    // To wait for the log to come round is no sign of load.
    const delayMs = Math.max(0, this.delay.standing(now) - this.delay.tripMs)
    // A new life of the unit counts from 0 again.
    const done = Math.max(0, answered - this.#answeredBefore)
    // A pause in which nobody has waited, and not one that everybody has waited through.
    if (elapsed >= pauseMs && pendingCount === 0) {
      this.#limit.reset()
      this.#shedLately = 0
    } else {
      this.#limit.adapt(delayMs, Math.max(this.#peak, pendingCount))
      this.#shedLately = (1 - newest) * this.#shedLately + this.#shedNow
    }
    // What can be done is what was done under load: less load does not make it less.
    this.#perMs = Math.max(done / elapsed, (1 - newest) * this.#perMs)
    this.#delayMs = delayMs
    this.#isLimited = this.#limit.value < this.#pendingMax
    this.#fairShares.turn()
    this.#peak = 0
    this.#shedNow = 0
    this.#errors.clear()
    this.#answeredBefore = answered
    this.#intervalBegan = now
    this.#intervalEnds = now + intervalMs
  }

  #refused(
    reason: ShedReason,
    { priority }: AnyCommand,
    underway: Underway,
    message: string,
  ): GridError {
    this.#shedNow++
    this.#shedInAll++
    let byPriority = this.#shed.get(reason)
    if (!byPriority) {
      byPriority = new Map()
      this.#shed.set(reason, byPriority)
    }
    byPriority.set(priority, (byPriority.get(priority) ?? 0) + 1)
    return this.#errorOf(reason, message, underway)
  }

  /**
   * What is made for the first of an interval is told to those behind them as well; but for the
   * bounds, which each say what they are.
   */
  #errorOf(reason: ShedReason, message: string, underway: Underway): GridError {
    const make = () =>
      new GridError('overloaded', message, { retryAfterMs: this.#retryAfterMs(underway) })
    if (reason === 'bound') return make()
    const made = this.#errors.get(reason) ?? []
    if (made.length === 0) this.#errors.set(reason, made)
    const known = made[this.#shedNow % errorsMax]
    if (known) return known
    const error = make()
    made.push(error)
    return error
  }

  /**
   * When it would be this caller's turn at the present rate, if those who were turned away lately
   * stood in line behind those who wait.
   */
  #retryAfterMs({ pendingCount }: Underway): number {
    const ms = (pendingCount + this.#shedLately + this.#shedNow) / this.#perMs
    // Nothing has been done for a while: nobody knows.
    const waits = Number.isFinite(ms) ? ms : 1000
    return Math.max(retryMsMin, retryAfter(waits, this.#random))
  }
}
