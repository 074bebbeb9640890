import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { startBrowser } from '../support/browser.ts'
import type { PrometheusProcess, RangeSeries } from './prometheus-process.ts'

const dashboardFile = fileURLToPath(
  new URL('../../monitoring/grafana/spacegrid.json', import.meta.url),
)
const uplot = createRequire(import.meta.url).resolve('uplot')

interface Panel {
  readonly title: string
  readonly type: 'row' | 'stat' | 'timeseries'
  readonly fieldConfig?: { readonly defaults: { readonly unit: string } }
  readonly gridPos: {
    readonly x: number
    readonly y: number
    readonly w: number
    readonly h: number
  }
  readonly targets?: readonly { readonly expr: string; readonly legendFormat: string }[]
}

interface DrawnPanel extends Panel {
  readonly series: readonly { readonly label: string; readonly values: RangeSeries['values'] }[]
}

/**
 * The dashboard of Grafana with what Prometheus answers to its questions, drawn by uPlot: the same
 * panels in the same places. Grafana itself draws it more richly.
 *
 * @param start of the range, like its end seconds since the epoch
 */
export async function drawDashboard(
  prometheus: PrometheusProcess,
  { start, end }: { readonly start: number; readonly end: number },
  file: string,
): Promise<void> {
  const { title, panels } = JSON.parse(await readFile(dashboardFile, 'utf8')) as {
    readonly title: string
    readonly panels: readonly Panel[]
  }
  const drawn = await Promise.all(
    panels.map(async (panel): Promise<DrawnPanel> => {
      const asked = (panel.targets ?? []).map(async ({ expr, legendFormat }) => {
        const query = expr.replaceAll('$__rate_interval', '20s').replaceAll('$space', '.*')
        return (await prometheus.range(query, start, end)).map(({ metric, values }) => ({
          label: legendFormat.replaceAll(/\{\{(\w+)\}\}/g, (_, name) => metric[name] ?? ''),
          values,
        }))
      })
      return { ...panel, series: (await Promise.all(asked)).flat() }
    }),
  )
  const library = fileURLToPath(new URL('uPlot.iife.min.js', `file://${uplot}`))
  const [script, style] = await Promise.all([
    readFile(library, 'utf8'),
    readFile(library.replace('iife.min.js', 'min.css'), 'utf8'),
  ])
  await using browser = await startBrowser()
  const page = await browser.newPage({ viewport: { width: 1600, height: 1000 } })
  await page.setContent(`<!doctype html><style>${style}${look}</style><h1></h1><main></main>`)
  await page.addScriptTag({ content: script })
  await page.addScriptTag({ path: fileURLToPath(new URL('draw-panels.js', import.meta.url)) })
  const given = JSON.stringify({ title, drawn, start, end })
  await page.evaluate(`drawPanels(${given})`)
  await page.screenshot({ path: file, fullPage: true })
}

const look = `
body { margin: 0; background: #111217; color: #ccccdc; font: 13px sans-serif }
h1 { font-size: 16px; margin: 10px 12px }
main { position: relative; margin: 0 8px }
section { position: absolute; box-sizing: border-box; background: #181b1f; border: 1px solid #2c3035; overflow: hidden; padding: 4px 8px }
section.row { background: none; border: none; font-weight: bold; padding-top: 8px }
section.stat b { display: block; font-size: 30px; margin-top: 10px; color: #73bf69 }
p { margin: 0; font-size: 10.5px; line-height: 14px; overflow: hidden; max-height: 28px }
`
