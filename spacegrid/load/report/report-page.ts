import { type Cell, escapeHtml, renderPage, table } from '../../report/page.ts'
import type { Percentiles } from '../measured.ts'
import { countNames } from '../measurements.ts'
import type { LoadSummary } from '../summary.ts'
import { summaryTiles, verdict } from './summary-tiles.ts'

/**
 * A page that needs nothing but itself: the verdict, charts, numbers and the audit, to be mailed or
 * kept beside a release.
 */
export function reportPage(summary: LoadSummary): Promise<string> {
  const { application, profile, url, startedAt, node, runId, interrupted } = summary
  const facts = `${url}, ${startedAt}, Node ${node}, run ${runId}${interrupted ? ', interrupted' : ''}`
  return renderPage({
    title: `Load: ${application}, ${profile} profile`,
    data: { id: 'summary', value: summary },
    script: new URL('./report-charts.js', import.meta.url),
    body: `<p>${escapeHtml(facts)}</p>
${verdict(summary)}
${summaryTiles(summary)}
<h2>Users: planned and started, per second</h2>
<div id="users"></div>
<h2>Requests per second, by how they ended</h2>
<div id="rates"></div>
<h2>Latency of admitted requests, from the moment each was due</h2>
<div id="latencies"></div>
<h2>99th percentile by operation</h2>
<div id="operations"></div>
${summary.histogram.length === 0 ? '' : '<h2>Admitted requests by latency</h2>\n<div id="histogram"></div>'}
${Object.keys(summary.reasons).length === 0 ? '' : '<h2>What was not accepted, per second</h2>\n<div id="reasons"></div>'}
${servers(summary)}
<h2>Numbers</h2>
<div class="wide">${numbers(summary)}</div>
${thresholds(summary)}
${comparison(summary)}
<h2>Audit</h2>
${auditTable(summary)}
<h2>How requests ended that were not accepted</h2>
${pairs(summary.reasons)}
<details><summary>Every second</summary>
<div class="scroll">${seconds(summary)}</div></details>
<details><summary>Options</summary>
${pairs(summary.options)}</details>`,
  })
}

const percentileHeadings = ['p50 ms', 'p90 ms', 'p99 ms', 'p99.9 ms', 'max ms']

/** What the processes of the grid said of themselves: nothing is drawn that nobody has told. */
function servers({ servers: { processes, note } }: LoadSummary): string {
  const told = note === undefined ? '' : `<p>${escapeHtml(note)}</p>`
  if (processes.length === 0) return `<h2>The grid’s own figures</h2>\n${told}`
  const charts = [
    ['queueing', 'queueing delay: what commands wait before they are worked on'],
    ['loop', 'event loop: 99th percentile of its lateness'],
    ['sheds', 'turned away, per second'],
    ['collisions', 'collisions: transactions that had to run again, per second'],
    ['processors', 'processors in use'],
    ['memory', 'memory'],
  ]
  const unanswered = processes.filter((process) => process.unanswered > 0)
  const gaps = unanswered.map(({ name, unanswered: times }) => `${name} ${times} times`).join(', ')
  return `<h2>The grid’s own figures</h2>
${told}${gaps === '' ? '' : `<p>Without an answer in a second: ${escapeHtml(gaps)}.</p>`}
${charts.map(([id, title]) => `<h3>${title}</h3>\n<div id="${id}"></div>`).join('\n')}`
}

function numbers(summary: LoadSummary): string {
  const rows = Object.entries(summary.operations).map(([name, operation]) => [
    name,
    ...countNames.map((count) => operation[count]),
    ...cells(operation.latencyMs),
  ])
  const total = [
    'all',
    ...countNames.map((count) => summary.total[count]),
    ...cells(summary.latencyMs),
  ]
  const shed = ['shed, until told', '', '', '', '', '', ...cells(summary.shedLatencyMs)]
  const delay = ["generator's own delay", '', '', '', '', '', ...cells(summary.startDelayMs)]
  const more = summary.total.shed > 0 ? [shed, delay] : [delay]
  return table(['operation', ...countNames, ...percentileHeadings], [...rows, total, ...more])
}

const judged = (passed: boolean, ...texts: readonly string[]): Cell[] => [
  passed ? { text: 'ok', mark: 'passed' } : { text: 'FAILED', mark: 'failed' },
  ...texts,
]

function thresholds({ thresholds: results }: LoadSummary): string {
  if (results.length === 0) return ''
  const rows = results.map(({ passed, threshold, measured }) => judged(passed, threshold, measured))
  return `<h2>Thresholds</h2>\n${table([], rows, 'text')}`
}

function comparison({ comparison: compared }: LoadSummary): string {
  if (compared === undefined) return ''
  const { earlierRun, otherPlan, latencies, shares } = compared
  const plan =
    otherPlan.length === 0
      ? 'It had the same plan; seconds are compared one by one.'
      : `Its plan was another one (${otherPlan.join(', ')}): the figures are beside each other, no more.`
  const rows = latencies.map((one): Cell[] => [
    `${one.operation} ${one.percentile}`,
    ...[one.earlier, one.later, one.ratio].map((value) => value.toFixed(2)),
    one.low === undefined || one.high === undefined
      ? '–'
      : `${one.low.toFixed(2)}–${one.high.toFixed(2)}`,
    one.verdict === 'faster' || one.verdict === 'slower'
      ? { text: one.verdict, mark: one.verdict === 'faster' ? 'passed' : 'failed' }
      : one.verdict,
  ])
  const shareRows = shares.map(({ operation, outcome, earlier, later }): Cell[] => [
    `${operation} ${outcome}`,
    ...[earlier, later].map((share) => `${(100 * share).toFixed(2)} %`),
    ...['', '', ''],
  ])
  const columns = ['', 'before', 'now', 'ratio', 'by seconds', '']
  return `<h2>Beside run ${escapeHtml(earlierRun.runId)} of ${escapeHtml(earlierRun.startedAt)}</h2>
<p>${escapeHtml(plan)}</p>
<div class="wide">${table(columns, [...rows, ...shareRows])}</div>`
}

function auditTable({ audit: { checks } }: LoadSummary): string {
  const rows = checks.map(({ promise, passed, detail }) => judged(passed, promise, detail))
  return table([], rows, 'text')
}

function seconds(summary: LoadSummary): string {
  const rows = summary.seconds.map((second) => [
    ...[second.second, second.planned, second.started],
    ...countNames.map((count) => second[count]),
    second.answered,
    ...cells(second.latencyMs),
  ])
  const users = ['users planned', 'started']
  return table(['second', ...users, ...countNames, 'answered', ...percentileHeadings], rows)
}

function pairs(values: Readonly<Record<string, unknown>>): string {
  const rows = Object.entries(values).map(([name, value]) => [name, String(value)])
  return rows.length === 0 ? '<p>None.</p>' : table([], rows, 'text')
}

const cells = ({ p50, p90, p99, p999, max }: Percentiles): string[] =>
  [p50, p90, p99, p999, max].map((value) => value?.toFixed(2) ?? '–')
