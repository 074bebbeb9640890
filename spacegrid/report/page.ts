import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { escaped as escapeHtml } from '@spacegrid/grid/doors/http/escaped'

export { escapeHtml }

export interface Page {
  readonly title: string
  /** HTML between the heading and the scripts; whoever makes it escapes what is text. */
  readonly body: string
  /**
   * What the page shows, kept inside it as JSON: for its own script, and for whoever wants to go on
   * with the numbers.
   */
  readonly data: { readonly id: string; readonly value: unknown }
  /** Draws the charts; runs after uPlot and `charts.js`. Without one the page loads neither. */
  readonly script?: URL
}

/** A page that needs nothing but itself, to be mailed or kept beside a release. */
export async function renderPage({ title, body, data, script }: Page): Promise<string> {
  const require = createRequire(import.meta.url)
  const text = (file: URL | string) => readFile(file, 'utf8')
  const style = await text(new URL('./page.css', import.meta.url))
  const [chartStyle, ...scripts] = script
    ? await Promise.all([
        text(require.resolve('uplot/dist/uPlot.min.css')),
        text(require.resolve('uplot/dist/uPlot.iife.min.js')),
        text(new URL('./charts.js', import.meta.url)),
        text(script),
      ])
    : ['']
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${escapeHtml(title)}</title>
<style>${chartStyle}${style}</style>
<h1>${escapeHtml(title)}</h1>
${body}
<script type="application/json" id="${data.id}">${scriptSafe(JSON.stringify(data.value))}</script>
${scripts.map((one) => `<script>${one}</script>`).join('\n')}
</html>
`
}

/** Cells that are `Marked` bring a class of their own, such as `passed` or `failed`. */
export interface Marked {
  readonly text: string
  readonly mark: string
}

export type Cell = string | number | Marked

/** @param kind class of the table: `text` sets every column to the left */
export function table(
  columns: readonly string[],
  rows: readonly (readonly Cell[])[],
  kind = '',
): string {
  const heading =
    columns.length === 0
      ? []
      : [`<tr>${columns.map((column) => `<th>${escapeHtml(column)}`).join('')}`]
  const body = rows.map((row) => `<tr>${row.map(cell).join('')}`)
  return `<table${kind === '' ? '' : ` class="${kind}"`}>${[...heading, ...body].join('\n')}</table>`
}

function cell(value: Cell): string {
  return typeof value === 'object'
    ? `<td class="${value.mark}">${escapeHtml(value.text)}`
    : `<td>${escapeHtml(String(value))}`
}

/** Inside a script element only `<` can end it or open a comment. */
const scriptSafe = (json: string): string => json.replaceAll('<', '\\u003c')
