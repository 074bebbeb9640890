import type { Percentiles } from '../measured.ts'
import { type Counts, countNames } from '../measurements.ts'
import type { LoadSummary } from '../summary.ts'
import type { LatencyComparison, RunComparison } from '../verdict/comparison.ts'

const percentileColumns = ['p50', 'p90', 'p99', 'p99.9', 'max'] as const
const width = 9

/**
 * The end of a run as text: every second, then the operations, then the numbers that matter and the
 * audit, last.
 */
export function screenReport(summary: LoadSummary): string {
  const heading = ['second', ...countNames, 'answered', ...percentileColumns].map(cell).join('')
  const seconds = summary.seconds.map((second) =>
    [second.second, ...countCells(second), second.answered, ...percentileCells(second.latencyMs)]
      .map(cell)
      .join(''),
  )
  const operations = Object.entries(summary.operations).map(
    ([name, operation]) =>
      name.padEnd(20) +
      [...countCells(operation), ...percentileCells(operation.latencyMs)].map(cell).join(''),
  )
  const operationHeading =
    'operation'.padEnd(20) + [...countNames, ...percentileColumns].map(cell).join('')
  return [
    'Latencies in ms from the moment a request was due to its final answer, admitted requests only.',
    '',
    heading,
    ...seconds,
    '',
    operationHeading,
    ...operations,
    '',
    ...reasonLines(summary),
    ...serverLines(summary),
    ...totalLines(summary),
    ...generatorLines(summary),
    '',
    ...comparisonLines(summary.comparison),
    ...thresholdLines(summary),
    ...auditLines(summary),
    '',
  ].join('\n')
}

function reasonLines({ reasons }: LoadSummary): string[] {
  const entries = Object.entries(reasons)
  if (entries.length === 0) return []
  return [...entries.map(([reason, count]) => `${String(count).padStart(width)}  ${reason}`), '']
}

function totalLines(summary: LoadSummary): string[] {
  const { total, attempts, arrivals, startDelayMs } = summary
  const share = (count: number): string =>
    total.offered === 0 ? '' : ` (${((100 * count) / total.offered).toFixed(1)} %)`
  const lines = [
    `arrivals  ${arrivals}${summary.interrupted ? ' (interrupted)' : ''}, requests ${total.offered}, HTTP attempts ${attempts}`,
    `offered   ${total.offered}`,
    `admitted  ${total.admitted}${share(total.admitted)}, of which refused by business rules ${total.rejected}`,
    `shed      ${total.shed}${share(total.shed)}`,
    `failed    ${total.failed}${share(total.failed)}`,
    `latency   ${percentileText(summary.latencyMs)}`,
  ]
  if (total.shed > 0) lines.push(`shed in   ${percentileText(summary.shedLatencyMs)}`)
  lines.push(`the generator's own delay, contained above: ${percentileText(startDelayMs)}`)
  return lines
}

/** A generator that could not keep up has measured itself. */
function generatorLines({ generator, arrivals }: LoadSummary): string[] {
  const { planned, late, secondsBehind } = generator
  const lines = [`planned   ${planned} users, started ${arrivals}, of which late ${late}`]
  if (secondsBehind.length > 0) {
    const named = secondsBehind.slice(0, secondsNamed).join(', ')
    const more = secondsBehind.length > secondsNamed ? ' …' : ''
    lines.push(
      `THE GENERATOR FELL BEHIND in ${secondsBehind.length} of its seconds (${named}${more}): what it took is in the latencies above. Ask for less, or give it a processor of its own.`,
    )
  }
  return lines
}

function serverLines({ servers: { processes, note } }: LoadSummary): string[] {
  const lines = processes.map(({ name, samples, unanswered }) => {
    const most = (read: (sample: (typeof samples)[number]) => number | undefined) =>
      Math.max(0, ...samples.map((sample) => read(sample) ?? 0))
    return [
      `${name.padEnd(20)} queueing delay up to ${milliseconds(most((it) => it.queueingDelayMs))} ms`,
      `event loop p99 up to ${milliseconds(most((it) => it.eventLoopMs))} ms`,
      `shed up to ${most((it) => it.shedPerSecond).toFixed(0)}/s`,
      `collisions up to ${most((it) => it.collisionsPerSecond).toFixed(0)}/s`,
      `memory up to ${(most((it) => it.residentBytes) / 2 ** 20).toFixed(0)} MiB`,
      ...(unanswered === 0 ? [] : [`${unanswered} times without an answer`]),
    ].join(', ')
  })
  return [...lines, ...(note === undefined ? [] : [note]), '']
}

function thresholdLines({ thresholds }: LoadSummary): string[] {
  if (thresholds.length === 0) return []
  const lines = thresholds.map(({ threshold, passed, measured }) =>
    judged(passed, `threshold ${threshold}: ${measured}`),
  )
  return [...lines, '']
}

function comparisonLines(comparison: RunComparison | undefined): string[] {
  if (comparison === undefined) return []
  const { earlierRun, otherPlan, latencies, shares } = comparison
  const lines = [`Compared with run ${earlierRun.runId} of ${earlierRun.startedAt}:`]
  if (otherPlan.length > 0)
    lines.push(
      `its plan was another one (${otherPlan.join(', ')}): the figures are beside each other, no more`,
    )
  lines.push(...latencies.map(latencyLine))
  lines.push(
    ...shares.map(
      ({ operation, outcome, earlier, later }) =>
        `${`${operation} ${outcome}`.padEnd(26)}${percent(earlier)} before, ${percent(later)} now`,
    ),
  )
  return [...lines, '']
}

function latencyLine(one: LatencyComparison): string {
  const { operation, percentile, earlier, later, ratio, bySecond, low, high, verdict } = one
  const spread =
    bySecond === undefined || low === undefined || high === undefined
      ? ''
      : `, second by second ${bySecond.toFixed(2)} (${low.toFixed(2)} to ${high.toFixed(2)})`
  return `${`${operation} ${percentile}`.padEnd(26)}${milliseconds(earlier)} ms before, ${milliseconds(later)} ms now: ${ratio.toFixed(2)} times${spread}: ${verdict}`
}

/** Seconds that are named; the rest are counted. */
const secondsNamed = 10

const percent = (share: number): string => `${(100 * share).toFixed(2)} %`

function auditLines({ audit }: LoadSummary): string[] {
  const lines = audit.checks.map(({ promise, passed, detail }) =>
    judged(passed, `${promise}: ${detail}`),
  )
  return [...lines, audit.passed ? 'Audit passed.' : 'Audit FAILED.']
}

const judged = (passed: boolean, text: string): string => `${passed ? '  ok  ' : 'FAILED'}  ${text}`

const countCells = (counts: Readonly<Counts>): number[] => countNames.map((name) => counts[name])

const percentileCells = ({ p50, p90, p99, p999, max }: Percentiles): string[] =>
  [p50, p90, p99, p999, max].map(milliseconds)

const percentileText = (percentiles: Percentiles): string =>
  percentileCells(percentiles)
    .map((value, index) => `${percentileColumns[index]} ${value}`)
    .join('  ')
    .concat(' ms')

const cell = (value: string | number): string => String(value).padStart(width)

/** Three significant digits are all the histogram has. */
function milliseconds(value: number | null): string {
  if (value === null) return '-'
  if (value >= 100) return value.toFixed(0)
  return value.toFixed(value >= 10 ? 1 : 2)
}
