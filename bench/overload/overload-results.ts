import { escapeHtml, renderPage, table } from 'spacegrid/report/page'
import { factsLine, type RunFacts } from '../report/run-facts.ts'
import type { Offered } from './offer.ts'

export interface OverloadRow {
  readonly policy: string
  /** At 80 % of the capacity, before. */
  readonly before: Offered
  readonly overload: Offered
  /** At 80 % again, at once. */
  readonly after: Offered
  /** Of the capacity, answered in time. */
  readonly goodput: number
  /** 99th percentile of what was answered, by that at 80 %. */
  readonly p99Ratio: number
  /** From the end of the overload until all is well for a second, ms; null: it never was. */
  readonly recoveryMs: number | null
}

export interface OverloadResults extends RunFacts {
  /** What else the machine had to do when it began: processes that wanted to run. */
  readonly machineLoad: number
  readonly settings: Readonly<Record<'work' | 'times' | 'time' | 'calm' | 'fixed', number>>
  /** Commands a second, 256 at a time. */
  readonly capacity: number
  readonly rows: readonly OverloadRow[]
}

const columns = [
  ...['policy', 'done in time, of the capacity', 'p50', 'p99', 'p99 at 80 %', 'ratio'],
  ...['well again after', 'turned away', 'failed', 'offered'],
]

const cells = ({ policy, goodput, overload, before, after, ...row }: OverloadRow): string[] => [
  policy,
  `${(100 * goodput).toFixed(0)} %`,
  ...[overload.p50, overload.p99, before.p99].map((ms) => `${ms.toFixed(1)} ms`),
  row.p99Ratio.toFixed(1),
  row.recoveryMs === null ? `not within ${after.seconds} s` : `${row.recoveryMs} ms`,
  ...[overload.shed, overload.failed, overload.offered].map((count) => count.toLocaleString('en')),
]

export function overloadPage(results: OverloadResults): Promise<string> {
  const { work, times, time } = results.settings
  return renderPage({
    title: 'Spacegrid: overload',
    data: { id: 'results', value: results },
    script: new URL('./overload-charts.js', import.meta.url),
    body: `<p>${escapeHtml(factsLine(results))}; load average ${results.machineLoad.toFixed(1)}</p>
<p><code>${escapeHtml(results.command)}</code>: ${Math.round(results.capacity)} commands a second can be done, each with ${work} µs of work of its own; ${times} times as many are asked for, for ${time / 1000} s, then 80 % of them again. In time: within a second. Well again: from then on, for a second, at most one in a hundred is turned away or takes longer than twice the 99th percentile at 80 % before.</p>
<h2>Answered in time, by the second in which they were due</h2>
<div id="inTime"></div>
<h2>99th percentile of what was answered, ms</h2>
<div id="p99"></div>
<div class="wide">${table(columns, results.rows.map(cells))}</div>`,
  })
}
