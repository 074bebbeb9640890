import { escapeHtml, renderPage, table } from 'spacegrid/report/page'
import { short } from '../goals/spread.ts'
import { factsLine, type RunFacts } from '../report/run-facts.ts'
import type { ContentionFigure } from './measure-contention.ts'

/** Which of them is varied; `work`, `hot`: how the same is done, with many entries and few. */
export type Factor = 'units' | 'updatesPerSecond' | 'entries' | 'replicationMs' | 'work' | 'hot'

export interface ContentionRow {
  readonly factor: Factor
  /** In the order of the runs, one after the other. */
  readonly figures: readonly ContentionFigure[]
}

export interface ContentionResults extends RunFacts {
  /** What else the machine had to do when it began: processes that wanted to run. */
  readonly machineLoad: number
  readonly rows: readonly ContentionRow[]
}

const factorNames: Readonly<Record<Factor, string>> = {
  units: 'units',
  updatesPerSecond: 'update rate',
  entries: 'cache size',
  replicationMs: 'replication latency',
  work: 'what the commands do',
  hot: 'what the commands do, on few entries',
}

export const contentionColumns = [
  ...['what', 'units', 'updates/s', 'entries', 'latency ms'],
  ...['collisions/s', 'derived', 'book', 'measured ÷ derived', 'failed'],
]

export const contentionCells = (figure: ContentionFigure): string[] => [
  figure.work,
  String(figure.units),
  short(figure.updatesPerSecond),
  figure.entries.toLocaleString('en'),
  short(figure.replicationMs),
  figure.collisions === 0 ? '0' : short(figure.collisionsPerSecond),
  short(figure.expected),
  short(figure.book),
  figure.expected === 0 ? '–' : short(figure.collisionsPerSecond / figure.expected),
  String(figure.failed),
]

export function contentionPage(results: ContentionResults): Promise<string> {
  const sections = results.rows.map(
    ({ factor, figures }) => `<h2>By ${factorNames[factor]}</h2>
${factor === 'work' || factor === 'hot' ? '' : `<div id="${factor}"></div>`}
<div class="wide">${table(contentionColumns, figures.map(contentionCells))}</div>`,
  )
  return renderPage({
    title: 'Spacegrid: contention',
    data: { id: 'results', value: results },
    script: new URL('./contention-charts.js', import.meta.url),
    body: `<p>${escapeHtml(factsLine(results))}; load average ${results.machineLoad.toFixed(1)}</p>
<p><code>${escapeHtml(results.command)}</code>: real units on one JetStream log, the latency to and from it injected; users at random moments for random entries. “Book”: N × UR² / S × RL; “derived”: UR × p/(1 − p), p = 1 − exp(−(N − 1)/N × UR/S × RL), both with the update rate and the latency of the same run.</p>
${sections.join('\n')}`,
  })
}
