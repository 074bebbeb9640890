import { escapeHtml } from '../../report/page.ts'
import type { LoadSummary } from '../summary.ts'

/** What a reader wants to know first, and perhaps only: whether it is good. */
export function verdict({ audit, thresholds, generator }: LoadSummary): string {
  const kept = thresholds.filter(({ passed }) => passed).length
  const isKept = kept === thresholds.length
  const ofThresholds =
    thresholds.length === 0 ? '' : `<span>${kept} of ${thresholds.length} thresholds kept.</span>`
  const { secondsBehind } = generator
  const behind =
    secondsBehind.length === 0
      ? ''
      : `<p class="warning">The generator fell behind in ${secondsBehind.length} of its seconds: the latencies of those are partly its own.</p>`
  return `<p class="verdict ${audit.passed && isKept ? 'passed' : 'failed'}"><span>Audit ${audit.passed ? 'passed' : 'failed'}.</span>${ofThresholds}</p>
${behind}`
}

interface Tile {
  readonly name: string
  readonly value: string
  readonly more: string
  readonly mark?: 'passed' | 'warned' | 'failed' | undefined
}

/** Shed and failed apart: the one is the grid's way to stay well, the other is a fault. */
export function summaryTiles(summary: LoadSummary): string {
  const { total, latencyMs, generator, arrivals, scheduledSeconds, shedLatencyMs } = summary
  const seconds = scheduledSeconds > 0 ? scheduledSeconds : 1
  const tiles: Tile[] = [
    {
      name: 'admitted',
      value: share(total.admitted, total.offered),
      more: `${count(total.admitted)} of ${count(total.offered)}, ${count(total.admitted / seconds)}/s`,
    },
    {
      name: 'shed: no in time',
      value: share(total.shed, total.offered),
      more:
        total.shed === 0 ? 'none' : `${count(total.shed)}, told in ${ms(shedLatencyMs.p99)} (p99)`,
      mark: total.shed === 0 ? undefined : 'warned',
    },
    {
      name: 'failed',
      value: share(total.failed, total.offered),
      more: total.failed === 0 ? 'none' : count(total.failed),
      mark: total.failed === 0 ? undefined : 'failed',
    },
    { name: 'median latency', value: ms(latencyMs.p50), more: `p90 ${ms(latencyMs.p90)}` },
    {
      name: '99th percentile',
      value: ms(latencyMs.p99),
      more: `p99.9 ${ms(latencyMs.p999)}, longest ${ms(latencyMs.max)}`,
    },
    {
      name: 'users',
      value: count(arrivals),
      more: `${count(generator.planned)} planned, ${count(generator.late)} started late`,
      mark: generator.secondsBehind.length === 0 ? undefined : 'warned',
    },
  ]
  return `<dl class="tiles">${tiles.map(tileHtml).join('')}</dl>`
}

const tileHtml = ({ name, value, more, mark }: Tile): string =>
  `<div${mark === undefined ? '' : ` class="${mark}"`}><dt>${escapeHtml(name)}</dt><dd>${escapeHtml(value)}<small>${escapeHtml(more)}</small></dd></div>`

const count = (value: number): string => Math.round(value).toLocaleString('en')

const share = (part: number, whole: number): string =>
  whole === 0 ? '–' : `${((100 * part) / whole).toFixed(part === 0 || part === whole ? 0 : 2)} %`

function ms(value: number | null): string {
  if (value === null) return '–'
  if (value >= 10_000) return `${(value / 1000).toFixed(1)} s`
  return `${value.toFixed(value >= 100 ? 0 : value >= 10 ? 1 : 2)} ms`
}
