import type { Histogram } from 'hdr-histogram-js'
import type { AuditCheck } from './application.ts'
import type { Counts, Recorder } from './recorder.ts'

/** Milliseconds; null where nothing was measured. */
export interface Percentiles {
  readonly p50: number | null
  readonly p90: number | null
  readonly p99: number | null
  readonly p999: number | null
  readonly max: number | null
}

export interface SecondSummary extends Readonly<Counts> {
  readonly second: number
  readonly answered: number
  readonly latencyMs: Percentiles
}

/** Everything a run came to: the content of `--json`, and all that the screen and the page show. */
export interface LoadSummary {
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
  readonly operations: Readonly<
    Record<string, Readonly<Counts> & { readonly latencyMs: Percentiles }>
  >
  readonly reasons: Readonly<Record<string, number>>
  readonly seconds: readonly SecondSummary[]
  readonly audit: { readonly passed: boolean; readonly checks: readonly AuditCheck[] }
}

export type RunDescription = Pick<
  LoadSummary,
  | 'url'
  | 'application'
  | 'profile'
  | 'startedAt'
  | 'runId'
  | 'options'
  | 'interrupted'
  | 'scheduledSeconds'
>

export function summarize(
  run: RunDescription,
  recorder: Recorder,
  checks: readonly AuditCheck[],
): LoadSummary {
  return {
    ...run,
    node: process.version,
    arrivals: recorder.arrivals,
    total: counts(recorder.total),
    attempts: recorder.attempts,
    latencyMs: percentiles(recorder.latency),
    shedLatencyMs: percentiles(recorder.shedLatency),
    startDelayMs: percentiles(recorder.startDelay),
    operations: Object.fromEntries(
      [...recorder.operations].map(([name, operation]) => [
        name,
        { ...counts(operation), latencyMs: percentiles(operation.latency) },
      ]),
    ),
    reasons: Object.fromEntries([...recorder.reasons].sort(([, a], [, b]) => b - a)),
    seconds: recorder.seconds.map((second, index) => ({
      second: index,
      ...counts(second),
      answered: second.answered,
      latencyMs: percentiles(second.latency),
    })),
    audit: { passed: checks.every(({ passed }) => passed), checks },
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
