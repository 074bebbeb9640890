import type { Counts } from './recorder.ts'
import type { LoadSummary, Percentiles } from './summary.ts'

const countColumns = ['offered', 'admitted', 'rejected', 'shed', 'failed'] as const
const percentileColumns = ['p50', 'p90', 'p99', 'p99.9', 'max'] as const
const width = 9

/**
 * The end of a run as text: every second, then the operations, then the numbers that matter and the
 * audit, last.
 */
export function screenReport(summary: LoadSummary): string {
  const heading = ['second', ...countColumns, 'answered', ...percentileColumns].map(cell).join('')
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
    'operation'.padEnd(20) + [...countColumns, ...percentileColumns].map(cell).join('')
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
    ...totalLines(summary),
    '',
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

function auditLines({ audit }: LoadSummary): string[] {
  const lines = audit.checks.map(
    ({ promise, passed, detail }) => `${passed ? '  ok  ' : 'FAILED'}  ${promise}: ${detail}`,
  )
  return [...lines, audit.passed ? 'Audit passed.' : 'Audit FAILED.']
}

const countCells = (counts: Readonly<Counts>): number[] =>
  countColumns.map((column) => counts[column])

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
