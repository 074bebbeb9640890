import { type Cell, escapeHtml, renderPage, table } from 'spacegrid/report/page'
import type { GoalRow, NamedRow } from '../goals/goal.ts'
import { spreadText } from '../goals/spread.ts'
import { cellsOf } from '../peers/goal-table.ts'
import { factsLine, type RunFacts } from '../report/run-facts.ts'
import type { PartitionFigure, PartitionSizes } from './partition-goal.ts'

export interface PartitionResults extends RunFacts {
  readonly settings: PartitionSizes & { readonly rounds: number; readonly sampleMs: number }
  /** How long each goal took. */
  readonly seconds: Readonly<Record<string, number>>
  /** Versions of servers and drivers. */
  readonly servers: Readonly<Record<string, string>>
  /** Peers that could not be had, and why. */
  readonly leftOut: Readonly<Record<string, string>>
  readonly rows: readonly NamedRow[]
  readonly figures: readonly PartitionFigure[]
}

export function partitionsPage(results: PartitionResults): Promise<string> {
  const { command, settings, servers, leftOut, rows, figures } = results
  const missing = Object.entries(leftOut).map(
    ([peer, reason]) => `<p class="failed">Left out: ${escapeHtml(`${peer}: ${reason}`)}</p>`,
  )
  const versions = Object.entries(servers).map(([name, version]) => `${name} ${version}`)
  const columns = ['', 'what', 'goal', 'measured', 'beside it', 'ratio (spread)']
  const tables = [...new Set(figures.map((figure) => figure.table))]
  return renderPage({
    title: 'Spacegrid: partitions',
    data: { id: 'results', value: results },
    ...(figures.length > 0
      ? { script: new URL('./partition-charts.js', import.meta.url) }
      : undefined),
    body: `<p>${escapeHtml(factsLine(results))}</p>
<p>${escapeHtml(versions.join('; '))}</p>
<p><code>${escapeHtml(command)}</code>: medians of ${settings.rounds} rounds of ${settings.sampleMs} ms, everybody in turn in each; ratios are taken round by round, with the least and the greatest. Units, clients and servers are processes of their own on one machine; the disk is synced before every acknowledgement.</p>
${missing.join('\n')}
<h2>What partitions cost</h2>
${table(columns, rows.map(rowCells), 'text')}
${tables.map((name) => figureTable(name, figures)).join('\n')}`,
  })
}

function rowCells(row: GoalRow): Cell[] {
  const [verdict = '', ...rest] = cellsOf(row)
  return [{ text: verdict, mark: row.met === true ? 'passed' : 'failed' }, ...rest]
}

function figureTable(name: string, all: readonly PartitionFigure[]): string {
  const figures = all.filter((figure) => figure.table === name)
  const [first] = figures
  const xs = [...new Set(figures.map(({ x }) => x))].sort((one, other) => one - other)
  const series = [...new Set(figures.map((figure) => figure.series))]
  const rows = series.map((one) => [
    one,
    ...xs.map((x) => {
      const found = figures.find((figure) => figure.series === one && figure.x === x)
      return found ? spreadText(found.y) : ''
    }),
  ])
  return `<h2>${escapeHtml(`${name}, ${first?.yLabel}`)}</h2>
<div id="chart-${escapeHtml(name.replaceAll(/\W+/g, '-'))}"></div>
${table([first?.xLabel ?? '', ...xs.map(String)], rows)}`
}
