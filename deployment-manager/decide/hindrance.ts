import { meldMs } from './melding.ts'
import type { Moment, UnitSignals } from './moment.ts'
import { answeredBy, offeredTo, partitionsMost, sum } from './moment.ts'
import type { Pressure } from './pressure.ts'

/** Why more units would not help. */
export type Hindrance =
  | 'log_bound'
  | 'disk_bound'
  | 'hot_partition'
  | 'hot_key'
  | 'uneven'
  | 'no_partition_left'
  | 'undivided'
  | 'no_gain'
  | 'machine_full'

export interface Hindered {
  readonly code: Hindrance
  /** What was seen and what would help instead, for people. */
  readonly why: string
}

export interface HindranceSettings {
  /** Processor cores that must be idle where a new unit would run; 0: nobody looks. */
  readonly idleCoresMin: number
}

/** Units that are less busy than this have time: what they wait for is something else. */
const idleBusy = 0.5
/** The log's round trip, compared with the least that is known of it. */
const tripFactor = 3
const tripMsMin = 10
/** A bare message that takes less than this part of the log's round trip: it is not the network. */
const networkShare = 0.25
/** Part of its unit's commands that makes a partition too much for any unit. */
const hotShare = 0.6
/** Part of what a unit more could give that it must give. */
const usefulShare = 1 / 3

/** What keeps a further unit from helping; undefined: nothing that can be seen. */
export function hindranceOf(
  moment: Moment,
  pressure: Pressure,
  { idleCoresMin }: HindranceSettings,
): Hindered | undefined {
  return (
    logBound(moment, pressure) ??
    notEnoughPartitions(moment) ??
    oneIsHot(moment, pressure) ??
    meldsEverything(moment) ??
    machineFull(moment, idleCoresMin)
  )
}

/** The log's round trip grows while the units wait for it. */
function logBound({ units, natsTripMs }: Moment, pressure: Pressure): Hindered | undefined {
  if (pressure.units.length === 0) return undefined
  const busiest = Math.max(...pressure.units.map(({ busy }) => busy))
  if (busiest >= idleBusy) return undefined
  // Long queries wait for the units, and for no log.
  if (pressure.units.some(({ logs }) => logs.some((log) => log.queriesWaiting > 0)))
    return undefined
  const slow = units
    .flatMap(({ logs }) => logs)
    .filter(({ tripMs, tripMsLeast }) => tripMs >= Math.max(tripMsMin, tripFactor * tripMsLeast))
    .sort((one, other) => other.tripMs - one.tripMs)[0]
  if (!slow) return undefined
  const seen = `the log of ${slow.logName} takes ${shown(slow.tripMs)} ms instead of ${shown(slow.tripMsLeast)}, and the units are ${percent(busiest)} busy: they wait for it`
  const isDisk = natsTripMs !== undefined && natsTripMs < networkShare * slow.tripMs
  if (isDisk)
    return {
      code: 'disk_bound',
      why: `${seen}. A bare message takes ${shown(natsTripMs)} ms: it is the disk of NATS. A faster disk, or partitions on more NATS servers, would help`,
    }
  return {
    code: 'log_bound',
    why: `${seen}. A NATS server with more time, or a shorter way to it, would help`,
  }
}

/** Few have too much to do, and the others nothing: more would have nothing to do either. */
function oneIsHot({ units, spaces }: Moment, pressure: Pressure): Hindered | undefined {
  const hotLogs = pressure.units.map(hotLogOf)
  const [hot] = hotLogs
  const isDivided = (space: string) =>
    (spaces.find(({ name }) => name === space)?.partitions ?? 1) > 1
  if (hot && !hotLogs.includes(undefined) && isDivided(hot.log.space))
    return {
      code: 'hot_partition',
      why: `${percent(hot.share)} of what ${hot.unit} is asked is partition ${hot.log.logName}, and a partition has one home. A key that spreads it, or operations instead of handlers, would help`,
    }
  if (units.length < 2 || pressure.units.length === 0) return undefined
  if (pressure.units.length * 2 > units.length) return undefined
  const others = units.filter((unit) => !pressure.units.includes(unit))
  const rest = Math.max(...others.map(({ busy }) => busy))
  if (rest >= idleBusy) return undefined
  const names = pressure.units.map(({ name }) => name).join(', ')
  const keys = Math.max(0, ...pressure.units.flatMap(({ logs }) => logs.map((log) => log.hotKeys)))
  if (keys > 0)
    return {
      code: 'hot_key',
      why: `only ${names} has too much to do, for ${keys} keys that collide have their home there; the others are ${percent(rest)} busy. Operations instead of handlers would help`,
    }
  return {
    code: 'uneven',
    why: `only ${names} has too much to do, the others are ${percent(rest)} busy: what sends requests does not share them out`,
  }
}

interface HotLog {
  readonly unit: string
  readonly log: UnitSignals['logs'][number]
  readonly share: number
}

function hotLogOf(unit: UnitSignals): HotLog | undefined {
  const all = offeredTo(unit)
  const log = [...unit.logs].sort((one, other) => ratesOf(other) - ratesOf(one))[0]
  if (!log || all === 0) return undefined
  const share = ratesOf(log) / all
  return share >= hotShare ? { unit: unit.name, log, share } : undefined
}

const ratesOf = (log: UnitSignals['logs'][number]): number =>
  log.answeredPerSecond + log.shedPerSecond

function notEnoughPartitions(moment: Moment): Hindered | undefined {
  const most = partitionsMost(moment)
  if (most === 1 || moment.wanted < most) return undefined
  return {
    code: 'no_partition_left',
    why: `there are as many units as partitions (${most}), and each has one home. More partitions (npx spacegrid repartition), or query units for queries, would help`,
  }
}

/**
 * In a space with one partition every unit melds all commands, whoever has executed them: of that
 * work a unit more takes nothing away. What it gives is derived as docs/scale.md does.
 */
function meldsEverything(moment: Moment): Hindered | undefined {
  const { units } = moment
  if (partitionsMost(moment) > 1 || units.length === 0) return undefined
  const count = units.length
  const busy = sum(units, ({ busy: its }) => its) / count
  const commands = sum(units, answeredBy)
  if (busy === 0) return undefined
  const melding = Math.min(1, (commands * meldMs) / 1000 / busy)
  const after = melding + ((1 - melding) * count) / (count + 1)
  const gain = 1 / after - 1
  if (gain >= usefulShare / count) return undefined
  return {
    code: 'undivided',
    why: `every unit melds all ${Math.round(commands)} commands a second, which is ${percent(melding)} of what they do: one more would give ${percent(gain)}. Partitions would help, and query units for queries`,
  }
}

function machineFull({ idleCores }: Moment, idleCoresMin: number): Hindered | undefined {
  if (idleCores === undefined || idleCores >= idleCoresMin) return undefined
  return {
    code: 'machine_full',
    why: `of this machine's processor ${shown(idleCores)} cores are idle, and a unit needs ${idleCoresMin}: it would take from the others what it gives`,
  }
}

export const shown = (figure: number): string =>
  figure >= 10 ? String(Math.round(figure)) : String(Math.round(figure * 10) / 10)

export const percent = (share: number): string => `${Math.round(share * 100)} %`
