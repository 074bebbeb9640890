import { shareTurns } from '../lane-turns.ts'
import { admittedNow, firstPace, nextPace } from '../line-pace.ts'
import type { AdmittedStep, LineSignals, LineState } from '../line-state.ts'
import { LineView } from '../line-view.ts'
import type { RoomOptions } from '../room-options.ts'

export interface SimulatedLineOptions {
  readonly seed: number
  readonly room?: Partial<RoomOptions>
  readonly seconds: number
  /** Visitors who join, per second, and the lane of the next one. */
  readonly arrivals: (second: number) => number
  readonly laneOf?: (random: () => number) => string
  /** Commands that the grid can do, per second; of what is beyond the excess is turned away. */
  readonly capacity: (second: number) => number
  /** How long a visitor is inside, ms. */
  readonly visitMs: (random: () => number) => number
  /** Part of those in line who have gone away by the time that it is their turn. */
  readonly goneShare?: number
  /** How often somebody looks how it goes, s. */
  readonly looksEveryS?: number
}

/** What a visitor was told, and what came. */
export interface ToldWait {
  readonly atMs: number
  readonly lane: string
  readonly number: number
  readonly seconds: number
  readonly from: number
  readonly to: number
  readonly isSettled: boolean
  /** undefined: it did not come before the end. */
  waited?: number
}

interface Visitor {
  readonly isGone: boolean
  admittedAtMs?: number
}

export interface SimulatedRun {
  readonly told: readonly ToldWait[]
  /** In the order in which they came in, by lane. */
  readonly admitted: ReadonlyMap<string, readonly number[]>
  /** Of each second: how many may be inside, and are; commands committed and turned away. */
  readonly seconds: readonly {
    readonly window: number
    readonly inside: number
    readonly moved: number
    readonly committed: number
    readonly shed: number
    readonly finished: number
    readonly admitted: Readonly<Record<string, number>>
  }[]
}

export const simulatedRoom: RoomOptions = {
  lines: ['shop'],
  lanes: [{ lane: 'general', share: 1, isOpen: false }],
  insideFirst: 100,
  insideMax: 10_000,
  visitMs: 600_000,
  claimMs: 120_000,
  ticketMs: 86_400_000,
  target: '',
}

const stepMs = 500
/** Work that may wait, s of it. */
const queuedS = 0.25
const commandsPerVisit = 3

/** mulberry32: small, and the same everywhere. */
function seededFractions(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** As many as a Poisson process brings. */
function poisson(mean: number, random: () => number): number {
  if (mean > 50) {
    const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
    return Math.max(0, Math.round(mean + Math.sqrt(mean) * normal))
  }
  let count = 0
  for (let product = random(); product > Math.exp(-mean); product *= random()) count++
  return count
}

/**
 * A line in virtual time, with everything but the grid's own log: visitors join, look, go away,
 * come in, do a few commands each of which is turned away when too many come, try again, and
 * finish.
 */
export function simulateLine(options: SimulatedLineOptions): SimulatedRun {
  const room: RoomOptions = { ...simulatedRoom, ...options.room }
  const random = seededFractions(options.seed)
  const { goneShare = 0, looksEveryS = 20, laneOf = () => 'general' } = options
  const lanes = new Map(
    room.lanes.map(({ lane, share }) => [
      lane,
      { lane, share, visitors: [] as Visitor[], admitted: 0, turn: 0 },
    ]),
  )
  let pace = firstPace(room)
  let signals: LineSignals = { committed: 0, shed: 0, finished: 0 }
  let steps: Changing[] = []
  let busySinceMs: number | undefined
  const told: ToldWait[] = []
  const admitted = new Map(room.lanes.map(({ lane }) => [lane, [] as number[]]))
  const seconds: SimulatedRun['seconds'][number][] = []
  /** Commands by the step in which they are due, and ends of visits. */
  const due = new Map<number, Due[]>()
  const at = (tick: number): Due[] => {
    const there = due.get(tick) ?? []
    due.set(tick, there)
    return there
  }
  const ticks = (options.seconds * 1000) / stepMs
  let budget = 0
  let tally = { moved: 0, committed: 0, shed: 0, finished: 0 }
  const startMs = 1_000_000
  for (let tick = 0; tick < ticks; tick++) {
    const nowMs = startMs + tick * stepMs
    const second = (tick * stepMs) / 1000
    for (let left = poisson((options.arrivals(second) * stepMs) / 1000, random); left > 0; left--) {
      const lane = lanes.get(laneOf(random))
      lane?.visitors.push({ isGone: random() < goneShare })
    }
    // What the admitted ask.
    const asked = due.get(tick) ?? []
    due.delete(tick)
    // As units do: what waits a moment is done all the same.
    budget = Math.min(budget, 0) + (options.capacity(second) * stepMs) / 1000
    const room0 = budget + options.capacity(second) * queuedS
    for (const [place, one] of asked.entries()) {
      if (place >= room0) {
        signals = { ...signals, shed: signals.shed + 1 }
        tally.shed++
        // They try again.
        at(tick + 2 + Math.floor(random() * 4)).push(one)
        continue
      }
      signals = { ...signals, committed: signals.committed + 1 }
      tally.committed++
      if (one.left > 1) {
        const pause = Math.max(1, Math.round(one.pauseMs / stepMs))
        at(tick + pause).push({ ...one, left: one.left - 1 })
      } else if (nowMs < one.step.atMs + room.visitMs) {
        signals = { ...signals, finished: signals.finished + 1 }
        tally.finished++
        one.step.finished++
      }
    }
    budget -= Math.min(asked.length, room0)
    steps = steps.filter(({ atMs }) => nowMs - atMs < room.visitMs + 60_000)
    const state: LineState = {
      ...{ line: 'shop', step: tick, pace, signals, steps },
      ...(busySinceMs === undefined ? {} : { busySinceMs }),
      lanes: [...lanes.values()].map((lane) => ({
        ...{ lane: lane.lane, share: lane.share, turn: lane.turn, admitted: lane.admitted },
        given: lane.visitors.length,
      })),
    }
    if (tick % ((looksEveryS * 1000) / stepMs) === 0) {
      const view = new LineView(state, room, new Map(), nowMs)
      for (const { lane, visitors, admitted: upTo } of lanes.values()) {
        const waiting = visitors.length - upTo
        // Some of them, all along the line.
        const stride = Math.max(1, Math.floor(waiting / 40))
        for (let number = upTo + 1; number <= visitors.length; number += stride) {
          const estimate = view.estimate(lane, number - upTo - 1)
          if (estimate) told.push({ atMs: nowMs, lane, number, ...estimate })
        }
      }
    }
    pace = nextPace(state, room, nowMs)
    const total = admittedNow(state, pace, room, nowMs, stepMs)
    const turns = shareTurns(
      state.lanes.map((lane) => ({ ...lane, waiting: lane.given - lane.admitted })),
      total,
    )
    for (const { lane: name, count, turn } of turns) {
      const lane = lanes.get(name)
      if (!lane) continue
      lane.turn = turn
      if (count === 0) continue
      const from = lane.admitted + 1
      lane.admitted += count
      tally.moved += count
      const step: Changing = {
        ...{ key: `${tick}/${name}`, lane: name, from, upTo: lane.admitted, atMs: nowMs },
        ...{ claimed: 0, finished: 0 },
      }
      steps.push(step)
      for (let number = from; number <= lane.admitted; number++) {
        const visitor = lane.visitors[number - 1] as Visitor
        visitor.admittedAtMs = nowMs
        admitted.get(name)?.push(number)
        if (visitor.isGone) continue
        step.claimed++
        const pauseMs = options.visitMs(random) / commandsPerVisit
        at(tick + Math.max(1, Math.round(pauseMs / stepMs))).push({
          ...{ step, pauseMs, left: commandsPerVisit },
        })
      }
    }
    const isWaiting = [...lanes.values()].some((lane) => lane.visitors.length > lane.admitted)
    busySinceMs = isWaiting ? (busySinceMs ?? nowMs) : undefined
    if ((tick + 1) % (1000 / stepMs) === 0) {
      const inside = [...due.values()].reduce((sum, one) => sum + one.length, 0)
      const byLane = Object.fromEntries([...lanes].map(([name, lane]) => [name, lane.admitted]))
      seconds.push({ window: pace.window, inside, ...tally, admitted: byLane })
      tally = { moved: 0, committed: 0, shed: 0, finished: 0 }
    }
  }
  for (const one of told) {
    const visitor = lanes.get(one.lane)?.visitors[one.number - 1]
    if (visitor?.admittedAtMs !== undefined) one.waited = (visitor.admittedAtMs - one.atMs) / 1000
  }
  return { told, admitted, seconds }
}

type Changing = { -readonly [Field in keyof AdmittedStep]: AdmittedStep[Field] }

interface Due {
  readonly step: Changing
  readonly pauseMs: number
  readonly left: number
}

/**
 * Part of the waits that were within so much of what was told, of those of ten seconds and more.
 */
export function withinShare(told: readonly ToldWait[], share: number): number {
  const ended = told.filter(({ waited }) => waited !== undefined && waited >= 10)
  const good = ended.filter(
    ({ waited = 0, seconds }) => Math.abs(seconds - waited) <= share * waited,
  )
  return good.length / Math.max(1, ended.length)
}

/** Part of the waits that lay in the interval that was told. */
export function insideShare(told: readonly ToldWait[]): number {
  const ended = told.filter(({ waited }) => waited !== undefined && waited >= 10)
  return (
    ended.filter(({ waited = 0, from, to }) => from <= waited && waited <= to).length /
    Math.max(1, ended.length)
  )
}
