import { escapeHtml, renderPage, table } from 'spacegrid/report/page'
import { factsLine } from '../report/run-facts.ts'
import type { Results } from './results.ts'

const columns = [
  ...['task', 'log', 'at a time', 'per second', 'p50 ms', 'p99 ms', 'p99.9 ms'],
  ...['bytes each', 're-executions', 'against last'],
]

/** Rates and latencies over concurrency, and every number. */
export function resultsPage(results: Results): Promise<string> {
  const { command, entries, timeMs, runs, measurements } = results
  const rows = measurements.map((m) => [
    m.task,
    m.log,
    m.concurrency,
    m.perSecond.toLocaleString('en'),
    ...[m.p50, m.p99, m.p999].map((ms) => ms.toFixed(4)),
    m.allocatedBytes?.toLocaleString('en') ?? '',
    m.collisions.toFixed(2),
    m.againstLast?.toFixed(2) ?? '',
  ])
  return renderPage({
    title: 'Spacegrid: hot path',
    data: { id: 'results', value: results },
    script: new URL('./results-charts.js', import.meta.url),
    body: `<p>${escapeHtml(factsLine(results))}</p>
<p><code>${escapeHtml(command)}</code>: ${entries.toLocaleString('en')} entries of about 200 bytes with two indexes (several units: about 100 bytes, none), ${timeMs} ms each, median of ${runs}; commands are acknowledged when committed. In process unless HTTP or NATS is named; callers are then in a process of their own, several units in one each.</p>
<h2>Reads: operations per second; p50 (line) and p99 (dashes), ms</h2>
<div id="rates-reads"></div>
<div id="latencies-reads"></div>
<h2>Commands: operations per second; p50 (line) and p99 (dashes), ms</h2>
<div id="rates-commands"></div>
<div id="latencies-commands"></div>
<h2>Numbers</h2>
<p>Bytes each: allocated on the JavaScript heap per operation, garbage collections included. Against last: rate by that of the results committed before.</p>
${table(columns, rows)}`,
  })
}
