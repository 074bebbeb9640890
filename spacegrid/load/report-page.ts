import { type Cell, escapeHtml, renderPage, table } from '../report/page.ts'
import type { Percentiles } from './measured.ts'
import type { LoadSummary } from './summary.ts'

/**
 * A page that needs nothing but itself: charts, numbers and the audit, to be mailed or kept beside
 * a release.
 */
export function reportPage(summary: LoadSummary): Promise<string> {
  const { application, profile, url, startedAt, node, runId, interrupted, audit } = summary
  const facts = `${url}, ${startedAt}, Node ${node}, run ${runId}${interrupted ? ', interrupted' : ''}`
  return renderPage({
    title: `Load: ${application}, ${profile} profile`,
    data: { id: 'summary', value: summary },
    script: new URL('./report-charts.js', import.meta.url),
    body: `<p>${escapeHtml(facts)}</p>
<p class="${audit.passed ? 'passed' : 'failed'}">Audit ${audit.passed ? 'passed' : 'failed'}.</p>
<h2>Rates</h2>
<div id="rates"></div>
<h2>Latency of admitted requests, from the moment each was due</h2>
<div id="latencies"></div>
<h2>Numbers</h2>
${numbers(summary)}
<h2>Audit</h2>
${auditTable(summary)}
<h2>How requests ended that were not accepted</h2>
${pairs(summary.reasons)}
<h2>Every second</h2>
<div class="scroll">${seconds(summary)}</div>
<h2>Options</h2>
${pairs(summary.options)}`,
  })
}

const headings = ['offered', 'admitted', 'rejected', 'shed', 'failed'] as const
const percentileHeadings = ['p50 ms', 'p90 ms', 'p99 ms', 'p99.9 ms', 'max ms']

function numbers(summary: LoadSummary): string {
  const rows = Object.entries(summary.operations).map(([name, operation]) => [
    name,
    ...headings.map((heading) => operation[heading]),
    ...cells(operation.latencyMs),
  ])
  const total = [
    'all',
    ...headings.map((heading) => summary.total[heading]),
    ...cells(summary.latencyMs),
  ]
  const delay = ["generator's own delay", '', '', '', '', '', ...cells(summary.startDelayMs)]
  return table(['operation', ...headings, ...percentileHeadings], [...rows, total, delay])
}

function auditTable({ audit: { checks } }: LoadSummary): string {
  const rows = checks.map(({ promise, passed, detail }): Cell[] => [
    passed ? { text: 'ok', mark: 'passed' } : { text: 'FAILED', mark: 'failed' },
    promise,
    detail,
  ])
  return table([], rows, 'text')
}

function seconds(summary: LoadSummary): string {
  const rows = summary.seconds.map((second) => [
    second.second,
    ...headings.map((heading) => second[heading]),
    second.answered,
    ...cells(second.latencyMs),
  ])
  return table(['second', ...headings, 'answered', ...percentileHeadings], rows)
}

function pairs(values: Readonly<Record<string, unknown>>): string {
  const rows = Object.entries(values).map(([name, value]) => [name, String(value)])
  return rows.length === 0 ? '<p>None.</p>' : table([], rows, 'text')
}

const cells = ({ p50, p90, p99, p999, max }: Percentiles): string[] =>
  [p50, p90, p99, p999, max].map((value) => value?.toFixed(2) ?? '–')
