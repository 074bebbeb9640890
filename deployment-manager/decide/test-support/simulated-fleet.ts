import { logNameOf } from '@spacegrid/grid/core/log-name'
import { Decider, type DeciderSettings } from '../decider.ts'
import type { Decision } from '../decision.ts'
import type { LogSignals, Moment, UnitSignals } from '../moment.ts'

export const plainSettings: DeciderSettings = {
  ...{ unitsMin: 1, unitsMax: 16, busyMax: 0.6, queueDelayMs: 20, scaleInAfterMs: 120_000 },
  ...{ unitHoursMax: 0, idleCoresMin: 0, schedule: [] },
}

export interface FleetOptions {
  readonly settings?: Partial<DeciderSettings>
  /** Commands a second that all units together can do. */
  readonly capacity?: (units: number) => number
  /** From asking for a unit to its being ready, s. */
  readonly startSeconds?: number
  readonly partitions?: number
  readonly unitsAtStart?: number
  /** Anything else that a unit shows, or shows otherwise. */
  readonly shows?: (unit: UnitSignals, at: number) => UnitSignals
  /** Whether a unit says how it fares. */
  readonly speaks?: (at: number) => boolean
  readonly idleCores?: number
  readonly natsTripMs?: number
  /** Whether units that are asked for come. */
  readonly comes?: boolean
}

export interface FleetRun {
  readonly decisions: readonly { readonly second: number; readonly decision: Decision }[]
  /** Units that served, in each second. */
  readonly ready: readonly number[]
  /** Part of each second's arrivals that was turned away. */
  readonly shed: readonly number[]
  readonly shedShare: number
  readonly unitSeconds: number
}

const perUnit = 100
/** As much waits at most, s, before overload control turns the rest away. */
const queueSeconds = 0.05

/**
 * A fleet of units as a decider sees it, second by second: so many commands come, units do what
 * they can, overload control turns the rest away, and whoever is asked for comes some time later.
 */
export function runFleet(arrivals: readonly number[], options: FleetOptions = {}): FleetRun {
  const { capacity = (units) => units * perUnit, startSeconds = 5, comes = true } = options
  const settings = { ...plainSettings, ...options.settings }
  const decider = new Decider(settings)
  // A space with one partition has one log, and every unit works on it.
  const isDivided = (options.partitions ?? 16) > 1
  const partitions = Array.from({ length: options.partitions ?? 16 }, (_, at) => at)
  let wanted = options.unitsAtStart ?? settings.unitsMin
  let ready = wanted
  const coming: number[] = []
  let backlog = 0
  const run = {
    decisions: [] as { second: number; decision: Decision }[],
    ready: [] as number[],
    shed: [] as number[],
  }
  let [offered, turnedAway, unitSeconds] = [0, 0, 0]
  for (const [second, arriving] of arrivals.entries()) {
    while ((coming[0] ?? Number.POSITIVE_INFINITY) <= second) {
      coming.shift()
      ready++
    }
    const able = capacity(ready)
    const due = arriving + backlog
    const done = Math.min(due, able)
    const waiting = Math.min(due - done, able * queueSeconds)
    const shed = due - done - waiting
    backlog = waiting
    offered += arriving
    turnedAway += shed
    unitSeconds += ready + coming.length
    run.ready.push(ready)
    run.shed.push(arriving === 0 ? 0 : shed / arriving)
    const use = done / able
    const unit = (at: number): UnitSignals => {
      const homes = isDivided
        ? partitions.filter((partition) => partition % ready === at)
        : partitions
      const parts = ready * homes.length
      const log: LogSignals = {
        ...{ logName: 'shop', space: 'shop', answeredPerSecond: done / parts },
        ...{ shedPerSecond: shed / parts, pending: waiting / parts, limit: 16_384 },
        // As of a queue with one server and chance in it, whose work takes 1 ms.
        delayMs: use >= 0.99 ? 40 : use / (1 - use),
        ...{ tripMs: 2, tripMsLeast: 1, queriesWaiting: 0, hotKeys: 0 },
      }
      const logs = homes.map((partition) => ({ ...log, logName: logNameOf('shop', partition) }))
      const signals = { name: `shop-${at + 1}`, busy: use, full: false, logs }
      return options.shows?.(signals, at) ?? signals
    }
    const moment: Moment = {
      ...{ at: second * 1000, now: 1_700_000_000_000 + second * 1000 },
      spaces: [{ name: 'shop', partitions: partitions.length }],
      ...{ wanted, ready, starting: coming.length, spares: 0 },
      units: Array.from({ length: ready }, (_, at) => at)
        .filter((at) => options.speaks?.(at) ?? true)
        .map(unit),
      ...{ idleCores: options.idleCores, natsTripMs: options.natsTripMs },
    }
    const decision = decider.decide(moment)
    run.decisions.push({ second, decision })
    if (decision.units > wanted && comes)
      for (let more = wanted; more < decision.units; more++) coming.push(second + startSeconds)
    if (decision.units < wanted) {
      const fewer = wanted - decision.units
      const never = Math.min(fewer, coming.length)
      coming.length -= never
      ready -= fewer - never
    }
    wanted = decision.units
  }
  return { ...run, shedShare: offered === 0 ? 0 : turnedAway / offered, unitSeconds }
}

/** What was done, without what was not. */
export const actsOf = ({ decisions }: FleetRun): string[] =>
  decisions
    .filter(({ decision }) => decision.action !== 'hold')
    .map(({ second, decision }) => `${second} s: ${decision.action} ${decision.units}`)

/** How often it turned round: from growing to shrinking, or back. */
export function turnsOf({ decisions }: FleetRun): number {
  const acts = decisions
    .map(({ decision }) => decision.action)
    .filter((action) => action === 'scale_out' || action === 'scale_in')
  return acts.filter((action, at) => at > 0 && action !== acts[at - 1]).length
}
