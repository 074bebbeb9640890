import { GridError } from '@spacegrid/grid/core/errors'
import { type LineName, partsOfLine, unknownLine } from '@spacegrid/grid/core/waiting-room'
import type { AdmissionReport } from '@spacegrid/grid/doors/request/admission-reports'
import type {
  LinePasses,
  Pass,
  PassFault,
  PassKind,
} from '@spacegrid/grid/doors/request/line-passes'
import type {
  Joining,
  LineOutside,
  LineServing,
  Place,
  WaitEstimate,
} from '@spacegrid/grid/doors/request/line-serving'
import type { Serving } from '@spacegrid/grid/doors/request/serving'
import type {
  LineStatus,
  WaitingRoomStatus,
} from '@spacegrid/grid/doors/request/waiting-room-status'
import { fractionOf } from '@spacegrid/grid/engine/ports/random'
import { LineKeeper, type LineKeeperParts } from './line-keeper.ts'
import { insideOf } from './line-pace.ts'
import { type LineState, placesOf, stepOf, waitingIn, waitingInLane } from './line-state.ts'
import type { LineView } from './line-view.ts'
import { lookPauseMs } from './look-pause.ts'
import { PlaceDesk } from './place-desk.ts'
import { everybodysLane, type RoomOptions } from './room-options.ts'

export interface WaitingRoomParts extends Omit<LineKeeperParts, 'unit'> {
  readonly passes: LinePasses
}

/** Over which it is told how fast a line moves. */
const movedMs = 30_000

/**
 * The waiting room: gives places in line, says how it goes with them, and lets in who is next. Of
 * visitors nothing is kept: a ticket says whose place it is, the line says how far it has come, and
 * the admission follows from both, the same one whoever is asked and however often. Several work
 * side by side; each looks at what the lines' space holds and lets in the next ones if nobody else
 * has done so since it looked. One that dies leaves nothing undone: places it had given are in the
 * space.
 */
export class WaitingRoom implements LineServing {
  readonly options: RoomOptions
  readonly #unit: Serving
  readonly #parts: WaitingRoomParts
  readonly #desk: PlaceDesk
  readonly #lines: ReadonlyMap<LineName, LineKeeper>
  #joined = 0
  #looked = 0

  constructor(unit: Serving, parts: WaitingRoomParts, options: RoomOptions) {
    this.#unit = unit
    this.#parts = parts
    this.options = options
    this.#lines = new Map(
      options.lines.map((line) => [line, new LineKeeper(line, { unit, ...parts }, options)]),
    )
    this.#desk = new PlaceDesk(
      async (line, lane, count) => {
        const { result } = await unit.execute('takePlaces', { line, lane, count })
        return (result as { readonly upTo: number }).upTo
      },
      (callback) => parts.clock.soon(callback),
    )
  }

  start(): void {
    for (const keeper of this.#lines.values()) keeper.start()
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#lines.values()].map((keeper) => keeper.stop()))
  }

  /** Whether visitors can be told something of every line. */
  get isOpen(): boolean {
    return [...this.#lines.values()].every(({ view }) => view !== undefined)
  }

  /**
   * A place at the end of the line; who has one already keeps it.
   * @throws GridError `unknown_line`, `invalid_input`, `ticket_invalid`, `overloaded`, `not_ready`,
   * `log_unavailable`, `outcome_unknown`
   */
  async join(line: LineName, { lane, claim, ticket }: Joining): Promise<Place> {
    const keeper = this.#keeperOf(line)
    if (ticket !== undefined) {
      const held = this.#read('ticket', ticket)
      if (typeof held === 'object' && held.line === line) {
        const place = this.#placeOf(keeper, held, ticket)
        if (place.state !== 'over') return place
      }
    }
    const claimed = claim === undefined ? undefined : this.#readOf('claim', line, claim)
    const into = claimed ? claimed.lane : this.#laneFor(lane)
    const number = claimed
      ? await this.#placeByClaim(line, claimed)
      : await this.#desk.place(line, into)
    this.#joined++
    const until = this.#now() + this.options.ticketMs
    const pass = { line, lane: into, id: number, until }
    return this.#placeOf(keeper, pass, this.#parts.passes.sign('ticket', pass))
  }

  /** @throws GridError `unknown_line`, `ticket_invalid`, `not_ready` */
  look(line: LineName, ticket: string): Place {
    const keeper = this.#keeperOf(line)
    this.#looked++
    return this.#placeOf(keeper, this.#readOf('ticket', line, ticket), ticket)
  }

  /** @throws GridError `unknown_line`, `not_ready` */
  outside(line: LineName): LineOutside {
    const view = this.#viewOf(this.#keeperOf(line))
    const waiting = waitingIn(view.state)
    const own = view.state.lanes.find(({ lane }) => lane === everybodysLane(this.options))
    const expected = own && view.estimate(own.lane, waitingInLane(own))
    return { line, waiting, ...(expected ? { estimate: expected } : {}) }
  }

  /**
   * Gives up a place, or ends a visit: whoever is next comes in.
   * @throws GridError `unknown_line`, `ticket_invalid`
   */
  leave(line: LineName, ticket: string): void {
    const keeper = this.#keeperOf(line)
    const { lane, id } = this.#readOf('ticket', line, ticket)
    const step = keeper.view && stepOf(keeper.view.state, lane, id as number)
    // Who has not come in yet leaves a place that nobody claims: such places are allowed for.
    if (!step) return
    keeper.counts.claimed(step.key, `${lane}/${id}`)
    keeper.counts.finished(step.key, `${lane}/${id}`)
  }

  /** What units tell of those who were let in. */
  report(reports: readonly AdmissionReport[]): void {
    for (const { line, committed, shed, finished } of reports) {
      const keeper = this.#lines.get(line)
      if (!keeper) continue
      keeper.counts.told(committed, shed)
      for (const visit of finished) {
        const [lane = '', number] = visit.split('/')
        const step = keeper.view && stepOf(keeper.view.state, lane, Number(number))
        keeper.counts.finished(step?.key, visit)
      }
    }
  }

  /** Where those go whose turn it is; undefined: nowhere. */
  linkOf(line: LineName): string | undefined {
    const { target } = this.options
    if (target === '') return undefined
    const { space, key = '' } = partsOfLine(line)
    return target
      .replaceAll('{space}', encodeURIComponent(space))
      .replaceAll('{key}', encodeURIComponent(key))
  }

  get openLanes(): readonly string[] {
    return this.options.lanes.filter(({ isOpen }) => isOpen).map(({ lane }) => lane)
  }

  get ticketMs(): number {
    return this.options.ticketMs
  }

  status(): WaitingRoomStatus {
    const lines = [...this.#lines].flatMap(([line, { view }]) =>
      view ? [[line, this.#statusOf(view.state)] as const] : [],
    )
    return { lines: Object.fromEntries(lines), joined: this.#joined, looked: this.#looked }
  }

  #statusOf(state: LineState): LineStatus {
    const nowMs = this.#now()
    const moved = state.steps
      .filter(({ atMs }) => nowMs - atMs < movedMs)
      .reduce((sum, step) => sum + placesOf(step), 0)
    return {
      waiting: waitingIn(state),
      inside: Math.round(insideOf(state, this.options, nowMs)),
      insideLimit: Math.floor(state.pace.window),
      movedPerSecond: moved / (movedMs / 1000),
      isHeld: state.pace.isHeld,
      lanes: state.lanes.map(({ lane, given, admitted }) => ({ lane, given, admitted })),
      ...state.signals,
    }
  }

  async #placeByClaim(line: LineName, { lane, id, until }: Pass): Promise<number> {
    const key = `${id}/${line}`
    const known = await this.#unit.query('claimed', { key })
    const { number } = known.result as { readonly number: number }
    if (number > 0) return number
    const fresh = await this.#desk.place(line, lane)
    const used = await this.#unit.execute('useClaim', { key, number: fresh, until })
    return (used.result as { readonly number: number }).number
  }

  /** @throws GridError `invalid_input` */
  #laneFor(asked: string | undefined): string {
    const everybody = everybodysLane(this.options)
    if (asked === undefined || asked === everybody) return everybody
    const lane = this.options.lanes.find((one) => one.lane === asked)
    if (lane?.isOpen) return asked
    const message = lane ? 'takes a claim that was signed for it' : 'is no lane of this line'
    const errors = [{ path: 'lane', message }]
    throw new GridError('invalid_input', `lane: ${message}`, { details: { errors } })
  }

  #placeOf(keeper: LineKeeper, { line, lane, id }: Pass, ticket: string): Place {
    const view = this.#viewOf(keeper)
    const number = id as number
    const about = { line, lane, number }
    const own = view.state.lanes.find((one) => one.lane === lane)
    const ahead = number - (own?.admitted ?? 0) - 1
    if (ahead >= 0) {
      const estimate = view.estimate(lane, ahead)
      const retryAfterMs = this.#retryAfter(view.state, estimate)
      return {
        ...{ state: 'waiting', ...about, ticket, ahead, retryAfterMs },
        ...(estimate ? { estimate } : {}),
      }
    }
    const step = stepOf(view.state, lane, number)
    const until = step ? step.atMs + this.options.visitMs : 0
    if (!step || until <= this.#now()) return { state: 'over', ...about }
    keeper.counts.claimed(step.key, `${lane}/${number}`)
    const admission = this.#parts.passes.sign('admission', { line, lane, id: number, until })
    return { state: 'admitted', ...about, ticket, admission, until }
  }

  #retryAfter(state: LineState, estimate: WaitEstimate | undefined): number {
    const ms = lookPauseMs(waitingIn(state), estimate)
    // So that those who came together do not come back together.
    return Math.round(ms * (0.9 + 0.2 * fractionOf(this.#parts.random)))
  }

  #read(kind: PassKind, text: string): Pass | PassFault {
    return this.#parts.passes.read(kind, text, this.#now())
  }

  /** @throws GridError `ticket_invalid` */
  #readOf(kind: PassKind, line: LineName, text: string): Pass {
    const pass = this.#read(kind, text)
    const reason = typeof pass === 'string' ? pass : pass.line === line ? undefined : 'other_line'
    if (typeof pass === 'object' && reason === undefined) return pass
    throw new GridError('ticket_invalid', `The ${kind} does not hold: ${reason}`, {
      details: { kind, reason, line },
    })
  }

  #keeperOf(line: LineName): LineKeeper {
    const keeper = this.#lines.get(line)
    if (keeper) return keeper
    throw unknownLine(line, this.options.lines)
  }

  #viewOf({ view }: LineKeeper): LineView {
    if (view) return view
    throw new GridError('not_ready', 'The waiting room has not seen the line yet', {
      retryAfterMs: 1000,
    })
  }

  #now(): number {
    return this.#parts.clock.now()
  }
}
