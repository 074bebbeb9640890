import type { Metric, Registry } from 'prom-client'

/** What one observation was about: a trace that is kept. */
export interface Exemplar {
  readonly traceId: string
  readonly value: number
  /** When it was observed, since the epoch. */
  readonly seconds: number
}

interface Sample {
  readonly metricName?: string
  readonly labels: Readonly<Record<string, string | number>>
  readonly value: number
  readonly exemplar?: Exemplar | undefined
}

const mediaType = 'application/openmetrics-text'

/** As OpenMetrics 1.0 calls itself. */
export const openMetricsType = `${mediaType}; version=1.0.0; charset=utf-8`

/** Whoever knows it by name wants it rather than Prometheus' own text. */
export const wantsOpenMetrics = (accept = ''): boolean => accept.includes(mediaType)

/**
 * Everything of a registry in the format of OpenMetrics, exemplars included. prom-client's own
 * writer renames counters in the registry for good, so that whoever asks for Prometheus' text
 * afterwards gets other names.
 * @param labels of every sample, where it does not have them itself
 */
export async function openMetricsText(
  registry: Registry,
  labels: Readonly<Record<string, string>>,
): Promise<string> {
  // The type of what the registry lists leaves out that each can be asked.
  const metrics = registry.getMetricsAsArray() as unknown as readonly Metric[]
  const families = await Promise.all(metrics.map((metric) => metric.get()))
  const lines = families.flatMap(({ name, help, type, values }) => {
    const isCounter = String(type) === 'counter'
    const family = isCounter ? name.replace(/_total$/, '') : name
    return [
      `# HELP ${family} ${escaped(help)}`,
      `# TYPE ${family} ${type}`,
      ...(values as readonly Sample[]).map((sample) => {
        const { metricName = isCounter ? `${family}_total` : name, value, exemplar } = sample
        const series = `${metricName}${labelText({ ...labels, ...sample.labels })} ${numberText(value)}`
        return exemplar ? `${series} ${exemplarText(exemplar)}` : series
      }),
    ]
  })
  return `${lines.join('\n')}\n# EOF\n`
}

const exemplarText = ({ traceId, value, seconds }: Exemplar): string =>
  `# {trace_id="${traceId}"} ${numberText(value)} ${seconds.toFixed(3)}`

function labelText(labels: Readonly<Record<string, string | number>>): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escaped(String(value))}"`)
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`
}

const escaped = (text: string): string =>
  text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('"', '\\"')

function numberText(value: number): string {
  if (Number.isNaN(value)) return 'NaN'
  if (Number.isFinite(value)) return String(value)
  return value > 0 ? '+Inf' : '-Inf'
}
