import { GridError, isGridError } from '../../core/errors.ts'
import { SpaceState } from '../../core/space-state.ts'
import { openedOnce } from '../life/opened-once.ts'
import { type Clock, type Timer, within } from '../ports/clock.ts'
import type { Log, LogBounds } from '../ports/log.ts'
import { Replica, type ReplicaListener } from '../replica/replica.ts'
import { continuedBy, type KeptSnapshot, type KeptSnapshots } from './kept-snapshots.ts'

/** What the past is made of. */
export interface PastPorts {
  /** Best on a connection of its own: what is read anew must not hold up what is new. */
  readonly log: Log
  /** Left out: only what begins at the log's own beginning can be made. */
  readonly kept?: KeptSnapshots
}

export interface PastSettings {
  /** Longest wait of one who asks; what is made meanwhile goes on. Default 20,000 ms. */
  readonly waitMsMax: number
  /** So long a state may take to be made. Default 120,000 ms. */
  readonly makeMsMax: number
  /** How long a state is kept that nobody asks for. Default 60,000 ms. */
  readonly idleMs: number
  /** So many may wait. Default 16; beyond, `overloaded`. */
  readonly waitingMax: number
}

export const defaultPastSettings: PastSettings = {
  waitMsMax: 20_000,
  makeMsMax: 120_000,
  idleMs: 60_000,
  waitingMax: 16,
}

/** What can be asked for. */
export interface PastReach {
  /** First log position that can be made again, and log time there (ms since the epoch). */
  readonly oldest: number
  readonly oldestTime: number
  /** Last position of the log. */
  readonly newest: number
}

interface Made {
  readonly state: SpaceState
  readonly logIdentity: string
}

interface Start {
  readonly position: number
  make(): Promise<SpaceState>
}

/** Follows a stretch of the log that is melded again. */
export interface Stretch {
  /** The state at its beginning, which is about to be melded on. */
  begin(state: SpaceState): ReplicaListener
}

/**
 * Makes the states of a space as they were: from the newest kept snapshot before a position, or
 * the log's beginning, it melds the log up to there, which gives what every replica had there
 * (architecture.md, invariant 1). One after the other, and one is kept, to be asked again or to go
 * on from; the live replica has no part in it. Nothing is lost with it.
 */
export class PastStates {
  readonly #opened: () => Promise<PastPorts>
  readonly #clock: Clock
  readonly #takeRoom: () => () => void
  readonly #settings: PastSettings
  readonly #closing = new AbortController()
  #turn: Promise<unknown> = Promise.resolve()
  #waiting = 0
  #made: Made | undefined
  #idle: Timer | undefined

  /**
   * @param open what it reads; asked for when somebody wants it, and closed by whoever gave it
   * @param takeRoom throws when there is no memory for another state; its answer is called when
   * that has been made
   */
  constructor(
    open: () => Promise<PastPorts>,
    clock: Clock,
    takeRoom: () => () => void = () => () => undefined,
    settings: Partial<PastSettings> = {},
  ) {
    this.#opened = openedOnce(open)
    this.#clock = clock
    this.#takeRoom = takeRoom
    this.#settings = { ...defaultPastSettings, ...settings }
  }

  /**
   * What `use` makes of the state as of a position. It must be done with the state when it returns.
   * @throws GridError `position_out_of_reach`; `position_timeout`: it is not made yet, ask again;
   * `overloaded`, `memory_full`, `log_unavailable`
   */
  async at<T>(position: number, use: (state: SpaceState) => T): Promise<Awaited<T>> {
    return await this.#inTurn(async () => {
      const state = await this.#stateAt(position)
      return () => use(state)
    }, `The state as of position ${position}`)
  }

  /**
   * The last position that the log had stored by a time, ms since the epoch.
   * @throws GridError `position_out_of_reach`
   */
  async positionAt(time: number): Promise<number> {
    const { log } = await this.#opened()
    const bounds = await log.bounds()
    if (time > this.#clock.now())
      throw await this.#outOfReach(`${shownTime(time)} has not come yet`)
    let [before, after] = [bounds.first - 1, bounds.last + 1]
    while (after - before > 1) {
      const middle = Math.floor((before + after) / 2)
      const record = await log.read(middle)
      // What has been trimmed meanwhile is older than what is left.
      if (!record || record.time <= time) before = middle
      else after = middle
    }
    if (before >= bounds.first || bounds.first === 1) return before
    const oldest = (await this.#kept(bounds)).findLast((kept) => kept.time <= time)
    if (oldest) return oldest.position
    throw await this.#outOfReach(`What was at ${shownTime(time)} cannot be made again`)
  }

  /** undefined: nothing can be asked for. */
  async reach(): Promise<PastReach | undefined> {
    const { log } = await this.#opened()
    const bounds = await log.bounds()
    const { last: newest } = bounds
    if (bounds.first === 1) {
      const oldestTime = (await log.read(1))?.time ?? this.#clock.now()
      return { oldest: 0, oldestTime, newest }
    }
    const oldest = (await this.#kept(bounds)).at(-1)
    return oldest && { oldest: oldest.position, oldestTime: oldest.time, newest }
  }

  /**
   * Melds the log again, up to a position, stretch by stretch, the newest first, until `isEnough`
   * or some time has passed. Returns the position behind which everything has been looked at.
   * @throws GridError as `at`
   */
  async back(to: number, stretch: Stretch, isEnough: () => boolean): Promise<number> {
    return await this.#inTurn(async () => {
      const from = await this.#lookBack(to, stretch, isEnough)
      return () => from
    }, `What has happened up to position ${to}`)
  }

  /**
   * Melds the log again from one position to another, or until `isEnough` or some time has passed;
   * what it has come to is kept, to be gone on from. Returns the position that was reached.
   * @throws GridError as `at`
   */
  async forward(
    from: number,
    to: number,
    stretch: Stretch,
    isEnough: () => boolean,
  ): Promise<number> {
    const until = this.#clock.monotonic() + this.#settings.waitMsMax / 2
    const isOver = () => isEnough() || this.#clock.monotonic() > until
    return await this.#inTurn(async () => {
      const { log } = await this.#opened()
      const state = await this.#stateAt(from)
      const made = this.#made
      if (!isOver()) {
        // On its way it is nobody's.
        this.#letGo()
        await this.#meldUpTo(log, state, to, stretch.begin(state), isOver)
        if (made) this.#keep(made)
      }
      const { position } = state
      return () => position
    }, `What has happened behind position ${from}`)
  }

  /** The state that is used just now is not to be gone on from. */
  forget(): void {
    this.#letGo()
  }

  close(): void {
    this.#closing.abort()
    this.#letGo()
  }

  async #inTurn<T>(make: () => Promise<() => T>, what: string): Promise<Awaited<T>> {
    if (this.#waiting >= this.#settings.waitingMax)
      throw new GridError('overloaded', 'Too many ask for the past', { retryAfterMs: 2000 })
    this.#waiting++
    let isLate = false
    const turn = this.#turn
      .then(() => this.#trimmed(make, what))
      .then((use) => ({ used: isLate ? undefined : use() }))
    this.#turn = turn.catch(() => undefined).finally(() => this.#waiting--)
    const { waitMsMax } = this.#settings
    const { used } = await within(this.#clock, waitMsMax, turn, () => {
      isLate = true
      return new GridError('position_timeout', `${what} is being made again: ask once more`, {
        retryAfterMs: 2000,
      })
    })
    return (await used) as Awaited<T>
  }

  /** What it began with may be trimmed while it is made. */
  async #trimmed<T>(make: () => Promise<T>, what: string): Promise<T> {
    try {
      return await make()
    } catch (error) {
      if (!isGridError(error, 'log_trimmed')) throw error
      throw await this.#outOfReach(`${what} cannot be made again`)
    }
  }

  async #stateAt(position: number): Promise<SpaceState> {
    const { log } = await this.#opened()
    const bounds = await log.bounds()
    if (position > bounds.last)
      throw await this.#outOfReach(`Position ${position} is none of the log yet`)
    const made = this.#made
    const isNear = made?.logIdentity === bounds.identity && made.state.position <= position
    if (made && isNear && made.state.position === position) return this.#keep(made)
    const starts = await this.#starts(bounds, position)
    const [start] = starts
    if (made && isNear && made.state.position >= (start?.position ?? 0)) {
      // On its way it is nobody's.
      this.#letGo()
      await this.#meldUpTo(log, made.state, position)
      return this.#keep(made)
    }
    this.#letGo()
    if (!start) throw await this.#outOfReach(`Position ${position} cannot be made again`)
    const giveBack = this.#takeRoom()
    try {
      const state = await firstSound(starts)
      await this.#meldUpTo(log, state, position)
      return this.#keep({ state, logIdentity: bounds.identity })
    } finally {
      giveBack()
    }
  }

  async #lookBack(to: number, stretch: Stretch, isEnough: () => boolean): Promise<number> {
    const { log } = await this.#opened()
    const until = this.#clock.monotonic() + this.#settings.waitMsMax / 4
    let end = to
    this.#letGo()
    const starts = await this.#starts(await log.bounds(), to - 1)
    if (starts.length === 0)
      throw await this.#outOfReach(`What happened before position ${to} cannot be looked at again`)
    for (const [at, start] of starts.entries()) {
      const giveBack = this.#takeRoom()
      try {
        const state = await soundOrLast(start, at === starts.length - 1)
        // What is damaged makes the stretch behind the one before it longer.
        if (!state) continue
        await this.#meldUpTo(log, state, end, stretch.begin(state))
        end = start.position
      } finally {
        giveBack()
      }
      if (isEnough() || this.#clock.monotonic() > until) break
    }
    return end
  }

  /** From what a state can be made, at or before a position, the nearest first. */
  async #starts(bounds: LogBounds, position: number): Promise<Start[]> {
    const { kept } = await this.#opened()
    const starts: Start[] = (await this.#kept(bounds))
      .filter((it) => it.position <= position)
      .map((it) => ({
        position: it.position,
        make: () => (kept as KeptSnapshots).restore(it, this.#clock),
      }))
    if (bounds.first === 1) starts.push({ position: 0, make: async () => new SpaceState() })
    return starts
  }

  /** Those that the log continues, the newest first. */
  async #kept(bounds: LogBounds): Promise<KeptSnapshot[]> {
    const { kept } = await this.#opened()
    return kept ? continuedBy(bounds, await kept.list()) : []
  }

  async #meldUpTo(
    log: Log,
    state: SpaceState,
    position: number,
    listener: ReplicaListener = {},
    isEnough: () => boolean = () => false,
  ): Promise<void> {
    if (state.position >= position) return
    const replica = new Replica(log, state, { clock: this.#clock })
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const late = () =>
      reject(new GridError('position_timeout', 'It takes too long to make that state again'))
    const timer = this.#clock.after(this.#settings.makeMsMax, late)
    const closed = () => reject(new GridError('stopping', 'The processing unit is stopping'))
    this.#closing.signal.addEventListener('abort', closed, { once: true })
    replica.listen({
      ...listener,
      melded: () => {
        if (state.position < position && !isEnough()) return
        // At once: not one record more.
        void replica.stop()
        resolve()
      },
      stopped: ({ cause }) => reject(cause),
      broken: reject,
    })
    try {
      if (this.#closing.signal.aborted) closed()
      else replica.start()
      await promise
    } finally {
      timer.cancel()
      this.#closing.signal.removeEventListener('abort', closed)
      await replica.stop()
    }
  }

  #keep(made: Made): SpaceState {
    this.#made = made
    this.#idle?.cancel()
    this.#idle = this.#clock.after(this.#settings.idleMs, () => this.#letGo())
    return made.state
  }

  #letGo(): void {
    this.#idle?.cancel()
    this.#made = undefined
  }

  async #outOfReach(what: string): Promise<GridError> {
    return outOfReach(what, await this.reach())
  }
}

/** What is damaged is passed over while there is something before it. */
async function firstSound(starts: readonly Start[]): Promise<SpaceState> {
  for (const [at, start] of starts.entries()) {
    const state = await soundOrLast(start, at === starts.length - 1)
    if (state) return state
  }
  throw new Error('there is nothing to begin with')
}

/** undefined: it is damaged, and there is another one. */
async function soundOrLast(start: Start, isLast: boolean): Promise<SpaceState | undefined> {
  try {
    return await start.make()
  } catch (error) {
    const isDamaged = isGridError(error, 'record_damaged') || isGridError(error, 'diverged')
    if (!isDamaged || isLast) throw error
    return undefined
  }
}

/** What can be asked for is told to people and programs. */
export function outOfReach(what: string, reach: PastReach | undefined): GridError {
  if (!reach)
    return new GridError(
      'position_out_of_reach',
      `${what}: nothing of the past is kept here (PAST_MS says for how long)`,
    )
  const { oldest, oldestTime, newest } = reach
  const since = new Date(oldestTime).toISOString()
  return new GridError(
    'position_out_of_reach',
    `${what}: positions ${oldest} (${since}) to ${newest} can be asked for`,
    { details: { oldest, oldestTime: since, newest } },
  )
}

const shownTime = (time: number): string => new Date(time).toISOString()
