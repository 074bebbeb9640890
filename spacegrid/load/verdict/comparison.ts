import type { Measured, Percentiles, SecondSummary } from '../measured.ts'

const compared = ['p50', 'p90', 'p99'] as const

type Compared = (typeof compared)[number]

/** What decides what users do: runs that differ in it say nothing of the grid. */
const planOptions = [
  ...['application', 'scenario', 'profile', 'rate', 'peak', 'duration', 'users', 'trace'],
  ...['speedup', 'arrivals', 'seed', 'seats', 'events', 'hot', 'browse', 'specific', 'confirm'],
  ...['think', 'retries'],
]

/** `unsure`: too few seconds, or not the same plan. */
export type Verdict = 'within the spread' | 'faster' | 'slower' | 'unsure'

/** One percentile of one operation, in the earlier run and in this one. */
export interface LatencyComparison {
  readonly operation: string
  readonly percentile: Compared
  /** In ms. */
  readonly earlier: number
  readonly later: number
  /** Later by earlier: of all requests, and of the median second. */
  readonly ratio: number
  readonly bySecond: number | undefined
  /** Where the ratio of the median second lies with a probability of 99 %. */
  readonly low: number | undefined
  readonly high: number | undefined
  readonly verdict: Verdict
}

/** Shares of what was offered, 0 to 1. */
export interface ShareComparison {
  readonly operation: string
  readonly outcome: 'shed' | 'failed'
  readonly earlier: number
  readonly later: number
}

export interface RunComparison {
  readonly earlierRun: { readonly runId: string; readonly startedAt: string }
  /** Options in which the plans differ; with any of them no verdict is given. */
  readonly otherPlan: readonly string[]
  readonly latencies: readonly LatencyComparison[]
  readonly shares: readonly ShareComparison[]
}

/**
 * This run beside an earlier one. The machine, and the load, change from second to second, so each
 * second is compared with the same one of the earlier run, which had the same plan; what is told is
 * the median of these ratios, and the interval that holds the true median with a probability of
 * 99 %, from the order of the ratios alone (Conover, *Practical Nonparametric Statistics*, section
 * 3.2); with 95 % one of the dozen rows of every comparison would be a false alarm. Where that
 * interval holds 1, the difference is within the spread. It is the spread of the seconds of two
 * runs: what changes from run to run, a busy machine for one, is not in it.
 */
export function compareRuns(earlier: Measured, later: Measured): RunComparison {
  const otherPlan = planOptions.filter((name) => earlier.options[name] !== later.options[name])
  const both = [
    { operation: 'all', one: allOf(earlier), other: allOf(later) },
    ...Object.entries(later.operations).flatMap(([operation, other]) => {
      const one = earlier.operations[operation]
      return one ? [{ operation, one, other }] : []
    }),
  ]
  const latencies = both.flatMap(({ operation, one, other }) =>
    compared.flatMap((percentile): LatencyComparison[] => {
      const [before, after] = [one.latencyMs[percentile], other.latencyMs[percentile]]
      if (before == null || after == null || before === 0) return []
      const ratios = ratiosBySecond(earlier.seconds, later.seconds, operation, percentile)
      const { median, low, high } = medianInterval(ratios)
      const verdict = otherPlan.length > 0 ? 'unsure' : verdictOf(low, high)
      const told = { operation, percentile, earlier: before, later: after, verdict }
      return [{ ...told, ratio: after / before, bySecond: median, low, high }]
    }),
  )
  const shares = both
    .flatMap(({ operation, one, other }) =>
      (['shed', 'failed'] as const).map((outcome) => ({
        ...{ operation, outcome },
        earlier: shareOf(one[outcome], one.offered),
        later: shareOf(other[outcome], other.offered),
      })),
    )
    .filter((share) => share.earlier > 0 || share.later > 0)
  const { runId, startedAt } = earlier
  return { earlierRun: { runId, startedAt }, otherPlan, latencies, shares }
}

const allOf = ({ total, latencyMs }: Measured) => ({ ...total, latencyMs })

const shareOf = (count: number, offered: number): number => (offered === 0 ? 0 : count / offered)

function ratiosBySecond(
  earlier: readonly SecondSummary[],
  later: readonly SecondSummary[],
  operation: string,
  percentile: Compared,
): number[] {
  const valueIn = (second: SecondSummary | undefined): number | null | undefined => {
    const of: Pick<Percentiles, Compared> | undefined =
      operation === 'all' ? second?.latencyMs : second?.operations[operation]
    return of?.[percentile]
  }
  return later.flatMap((second, at) => {
    const [before, after] = [valueIn(earlier[at]), valueIn(second)]
    return before == null || after == null || before === 0 ? [] : [after / before]
  })
}

/** Of a normal distribution: 99 % lie between this many deviations below and above the middle. */
const deviations = 2.576
/** With fewer no interval holds the median with that probability. */
const ratiosMin = 8

/** The median, and an interval that holds the true one with a probability of 99 %. */
export function medianInterval(values: readonly number[]): {
  readonly median: number | undefined
  readonly low: number | undefined
  readonly high: number | undefined
} {
  const sorted = values.toSorted((one, other) => one - other)
  const count = sorted.length
  const middle = count >>> 1
  const upper = sorted[middle]
  const median =
    count % 2 === 1 || upper === undefined ? upper : ((sorted[middle - 1] ?? upper) + upper) / 2
  if (count < ratiosMin) return { median, low: undefined, high: undefined }
  // Ranks below the median are binomially distributed, half of them on either side.
  const rank = Math.max(0, Math.floor((count - deviations * Math.sqrt(count)) / 2))
  return { median, low: sorted[rank], high: sorted[count - 1 - rank] }
}

function verdictOf(low: number | undefined, high: number | undefined): Verdict {
  if (low === undefined || high === undefined) return 'unsure'
  if (low > 1) return 'slower'
  return high < 1 ? 'faster' : 'within the spread'
}
