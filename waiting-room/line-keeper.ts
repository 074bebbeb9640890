import { isGridError } from '@spacegrid/grid/core/errors'
import type { LineName } from '@spacegrid/grid/core/waiting-room'
import type { Serving } from '@spacegrid/grid/doors/request/serving'
import { type Clock, sleep } from '@spacegrid/grid/engine/ports/clock'
import { fractionOf, type Random } from '@spacegrid/grid/engine/ports/random'
import { shareTurns } from './lane-turns.ts'
import { admittedNow, nextPace } from './line-pace.ts'
import { type LineSignals, type LineState, waitingIn, waitingInLane } from './line-state.ts'
import { LineView, stateOf } from './line-view.ts'
import type { RoomOptions } from './room-options.ts'
import type { LineLook } from './space.ts'
import { VisitCounts } from './visit-counts.ts'

export interface LineKeeperParts {
  readonly unit: Serving
  readonly clock: Clock
  readonly random: Random
  /** Told what keeps a line from moving. */
  readonly warn: (message: string, error: unknown) => void
}

const lookMs = 250
const stepMs = 500
const countMs = 500
/** Over which it is measured how many join. */
const arrivalsMs = 30_000
const arrivalsMsMin = 1000
/** How much longer than a visit can last its step is remembered. */
const rememberedMs = 60_000

/**
 * Keeps one line moving: writes down what has been seen of visitors, looks how the line stands, and
 * lets in who is next, unless another waiting room has done that since the last look. What has not
 * been written down is lost with the process: visits that were over then end by time.
 */
export class LineKeeper {
  readonly line: LineName
  readonly counts = new VisitCounts()
  readonly #parts: LineKeeperParts
  readonly #options: RoomOptions
  readonly #stopping = new AbortController()
  #view: LineView | undefined
  #running: Promise<void> = Promise.resolve()
  readonly #samples: { readonly at: number; readonly given: ReadonlyMap<string, number> }[] = []
  #countedAt = 0
  /** Monotonic ms at which the newest step was first seen. */
  #stepSeenAt = 0
  /** How long a step is left alone: several rooms do not all wait for the same moment. */
  #patienceMs = stepMs
  #isStill = false

  constructor(line: LineName, parts: LineKeeperParts, options: RoomOptions) {
    this.line = line
    this.#parts = parts
    this.#options = options
  }

  /** The line as it was when last looked at; undefined: it has not been seen yet. */
  get view(): LineView | undefined {
    return this.#view
  }

  start(): void {
    this.#running = this.#run()
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#running
    await this.#count(0).catch((error) => this.#tell(error))
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping
    while (!signal.aborted) {
      try {
        await this.#count(countMs)
        await this.#look()
        await this.#advance()
        if (this.#isStill) this.#parts.warn(`line ${this.line} moves again`, undefined)
        this.#isStill = false
      } catch (error) {
        this.#tell(error)
      }
      await sleep(this.#parts.clock, lookMs, signal)
    }
  }

  /** Once, not four times a second; and not while the unit is only starting. */
  #tell(error: unknown): void {
    if (!isGridError(error)) throw error
    if (!this.#view) return
    if (!this.#isStill) this.#parts.warn(`line ${this.line} stands still`, error)
    this.#isStill = true
  }

  async #count(pauseMs: number): Promise<void> {
    const now = this.#parts.clock.monotonic()
    if (now - this.#countedAt < pauseMs) return
    const counts = this.counts.take()
    if (!counts) return
    this.#countedAt = now
    try {
      await this.#parts.unit.execute('countVisits', { line: this.line, ...counts })
    } catch (error) {
      // What can never be written down would keep the line from moving for ever.
      if (isGridError(error) && error.retryable) this.counts.putBack(counts)
      throw error
    }
  }

  async #look(): Promise<void> {
    const { unit, clock } = this.#parts
    const { result } = await unit.query('look', { line: this.line })
    const state = stateOf(this.line, result as LineLook, this.#options)
    if (this.#view?.state.step !== state.step) this.#stepSeenAt = clock.monotonic()
    this.#view = new LineView(state, this.#options, this.#arrivals(state), clock.now())
  }

  /** Who joins each lane, per second. */
  #arrivals({ lanes }: LineState): ReadonlyMap<string, number> {
    const at = this.#parts.clock.monotonic()
    const given = new Map(lanes.map((lane) => [lane.lane, lane.given]))
    const samples = this.#samples
    samples.push({ at, given })
    while (samples.length > 2 && at - (samples[0]?.at ?? at) > arrivalsMs) samples.shift()
    const [first] = samples
    if (!first || at - first.at < arrivalsMsMin) return new Map()
    const perS = (lane: string) =>
      (1000 * ((given.get(lane) ?? 0) - (first.given.get(lane) ?? 0))) / (at - first.at)
    return new Map(lanes.map(({ lane }) => [lane, perS(lane)]))
  }

  async #advance(): Promise<void> {
    const state = this.#view?.state
    const { unit, clock, random } = this.#parts
    const sinceStepMs = clock.monotonic() - this.#stepSeenAt
    if (!state || sinceStepMs < this.#patienceMs) return
    const nowMs = clock.now()
    const pace = nextPace(state, this.#options, nowMs)
    const total = admittedNow(state, pace, this.#options, nowMs, sinceStepMs)
    // What has been measured is kept by itself as well, but not again and again.
    if (total === 0 && isSame(pace.seen, state.pace.seen)) return
    const waiting = state.lanes.map((lane) => ({ ...lane, waiting: waitingInLane(lane) }))
    const turns = shareTurns(waiting, total)
    const lanes = state.lanes.map(({ lane, admitted }, at) => ({
      lane,
      admitted: admitted + (turns[at]?.count ?? 0),
      turn: turns[at]?.turn ?? 0,
    }))
    await unit.execute('advance', {
      ...{ line: this.line, step: state.step, pace, lanes, isBusy: waitingIn(state) > total },
      rememberMs: this.#options.visitMs + rememberedMs,
    })
    this.#patienceMs = stepMs * (1 + fractionOf(random) / 2)
    await this.#look()
  }
}

const isSame = (one: LineSignals, other: LineSignals): boolean =>
  one.committed === other.committed && one.shed === other.shed && one.finished === other.finished
