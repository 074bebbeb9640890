import { dueSale, type ScheduledSale } from '@spacegrid/grid/program/scaling-schedule'
import { Budget, type Spent } from './budget.ts'
import type { Cause, Decision } from './decision.ts'
import { GainWatch } from './gain-watch.ts'
import { type HindranceSettings, hindranceOf, percent, shown } from './hindrance.ts'
import { answeredBy, type Moment, partitionsMost, sum } from './moment.ts'
import { NeedsSeen, neededFor } from './needs.ts'
import { type Pressure, pressureOf, workOf } from './pressure.ts'
import { StartWatch } from './start-watch.ts'
import { Trend } from './trend.ts'

export interface DeciderSettings extends HindranceSettings {
  readonly unitsMin: number
  readonly unitsMax: number
  /** Part of the time in which the event loop of a unit should work, at most. */
  readonly busyMax: number
  /** How long commands may wait before they are sent to the log, ms. */
  readonly queueDelayMs: number
  /** How long fewer units must have been enough before one is taken away, ms. */
  readonly scaleInAfterMs: number
  /** Within 24 hours; 0: without end. */
  readonly unitHoursMax: number
  readonly schedule: readonly ScheduledSale[]
}

/** Signs of load must have been there all the time for so long. */
const signsMs = 750
/** The same where a spare only has to be called up: that costs little. */
const signsMsOfSpare = 200
/** A unit that has come takes its share of the work within this time. */
const settleMs = 5000
/** Units are asked, and answer, once a second or more often. */
const silentMsMin = 5000
/** From taking one away to the next. */
const scaleInStepMs = 10_000
/** What more units cost must be there for so long. */
const affordMs = 15 * 60_000
/** At most so many times as many as serve are wanted at once, and so many more. */
const stepFactor = 2
const stepUnits = 2
/** Fewer are enough when they are no busier than this part of `busyMax`. */
const scaleInShare = 0.7

/**
 * Says how many units there are to be, once for each moment that it is shown: a function of what it
 * was shown, that asks nobody and knows no clock. It grows at once and shrinks late: one moment
 * with too few units turns users away, one with too many costs little.
 */
export class Decider {
  readonly #settings: DeciderSettings
  readonly #trend = new Trend()
  readonly #gain = new GainWatch()
  readonly #starts = new StartWatch()
  readonly #needs: NeedsSeen
  readonly #budget: Budget
  #pressedSince: number | undefined
  #shortSince: number | undefined
  #grownAt = Number.NEGATIVE_INFINITY
  #shrunkAt = Number.NEGATIVE_INFINITY
  #readyBefore = 0
  #silentSince: number | undefined

  constructor(settings: DeciderSettings, spent: Spent = {}) {
    this.#settings = settings
    this.#needs = new NeedsSeen(settings.scaleInAfterMs)
    this.#budget = new Budget(settings.unitHoursMax, spent)
  }

  get budget(): Budget {
    return this.#budget
  }

  /** From asking for a unit to its being ready, as far as is known; ms. */
  get startMs(): number {
    return this.#starts.startMs
  }

  decide(moment: Moment): Decision {
    const { at, now, wanted, ready, starting, spares } = moment
    this.#budget.spend(ready + starting + spares, now)
    this.#starts.look(at, ready >= wanted)
    if (ready > this.#readyBefore) this.#grownAt = at
    this.#readyBefore = ready
    const decision = this.#bound(moment) ?? this.#byLoad(moment)
    if (decision.action === 'scale_out' || decision.action === 'replace') this.#starts.asked(at)
    if (decision.action === 'scale_in') this.#shrunkAt = at
    return decision
  }

  /** What holds whatever the load. */
  #bound(moment: Moment): Decision | undefined {
    const { at, now, wanted, ready, starting } = moment
    const { unitsMin, unitsMax, unitHoursMax } = this.#settings
    const sale = dueSale(this.#settings.schedule, now)
    if (!this.#budget.affords(0, 0) && wanted > unitsMin)
      return scaled(
        wanted,
        unitsMin,
        'budget',
        `${hours(this.#budget)} of ${unitHoursMax} are used up`,
      )
    if (wanted > unitsMax) return scaled(wanted, unitsMax, 'maximum', `UNITS_MAX is ${unitsMax}`)
    if (wanted < unitsMin) return scaled(wanted, unitsMin, 'minimum', `UNITS_MIN is ${unitsMin}`)
    const planned = Math.min(unitsMax, sale?.units ?? 0)
    if (sale && wanted < planned && this.#budget.affords(planned, affordMs))
      return scaled(
        wanted,
        planned,
        'schedule',
        `scheduled for ${new Date(sale.at).toISOString()}, ${Math.round(sale.aheadMs / 1000)} s ahead`,
      )
    if (ready + starting < wanted && this.#starts.isDue(at))
      return {
        ...{ units: wanted, action: 'replace', cause: 'ended' },
        why: `${wanted - ready - starting} of ${wanted} units are not there`,
      }
    return undefined
  }

  #byLoad(moment: Moment): Decision {
    const { at, wanted, ready, starting, units } = moment
    if (ready > 0 && units.length === 0) return this.#unknown(moment)
    this.#silentSince = undefined
    const { queueDelayMs, busyMax } = this.#settings
    const pressure = pressureOf(moment, queueDelayMs)
    this.#trend.add(at, workOf(units))
    this.#gain.look(moment, pressure)
    const ahead = this.#trend.ahead(this.#starts.startMs)
    const need = neededFor(moment, ahead, busyMax)
    this.#pressedSince = pressure.units.length > 0 ? (this.#pressedSince ?? at) : undefined
    this.#shortSince = need > wanted ? (this.#shortSince ?? at) : undefined
    const enough = neededFor(moment, ahead, scaleInShare * busyMax)
    this.#needs.add(at, pressure.units.length > 0 ? Math.max(wanted, enough) : enough)
    const patienceMs = moment.spares > 0 ? signsMsOfSpare : signsMs
    const isLasting = (since: number | undefined) => since !== undefined && at - since >= patienceMs
    const isPressed =
      isLasting(this.#pressedSince) && starting === 0 && at - this.#grownAt >= settleMs
    const isShort = isLasting(this.#shortSince)
    if (!isPressed && !isShort) return this.#fewer(moment)
    const wish = Math.max(need, isPressed ? wanted + 1 : 0)
    const why = this.#reason(moment, pressure, ahead)
    if (wish <= wanted) return this.#fewer(moment)
    return this.#more(moment, pressure, wish, isPressed ? 'pressure' : 'forecast', why)
  }

  /** Who has just begun has not heard anybody yet. */
  #unknown({ at, wanted, ready }: Moment): Decision {
    this.#silentSince ??= at
    if (at - this.#silentSince < silentMsMin) return steady(wanted)
    return hold(wanted, 'unknown', `none of ${ready} units says how it fares`)
  }

  #more(moment: Moment, pressure: Pressure, wish: number, cause: Cause, why: string): Decision {
    const { at, wanted } = moment
    const { unitsMax, unitHoursMax } = this.#settings
    if (wanted >= unitsMax) return hold(wanted, 'maximum', `${why}; UNITS_MAX is ${unitsMax}`)
    const hindered = hindranceOf(moment, pressure, this.#settings)
    if (hindered) return hold(wanted, hindered.code, `${why}; ${hindered.why}`)
    const { useless } = this.#gain
    if (useless !== undefined) return hold(wanted, 'no_gain', `${why}; ${useless}`)
    const missing = wanted - moment.ready - moment.starting
    if (missing > 0 || this.#starts.isLate(at))
      return hold(wanted, 'not_starting', `${why}; those that were asked for do not come`)
    if (this.#gain.isOpen(at))
      return hold(wanted, 'settling', `${why}; what the last ones give does not show yet`)
    const useful = Math.min(unitsMax, homesOf(moment))
    const units = Math.min(wish, useful, stepFactor * moment.ready + stepUnits)
    if (units <= wanted) return hold(wanted, 'settling', `${why}; more are on their way`)
    if (!this.#budget.affords(units, affordMs))
      return hold(
        wanted,
        'budget',
        `${why}; ${hours(this.#budget)} of ${unitHoursMax} are used up (UNIT_HOURS_MAX)`,
      )
    return scaled(wanted, units, cause, why)
  }

  /** Taken away one by one, when nothing is unclear and they have not been needed for long. */
  #fewer({ at, now, wanted, ready, starting, units }: Moment): Decision {
    const { unitsMin, unitsMax, scaleInAfterMs, schedule } = this.#settings
    const floor = Math.max(unitsMin, Math.min(unitsMax, dueSale(schedule, now)?.units ?? 0))
    const most = this.#needs.most(at)
    if (most === undefined || Math.max(most, floor) >= wanted) return steady(wanted)
    if (starting > 0 || units.length < ready || ready !== wanted) return steady(wanted)
    if (at - this.#grownAt < scaleInAfterMs || at - this.#shrunkAt < scaleInStepMs)
      return steady(wanted)
    const work = shown(sum(units, ({ busy }) => busy))
    const seconds = Math.round(scaleInAfterMs / 1000)
    const why = `${work} units of work: for ${seconds} s ${Math.max(most, floor)} would have been enough`
    return scaled(wanted, wanted - 1, 'less_to_do', why)
  }

  #reason({ units }: Moment, { signs }: Pressure, ahead: number): string {
    const busy = sum(units, (unit) => unit.busy) / Math.max(1, units.length)
    const commands = Math.round(sum(units, answeredBy))
    const seconds = shown(this.#starts.startMs / 1000)
    const figures = `${percent(busy)} busy with ${commands} commands a second, ${shown(ahead)} units of work in ${seconds} s`
    return [...signs, figures].join(', ')
  }
}

/** Units that can be home of something. */
function homesOf(moment: Moment): number {
  const most = partitionsMost(moment)
  return most === 1 ? Number.POSITIVE_INFINITY : most
}

const hold = (units: number, cause: Cause, why: string): Decision => ({
  ...{ units, action: 'hold', cause, why },
})

const steady = (units: number): Decision => hold(units, 'steady', 'nothing is to be done')

const scaled = (from: number, units: number, cause: Cause, why: string): Decision => ({
  ...{ units, action: units > from ? 'scale_out' : 'scale_in', cause, why },
})

const hours = ({ unitHours }: Budget): string => `${shown(unitHours)} unit hours`
