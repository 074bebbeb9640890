import type { Moment, UnitSignals } from './moment.ts'
import { answeredBy, shedBy, sum } from './moment.ts'

/** What shows that units have more to do than they can do in good time. */
export interface Pressure {
  /** Units in which something waits, or is turned away. */
  readonly units: readonly UnitSignals[]
  /** In words, for people. */
  readonly signs: readonly string[]
}

/** Waits from this part of the target on are a sign: before anybody is turned away. */
const earlyShare = 0.5
/** Part of the limit of commands under way. */
const crowdedShare = 0.7

/** Fewer commands under way are no crowd, however low the limit. */
const crowdMin = 32

/**
 * Commands wait for longer than they should, are turned away, or fill up what may be under way, or
 * long queries stand in line, or memory is nearly used up.
 * @param delayMs that commands may wait (`QUEUE_DELAY_MS`)
 */
export function pressureOf({ units }: Moment, delayMs: number): Pressure {
  const pressed = units.filter((unit) => isPressed(unit, delayMs))
  const logs = pressed.flatMap((unit) => unit.logs)
  const longest = Math.max(0, ...logs.filter(isAsked).map((log) => log.delayMs))
  const shed = sum(pressed, shedBy)
  const waiting = sum(logs, ({ queriesWaiting }) => queriesWaiting)
  const full = pressed.filter(({ full: isFull }) => isFull)
  const signs = [
    ...(longest >= earlyShare * delayMs ? [`commands wait ${Math.round(longest)} ms`] : []),
    ...(shed > 0 ? [`${Math.ceil(shed)} a second are turned away`] : []),
    ...(waiting > 0 ? [`${waiting} long queries wait`] : []),
    ...(full.length > 0 ? [`the memory of ${full.length} is nearly full`] : []),
  ]
  if (pressed.length > 0 && signs.length === 0) signs.push('commands fill what may be under way')
  return { units: pressed, signs }
}

const isPressed = ({ logs, full }: UnitSignals, delayMs: number): boolean =>
  full ||
  logs.some(
    (log) =>
      log.shedPerSecond > 0 ||
      log.queriesWaiting > 0 ||
      (isAsked(log) && log.delayMs >= earlyShare * delayMs) ||
      (log.pending >= crowdMin && log.pending >= crowdedShare * log.limit),
  )

/** A wait that was measured before the last command was answered is none of now. */
const isAsked = (log: UnitSignals['logs'][number]): boolean =>
  log.answeredPerSecond + log.shedPerSecond > 0 || log.pending > 0

/**
 * What the units have to do, in units that do nothing but work: what keeps their event loops busy,
 * and as much more as they turn away.
 */
export function workOf(units: readonly UnitSignals[]): number {
  return sum(units, (unit) => {
    const answered = answeredBy(unit)
    // Somebody who turns away everything does not say how much it could do.
    const factor = answered > 0 ? Math.min(1 + shedBy(unit) / answered, 4) : 1
    return unit.busy * factor
  })
}
