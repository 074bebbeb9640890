import type { Measured, Percentiles } from '../measured.ts'
import { type Counts, countNames } from '../measurements.ts'

const latencies = { p50: 'p50', p90: 'p90', p99: 'p99', 'p99.9': 'p999', max: 'max' } as const
const counted = [...countNames, 'late'] as const

type Latency = keyof typeof latencies
type Counted = (typeof counted)[number]

const comparisons = {
  '<': (one: number, other: number) => one < other,
  '<=': (one: number, other: number) => one <= other,
  '=': (one: number, other: number) => one === other,
  '>=': (one: number, other: number) => one >= other,
  '>': (one: number, other: number) => one > other,
} as const

/** A number that a run must keep to, or it has failed. */
export interface Threshold {
  /** As it was written. */
  readonly text: string
  /** Undefined: of all requests together. */
  readonly operation: string | undefined
  readonly metric: Latency | Counted
  readonly comparison: keyof typeof comparisons
  readonly value: number
  /** Of counts: a share of what was offered, or a number for each second of the plan. */
  readonly unit: 'ms' | '%' | '/s' | ''
}

export interface ThresholdResult {
  readonly threshold: string
  readonly passed: boolean
  /** What was measured, in words. */
  readonly measured: string
}

const form = /^(?:([\w.-]+):)?([a-z][a-z0-9.]*)(<=|>=|<|>|=)(\d+(?:\.\d+)?)(ms|s|%|\/s)?$/

/** What can be asked for, for people. */
export const thresholdForm = `[operation:]metric, < <= = >= or >, a number: p99<100ms, shed<1%, failed=0, confirmHold:p99.9<=1s, admitted>=200/s; metrics are ${Object.keys(latencies).join(', ')} (ms or s) and ${counted.join(', ')} (a number, % of what was offered, or /s)`

/** @throws Error that says what can be asked for */
export function parseThreshold(text: string): Threshold {
  const [, operation, metric = '', comparison = '', digits, unit = ''] =
    form.exec(text.replaceAll(/\s+/g, '')) ?? []
  const value = Number(digits)
  const shared = {
    ...{ text: text.trim(), operation },
    comparison: comparison as keyof typeof comparisons,
  }
  if (isLatency(metric) && (unit === 'ms' || unit === 's'))
    return { ...shared, metric, value: unit === 's' ? value * 1000 : value, unit: 'ms' }
  if (isCount(metric) && unit !== 'ms' && unit !== 's')
    return { ...shared, metric, value, unit: unit as Threshold['unit'] }
  throw new Error(`Allowed is ${thresholdForm}.`)
}

const isLatency = (metric: string): metric is Latency => Object.hasOwn(latencies, metric)

const isCount = (metric: string): metric is Counted =>
  (counted as readonly string[]).includes(metric)

/** What was not measured does not keep to anything. */
export function judge(threshold: Threshold, run: Measured): ThresholdResult {
  const { text, operation, comparison, value, unit } = threshold
  const told = (measured: string, passed = false) => ({ threshold: text, passed, measured })
  const of = operation === undefined ? allOf(run) : run.operations[operation]
  if (of === undefined) {
    const known = Object.keys(run.operations).join(', ')
    return told(`nobody asked for ${operation}: there were ${known || 'no requests'}`)
  }
  const measured = measuredBy(threshold, of, run)
  if (measured === null) return told('nothing was measured')
  return told(`${rounded(measured)}${unit}`, comparisons[comparison](measured, value))
}

type OfOperation = Readonly<Counts> & { readonly latencyMs: Percentiles; readonly late?: number }

const allOf = ({ total, latencyMs, generator }: Measured): OfOperation => ({
  ...{ ...total, latencyMs, late: generator.late },
})

function measuredBy({ metric, unit }: Threshold, of: OfOperation, run: Measured): number | null {
  if (isLatency(metric)) return of.latencyMs[latencies[metric]]
  const count = of[metric]
  if (count === undefined) return null
  if (unit === '/s') return count / run.scheduledSeconds
  if (unit !== '%') return count
  const whole = metric === 'late' ? run.arrivals : of.offered
  return whole === 0 ? null : (100 * count) / whole
}

/** Four digits that count: a share of 0.04 % is not 0. */
const rounded = (value: number): string =>
  Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(4)))
