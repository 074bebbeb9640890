import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import type { Results } from './results.ts'

/** A page that needs nothing but itself: rates and latencies over concurrency, and every number. */
export async function resultsPage(results: Results): Promise<string> {
  const require = createRequire(import.meta.url)
  const [chartStyle, chartLibrary, style, script] = await Promise.all([
    readFile(require.resolve('uplot/dist/uPlot.min.css'), 'utf8'),
    readFile(require.resolve('uplot/dist/uPlot.iife.min.js'), 'utf8'),
    readFile(new URL('../load/report-page.css', import.meta.url), 'utf8'),
    readFile(new URL('./results-charts.js', import.meta.url), 'utf8'),
  ])
  const { machine } = results
  const rows = results.measurements.map(
    (m) =>
      `<tr><td>${m.task}<td>${m.log}<td>${m.concurrency}<td>${m.perSecond.toLocaleString('en')}<td>${m.p50.toFixed(4)}<td>${m.p99.toFixed(4)}<td>${m.p999.toFixed(4)}<td>${m.collisions.toFixed(2)}`,
  )
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Spacegrid: hot path</title>
<style>${chartStyle}${style}</style>
<h1>Hot path, one processing unit</h1>
<p>${results.startedAt}, commit ${results.commit}, ${machine.cpu} (${machine.cores} cores, ${machine.memoryGiB} GiB, ${machine.platform}), Node ${results.node}</p>
<p><code>${results.command}</code>: ${results.entries.toLocaleString('en')} entries of about 200 bytes with two indexes, ${results.timeMs} ms each, median of ${results.runs}; commands are acknowledged when committed.</p>
<h2>Operations per second</h2>
<div id="rates"></div>
<h2>Latency, p50 (line) and p99 (dashes), ms</h2>
<div id="latencies"></div>
<h2>Numbers</h2>
<table><tr><th>task<th>log<th>at a time<th>per second<th>p50 ms<th>p99 ms<th>p99.9 ms<th>re-executions
${rows.join('\n')}</table>
<script type="application/json" id="results">${JSON.stringify(results).replaceAll('<', '\\u003c')}</script>
<script>${chartLibrary}</script>
<script>${script}</script>
</html>
`
}
