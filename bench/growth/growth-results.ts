import { escapeHtml, renderPage, table } from 'spacegrid/report/page'
import { short } from '../goals/spread.ts'
import { factsLine, type RunFacts } from '../report/run-facts.ts'
import type { GrowthFigure } from './measure-growth.ts'

export interface GrowthResults extends RunFacts {
  readonly figures: readonly GrowthFigure[]
}

export const growthColumns = [
  ...['value bytes', 'entries', 'units', 'read ns', 'commands/s', 'p50 ms', 'p99 ms'],
  ...['bytes per entry', 'joined in s'],
]

export const growthCells = (figure: GrowthFigure): string[] => [
  ...[figure.valueBytes, figure.entries, figure.units].map((count) => count.toLocaleString('en')),
  short(figure.readNs),
  Math.round(figure.perSecond).toLocaleString('en'),
  short(figure.p50),
  short(figure.p99),
  short(figure.bytesPerEntry),
  figure.joinMs === 0 ? '' : short(figure.joinMs / 1000),
]

export const growthPage = (results: GrowthResults): Promise<string> =>
  renderPage({
    title: 'Spacegrid: growth',
    data: { id: 'results', value: results },
    script: new URL('./growth-charts.js', import.meta.url),
    body: `<p>${escapeHtml(factsLine(results))}</p>
<p><code>${escapeHtml(results.command)}</code>: units in a process each, on one log of JetStream, disk synced before every acknowledgement; 64 commands in flight in each unit, each reads and writes one entry; bytes per entry are what one unit's process has grown by, after a collection.</p>
<h2>Commands per second, all units together</h2>
<div id="commands"></div>
<h2>Numbers</h2>
${table(growthColumns, results.figures.map(growthCells))}`,
  })
