import { type Cell, escapeHtml, renderPage, table } from 'spacegrid/report/page'
import type { Figure, GoalRow, NamedRow } from '../goals/goal.ts'
import type { GoalSettings } from '../goals/goal-context.ts'
import { short, spreadText } from '../goals/spread.ts'
import { factsLine, type RunFacts } from '../report/run-facts.ts'
import { cellsOf } from './goal-table.ts'

export interface PeerResults extends RunFacts {
  readonly settings: GoalSettings
  /** How long each goal took. */
  readonly seconds: Readonly<Record<string, number>>
  /** Versions of servers and drivers. */
  readonly servers: Readonly<Record<string, string>>
  /** Peers that could not be had, and why. */
  readonly leftOut: Readonly<Record<string, string>>
  readonly rows: readonly NamedRow[]
  readonly figures: readonly Figure[]
}

export function peersPage(results: PeerResults): Promise<string> {
  const { command, settings, servers, leftOut, rows, figures } = results
  const missing = Object.entries(leftOut).map(
    ([peer, reason]) => `<p class="failed">Left out: ${escapeHtml(`${peer}: ${reason}`)}</p>`,
  )
  const versions = Object.entries(servers).map(([name, version]) => `${name} ${version}`)
  const small = settings.small
    ? '<p class="failed">Small sizes: it works, the figures mean nothing.</p>'
    : ''
  return renderPage({
    title: 'Spacegrid beside its peers',
    data: { id: 'results', value: results },
    ...(figures.length > 0 ? { script: new URL('./peers-charts.js', import.meta.url) } : {}),
    body: `<p>${escapeHtml(factsLine(results))}</p>
<p>${escapeHtml(versions.join('; '))}</p>
<p><code>${escapeHtml(command)}</code>: medians of ${settings.rounds} rounds of ${settings.sampleMs} ms, everybody in turn in each; ratios are taken round by round, with the least and the greatest.</p>
${small}${missing.join('\n')}
<h2>Goals</h2>
${table(['', 'what', 'goal', 'measured', 'peer in the same run', 'ratio (spread)'], rows.map(goalCells), 'text')}
${[...new Set(figures.map((figure) => figure.table))].map((name) => figureTable(name, figures)).join('\n')}`,
  })
}

function goalCells(row: GoalRow): Cell[] {
  const [verdict = '', ...rest] = cellsOf(row)
  return [{ text: verdict, mark: row.met === true ? 'passed' : 'failed' }, ...rest]
}

/**
 * Who does what in a line, how many in flight in a column: operations per second and the median
 * latency.
 */
function figureTable(name: string, all: readonly Figure[]): string {
  const figures = all.filter((figure) => figure.table === name)
  const inFlight = [...new Set(figures.map((figure) => figure.inFlight))].sort((a, b) => a - b)
  const lines = Map.groupBy(figures, ({ subject, operation }) => `${subject}: ${operation}`)
  const rows = [...lines].map(([line, own]) => [
    line,
    ...inFlight.map((count) => {
      const figure = own.find((one) => one.inFlight === count)
      return figure ? figureText(figure) : ''
    }),
  ])
  return `<h2>${escapeHtml(name)}, operations/s (p50)</h2>
<div id="chart-${escapeHtml(name.replaceAll(/\W+/g, '-'))}"></div>
${table(['', ...inFlight.map((count) => `${count} in flight`)], rows)}`
}

function figureText({ perSecond, p50, attempts = 1 }: Figure): string {
  const latency =
    p50 === undefined ? '' : `; p50 ${p50 < 0.01 ? `${short(p50 * 1000)} us` : `${short(p50)} ms`}`
  const tries = attempts > 1.005 ? `; ${short(attempts)} attempts` : ''
  return `${spreadText(perSecond)}${latency}${tries}`
}
