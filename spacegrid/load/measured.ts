import type { Histogram } from 'hdr-histogram-js'
import {
  type Counts,
  latencyBucketMs,
  type Measurements,
  type SecondRecord,
} from './measurements.ts'
import type { AuditCheck } from './scenario/audit-check.ts'
import type { ServerFigures } from './servers/server-figures.ts'

/** Milliseconds; null where nothing was measured. */
export interface Percentiles {
  readonly p50: number | null
  readonly p90: number | null
  readonly p99: number | null
  readonly p999: number | null
  readonly max: number | null
}

/** One operation in one second, latencies in milliseconds. */
export interface OperationSecond extends Readonly<Counts> {
  readonly p50: number | null
  readonly p90: number | null
  readonly p99: number | null
}

export interface SecondSummary extends Readonly<Counts> {
  readonly second: number
  readonly answered: number
  /** Users that were to be started in this second, and that were. */
  readonly planned: number
  readonly started: number
  /** Of those due in this second: started late, by the generator's own fault. */
  readonly late: number
  readonly latencyMs: Percentiles
  readonly operations: Readonly<Record<string, OperationSecond>>
  readonly reasons: Readonly<Record<string, number>>
}

/** Whether users came when they were to. */
export interface GeneratorSummary {
  /** Users that were to come; with random arrivals some more or less do. */
  readonly planned: number
  readonly late: number
  /** Seconds in which more than a twentieth of those who were due were started late. */
  readonly secondsBehind: readonly number[]
}

/** What a run has measured; whether that is good is judged afterwards. */
export interface Measured {
  readonly url: string
  readonly application: string
  readonly profile: string
  readonly startedAt: string
  readonly runId: string
  /** The options as given or defaulted, without headers, which may be secret. */
  readonly options: Readonly<Record<string, unknown>>
  readonly node: string
  readonly interrupted: boolean
  readonly scheduledSeconds: number
  readonly arrivals: number
  readonly total: Readonly<Counts>
  /** HTTP attempts, retries included. */
  readonly attempts: number
  readonly latencyMs: Percentiles
  readonly shedLatencyMs: Percentiles
  /** The generator's own lateness, contained in the latencies. */
  readonly startDelayMs: Percentiles
  readonly generator: GeneratorSummary
  readonly operations: Readonly<
    Record<string, Readonly<Counts> & { readonly latencyMs: Percentiles }>
  >
  readonly reasons: Readonly<Record<string, number>>
  /** Admitted requests by latency; each bucket ends where the next one begins. */
  readonly histogram: readonly { readonly fromMs: number; readonly count: number }[]
  readonly seconds: readonly SecondSummary[]
  /** What the grid's processes said of themselves meanwhile. */
  readonly servers: ServerFigures
  readonly audit: { readonly passed: boolean; readonly checks: readonly AuditCheck[] }
}

export type RunDescription = Pick<
  Measured,
  | 'url'
  | 'application'
  | 'profile'
  | 'startedAt'
  | 'runId'
  | 'options'
  | 'interrupted'
  | 'scheduledSeconds'
  | 'servers'
> & { readonly plannedBySecond: readonly number[] }

export function summarize(
  { plannedBySecond, ...run }: RunDescription,
  measurements: Measurements,
  checks: readonly AuditCheck[],
): Measured {
  const seconds = measurements.seconds.map((second, index) =>
    secondSummary(second, index, plannedBySecond[index] ?? 0),
  )
  return {
    ...run,
    node: process.version,
    arrivals: measurements.arrivals,
    total: counts(measurements.total),
    attempts: measurements.attempts,
    latencyMs: percentiles(measurements.latency),
    shedLatencyMs: percentiles(measurements.shedLatency),
    startDelayMs: percentiles(measurements.startDelay),
    generator: {
      planned: Math.round(plannedBySecond.reduce((sum, planned) => sum + planned, 0)),
      late: measurements.late,
      secondsBehind: seconds.filter(isBehind).map(({ second }) => second),
    },
    operations: Object.fromEntries(
      [...measurements.operations].map(([name, operation]) => [
        name,
        { ...counts(operation), latencyMs: percentiles(operation.latency) },
      ]),
    ),
    reasons: Object.fromEntries([...measurements.reasons].sort(([, a], [, b]) => b - a)),
    histogram: Array.from(measurements.buckets, (count = 0, bucket) => ({
      fromMs: latencyBucketMs(bucket),
      count,
    })),
    seconds,
    audit: { passed: checks.every(({ passed }) => passed), checks },
  }
}

/** A share of users that is late in every second of a busy machine. */
const lateShareMax = 0.05

const isBehind = ({ late, started, planned }: SecondSummary): boolean =>
  late > lateShareMax * Math.max(started, planned, 1)

function secondSummary(record: SecondRecord, second: number, planned: number): SecondSummary {
  const { answered, started, late, latency, operations, reasons } = record
  return {
    ...{ second, ...counts(record), answered },
    ...{ planned: Math.round(planned * 10) / 10, started, late },
    latencyMs: percentiles(latency),
    operations: Object.fromEntries(
      [...operations].map(([name, operation]) => {
        const [p50 = null, p90 = null, p99 = null] = operation.sample
          .at([0.5, 0.9, 0.99])
          .map((value) => (value === null ? null : value / 1000))
        return [name, { ...counts(operation), p50, p90, p99 }]
      }),
    ),
    reasons: Object.fromEntries(reasons),
  }
}

const counts = ({ offered, admitted, rejected, shed, failed }: Counts): Counts => ({
  offered,
  admitted,
  rejected,
  shed,
  failed,
})

function percentiles(histogram: Histogram): Percentiles {
  // A percentile is the upper end of a bucket, which may lie just above the largest value in it.
  const at = (percentile: number): number | null =>
    histogram.totalCount === 0
      ? null
      : Math.min(histogram.getValueAtPercentile(percentile), histogram.maxValue) / 1000
  return {
    p50: at(50),
    p90: at(90),
    p99: at(99),
    p999: at(99.9),
    max: histogram.totalCount === 0 ? null : histogram.maxValue / 1000,
  }
}
