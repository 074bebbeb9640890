import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import type { LoadSummary, Percentiles } from './summary.ts'

interface PageParts {
  readonly style: string
  /** The chart library, then the script that draws with it. */
  readonly scripts: readonly string[]
}

/** A page that needs nothing but itself: charts, numbers and the audit, to be mailed or kept beside a release. */
export async function reportPage(summary: LoadSummary): Promise<string> {
  const require = createRequire(import.meta.url)
  const [chartStyle, chartLibrary, style, script] = await Promise.all([
    readFile(require.resolve('uplot/dist/uPlot.min.css'), 'utf8'),
    readFile(require.resolve('uplot/dist/uPlot.iife.min.js'), 'utf8'),
    readFile(new URL('./report-page.css', import.meta.url), 'utf8'),
    readFile(new URL('./report-charts.js', import.meta.url), 'utf8'),
  ])
  return renderPage(summary, { style: chartStyle + style, scripts: [chartLibrary, script] })
}

export function renderPage(summary: LoadSummary, parts: PageParts): string {
  const title = `${summary.application}, ${summary.profile} profile`
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Load: ${escapeHtml(title)}</title>
<style>${parts.style}</style>
<h1>Load: ${escapeHtml(title)}</h1>
<p>${escapeHtml(summary.url)}, ${escapeHtml(summary.startedAt)}, Node ${escapeHtml(summary.node)}, run ${escapeHtml(summary.runId)}${summary.interrupted ? ', interrupted' : ''}</p>
<p class="${summary.audit.passed ? 'passed' : 'failed'}">Audit ${summary.audit.passed ? 'passed' : 'failed'}.</p>
<h2>Rates</h2>
<div id="rates"></div>
<h2>Latency of admitted requests, from the moment each was due</h2>
<div id="latencies"></div>
<h2>Numbers</h2>
${numbers(summary)}
<h2>Audit</h2>
${audit(summary)}
<h2>How requests ended that were not accepted</h2>
${pairs(summary.reasons)}
<h2>Every second</h2>
<div class="scroll">${seconds(summary)}</div>
<h2>Options</h2>
${pairs(summary.options)}
<script type="application/json" id="summary">${scriptSafe(JSON.stringify(summary))}</script>
${parts.scripts.map((script) => `<script>${script}</script>`).join('\n')}
</html>
`
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

function audit({ audit: { checks } }: LoadSummary): string {
  const rows = checks.map(
    ({ promise, passed, detail }) =>
      `<tr><td class="${passed ? 'passed' : 'failed'}">${passed ? 'ok' : 'FAILED'}<td>${escapeHtml(promise)}<td>${escapeHtml(detail)}`,
  )
  return `<table class="text">${rows.join('\n')}</table>`
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
  const rows = Object.entries(values).map(
    ([name, value]) => `<tr><td>${escapeHtml(name)}<td>${escapeHtml(String(value))}`,
  )
  return rows.length === 0 ? '<p>None.</p>' : `<table class="text">${rows.join('\n')}</table>`
}

function table(
  columns: readonly string[],
  rows: readonly (readonly (string | number)[])[],
): string {
  const heading = `<tr>${columns.map((column) => `<th>${escapeHtml(column)}`).join('')}`
  const body = rows.map(
    (row) => `<tr>${row.map((value) => `<td>${escapeHtml(String(value))}`).join('')}`,
  )
  return `<table>${[heading, ...body].join('\n')}</table>`
}

const cells = ({ p50, p90, p99, p999, max }: Percentiles): string[] =>
  [p50, p90, p99, p999, max].map((value) => value?.toFixed(2) ?? '–')

const escapeHtml = (text: string): string =>
  text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`)

/** Inside a script element only `<` can end it or open a comment. */
const scriptSafe = (json: string): string => json.replaceAll('<', '\\u003c')
