import { writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import {
  windowBytesMetric,
  windowChangesMetric,
  windowMetric,
} from '../../data-pump/pump-telemetry.ts'
import {
  storedChangesMetric,
  storedPositionsMetric,
  storeMetric,
} from '../../data-writer/writer-telemetry.ts'
import { PrometheusTelemetry } from '../../grid/doors/admin/prometheus-telemetry.ts'
import { isToldBy, type MetricRole, metricRoles } from '../../grid/doors/admin/status-metric.ts'
import { metricsOf } from '../../grid/doors/admin/status-metrics.ts'
import {
  administrationMetric,
  leftOutMetric,
  refusalsMetric,
} from '../../grid/doors/request/access/access-telemetry.ts'
import { latencyMetrics } from '../../grid/doors/request/request-pipeline.ts'
import { requestsMetric } from '../../grid/doors/request/request-telemetry.ts'
import {
  streamDeliveriesMetric,
  streamsBegunMetric,
  streamsEndedMetric,
} from '../../grid/doors/request/stream-telemetry.ts'
import {
  meldDelayMetric,
  meldMetric,
  transactionsMetric,
} from '../../grid/engine/measure/meld-telemetry.ts'
import { changesAppendMetric, logAppendMetric } from '../../grid/engine/measure/observed-log.ts'
import type { HistogramMetric, Metric } from '../../grid/engine/ports/telemetry.ts'
import { queueingDelayMetric } from '../../processing-units/runtime/overload/queueing-delay-metric.ts'

export const metricsPagePath = 'docs/metrics.md'

/** One metric as the page has it. */
export interface ToldMetric {
  readonly name: string
  readonly help: string
  readonly type: string
  /** Beside those that every metric has: `unit` and `role`. */
  readonly labels: readonly string[]
}

const doors: readonly MetricRole[] = ['processing-unit', 'query-unit']
const units: readonly MetricRole[] = [...doors, 'waiting-room']
const melding: readonly MetricRole[] = [...units, 'data-pump']

/** What components count and observe by themselves, and whose programs do. */
const observed: readonly (readonly [
  roles: readonly MetricRole[],
  metrics: readonly (Metric | HistogramMetric)[],
])[] = [
  [doors, [...latencyMetrics, requestsMetric]],
  [doors, [streamDeliveriesMetric, streamsBegunMetric, streamsEndedMetric]],
  [units, [refusalsMetric, administrationMetric, leftOutMetric]],
  [units, [queueingDelayMetric, logAppendMetric]],
  [melding, [meldMetric, meldDelayMetric, transactionsMetric]],
  [['data-pump'], [changesAppendMetric, windowMetric, windowChangesMetric, windowBytesMetric]],
  [['data-writer'], [storeMetric, storedChangesMetric, storedPositionsMetric]],
]

/** Every metric that a program of a role tells, by name. */
export function metricsOfRole(role: MetricRole): ReadonlyMap<string, ToldMetric> {
  const telemetry = new PrometheusTelemetry()
  for (const [roles, metrics] of observed)
    if (isToldBy({ roles }, role))
      for (const metric of metrics) {
        const values = metric.labels.map(() => '')
        if ('bounds' in metric) telemetry.distribution(metric, values)
        else telemetry.count(metric, values)
      }
  const source = { unit: '', role, notReady: () => [], spaces: () => ({}) }
  const registry = metricsOf(source, telemetry.registry)
  // What prom-client's type leaves out.
  const told = registry.getMetricsAsArray() as unknown as readonly (Omit<ToldMetric, 'labels'> & {
    readonly labelNames: readonly string[]
  })[]
  return new Map(
    told.map(({ name, help, type, labelNames }) => [
      name,
      { name, help, type, labels: labelNames.filter((label) => label !== 'le') },
    ]),
  )
}

const isOfRuntime = ({ name }: ToldMetric): boolean => !name.startsWith('spacegrid_')

/** The page, made of what the programs tell. */
export function metricsPage(): string {
  const roles = new Map<string, MetricRole[]>()
  const metrics = new Map<string, ToldMetric>()
  for (const role of metricRoles)
    for (const [name, metric] of metricsOfRole(role)) {
      metrics.set(name, metric)
      roles.set(name, [...(roles.get(name) ?? []), role])
    }
  const all = [...metrics.values()].sort((one, other) => (one.name < other.name ? -1 : 1))
  const of = (metric: ToldMetric): string => {
    const told = roles.get(metric.name) ?? []
    return told.length === metricRoles.length ? 'all' : told.join(', ')
  }
  const own = all.filter((metric) => !isOfRuntime(metric)).map((metric) => row(metric, of(metric)))
  const runtime = all.filter(isOfRuntime).map((metric) => row(metric))
  return `${head}
| metric | type | labels | means | role |
| --- | --- | --- | --- | --- |
${own.join('\n')}

## Of the process

Every role tells them.

| metric | type | labels | means |
| --- | --- | --- | --- |
${runtime.join('\n')}
`
}

const row = ({ name, help, type, labels }: ToldMetric, ...more: string[]): string =>
  `| ${[`\`${name}\``, type, labels.map((label) => `\`${label}\``).join(', '), cell(help), ...more].join(' | ')} |`

const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll(/\s+/g, ' ').trim()

const head = `# Metrics

Made by \`npm run metrics\` from the programs themselves; not to be edited. A test holds it against \`/metrics\` of each role.

Every program tells its metrics on \`ADMIN_PORT\` at \`GET /metrics\`: in Prometheus' text, or in OpenMetrics for those whose
\`Accept\` names \`application/openmetrics-text\`, as Prometheus itself does. There the buckets of histograms have **exemplars**:
the \`trace_id\` of the last request in each that is in a [trace](tracing.md). \`/metrics\` names a family whether it has a
series yet or not, so that what never happened is told from what is not measured.

Names end in their unit (\`_seconds\`, \`_bytes\`, \`_ratio\`), counters in \`_total\`; seconds and bytes have no prefix. Every series
has the labels \`unit\` (\`UNIT_NAME\`) and \`role\`. \`space\` is the log's name where a space is divided: \`ticketing.7\`. Each replica
counts what it melds, so of \`spacegrid_transactions_total\` one unit has all of a space, and their sum means nothing; what units
*do* adds up (\`spacegrid_command_seconds\`, \`spacegrid_log_append_seconds\`, \`spacegrid_collisions_total\`). The embedded grid has everything
in one process and tells all of it, the replicas of its units and its pump added up.

What is worth an alert: [monitoring.md](monitoring.md). A histogram has the series \`_bucket\` (label \`le\`), \`_sum\` and \`_count\`.
`

if (import.meta.main)
  await writeFile(
    fileURLToPath(new URL(`../../${metricsPagePath}`, import.meta.url)),
    metricsPage(),
  )
