import type { CollectedSpan } from './otlp-collector.ts'

const [rowHeight, labelWidth, barsWidth, top] = [26, 330, 620, 60]
const colours: Readonly<Record<string, string>> = {
  'processing-unit': '#1f77b4',
  'data-pump': '#2ca02c',
  'data-writer': '#d62728',
}

/** Spans in the order of a tree: each behind its parent, children by when they began. */
export function inTreeOrder(
  spans: readonly CollectedSpan[],
): readonly { readonly span: CollectedSpan; readonly depth: number }[] {
  const known = new Set(spans.map(({ spanId }) => spanId))
  const under = (parentId: string, depth: number): { span: CollectedSpan; depth: number }[] =>
    spans
      .filter((span) => span.parentId === parentId)
      .flatMap((span) => [{ span, depth }, ...under(span.spanId, depth + 1)])
  const roots = spans.filter(({ parentId }) => !known.has(parentId))
  return roots.flatMap((span) => [{ span, depth: 0 }, ...under(span.spanId, 1)])
}

/** A trace as a waterfall, SVG. */
export function tracePicture(spans: readonly CollectedSpan[]): string {
  const rows = inTreeOrder(spans)
  const from = Math.min(...spans.map(({ begun }) => begun))
  const to = Math.max(...spans.map(({ ended }) => ended))
  const at = (ms: number) => labelWidth + ((ms - from) / (to - from)) * barsWidth
  const [width, height] = [labelWidth + barsWidth + 110, top + rows.length * rowHeight + 16]
  const marks = [0, 0.25, 0.5, 0.75, 1].map((share) => {
    const x = labelWidth + share * barsWidth
    const label = `${(share * (to - from)).toFixed(1)} ms`
    return `<line x1="${x}" y1="${top - 8}" x2="${x}" y2="${height - 10}" stroke="#ddd"/><text x="${x}" y="${top - 14}" text-anchor="middle" fill="#777">${label}</text>`
  })
  const bars = rows.map(({ span, depth }, row) => {
    const y = top + row * rowHeight
    const x = at(span.begun)
    const colour = colours[span.service.replace('spacegrid-', '')] ?? '#777'
    const long = Math.max(2, at(span.ended) - x)
    const ms = `${(span.ended - span.begun).toFixed(2)} ms`
    return `<text x="${12 + depth * 16}" y="${y + 15}">${span.name} <tspan fill="#888">${span.unit}</tspan></text><rect x="${x.toFixed(1)}" y="${y + 3}" width="${long.toFixed(1)}" height="${rowHeight - 10}" rx="2" fill="${colour}"/><text x="${(x + long + 6).toFixed(1)}" y="${y + 15}" fill="#555">${ms}</text>`
  })
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" font-family="sans-serif" font-size="12"><title>A command in ${rows.length} spans</title><rect width="100%" height="100%" fill="white"/><text x="12" y="24" font-size="14" font-weight="bold">Trace ${spans[0]?.traceId}</text>${[...marks, ...bars].join('\n')}</svg>\n`
}
