/** A time at which more is known to come. */
export interface ScheduledSale {
  /** ms since the epoch. */
  readonly at: number
  /** Units that there are to be, at least. */
  readonly units: number
  /** How long before that they are to be started. */
  readonly aheadMs: number
  /** How long after that they are to stay. */
  readonly forMs: number
}

const salesMax = 100
const aheadMsDefault = 5 * 60_000
const forMsDefault = 60 * 60_000

const sale =
  /^(\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d)?(?:Z|[+-]\d\d:\d\d))\s+(\d{1,4})(?:\s+ahead\s+(\d{1,6}[smh]))?(?:\s+for\s+(\d{1,6}[smh]))?$/

export const scheduleAllowed =
  'up to 100 times, separated by semicolons, such as 2026-12-01T10:00:00+01:00 6 ahead 10m for 2h (time with its zone, units; ahead 5m and for 1h unless said)'

/** Of `SCALING_SCHEDULE`. undefined: that is none. */
export function readSchedule(text: string): readonly ScheduledSale[] | undefined {
  const parts = text.split(';').map((part) => part.trim())
  if (parts.at(-1) === '') parts.pop()
  if (parts.length > salesMax) return undefined
  const sales = parts.map(readSale)
  return sales.includes(undefined) ? undefined : (sales as ScheduledSale[])
}

function readSale(text: string): ScheduledSale | undefined {
  const [, time = '', units = '', ahead, during] = sale.exec(text) ?? []
  const at = Date.parse(time)
  if (Number.isNaN(at) || Number(units) < 1) return undefined
  return {
    ...{ at, units: Number(units) },
    aheadMs: ahead === undefined ? aheadMsDefault : msOf(ahead),
    forMs: during === undefined ? forMsDefault : msOf(during),
  }
}

const unitMs: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000 }

const msOf = (text: string): number => Number(text.slice(0, -1)) * (unitMs[text.slice(-1)] ?? 0)

/** The sale that wants most units just now. */
export function dueSale(
  schedule: readonly ScheduledSale[],
  now: number,
): ScheduledSale | undefined {
  return schedule
    .filter(({ at, aheadMs, forMs }) => now >= at - aheadMs && now < at + forMs)
    .sort((one, other) => other.units - one.units)[0]
}
