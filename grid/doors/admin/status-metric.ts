import type { Metric as PrometheusMetric, Registry } from 'prom-client'
import type { PlacementStatus } from '../../engine/placement/placement-status.ts'
import type { SpaceFigures, StatusSource } from './status-source.ts'

/** Roles whose programs tell metrics, as their status calls them. */
export const metricRoles = [
  'processing-unit',
  'query-unit',
  'waiting-room',
  'data-pump',
  'data-writer',
  'data-reader',
  'deployment-manager',
  'console',
] as const

export type MetricRole = (typeof metricRoles)[number]

/** Whatever serves commands or queries. */
export const unitRoles: readonly MetricRole[] = ['processing-unit', 'query-unit', 'waiting-room']
export const pumpAndUnits: readonly MetricRole[] = [...unitRoles, 'data-pump']

export interface MetricSample {
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

/** One metric that is read from a status when it is scraped. */
export interface StatusMetric {
  readonly name: string
  readonly help: string
  readonly type: 'gauge' | 'counter'
  readonly labels: readonly string[]
  /** Whose programs tell it. */
  readonly roles: readonly MetricRole[]
  read(source: StatusSource): readonly MetricSample[]
}

/** What metrics of one kind have in common. */
export interface MetricKind {
  readonly type: StatusMetric['type']
  readonly roles: readonly MetricRole[]
}

/**
 * A metric with one series for each space, or log of a divided one.
 * @param read undefined: there is no series
 */
export const ofEachSpace = (
  { type, roles }: MetricKind,
  name: string,
  help: string,
  read: (figures: SpaceFigures) => number | undefined,
): StatusMetric => ({
  ...{ name, help, type, roles, labels: ['space'] },
  read: (source) =>
    Object.entries(source.spaces()).flatMap(([space, figures]) => {
      const value = read(figures)
      return value === undefined ? [] : [{ labels: { space }, value }]
    }),
})

/** A metric with several series for each space, told apart by more labels. */
export const ofParts = (
  { type, roles }: MetricKind,
  [name, help]: readonly [name: string, help: string],
  labels: readonly string[],
  read: (figures: SpaceFigures, space: string) => readonly MetricSample[],
): StatusMetric => ({
  ...{ name, help, type, roles, labels: ['space', ...labels] },
  read: (source) =>
    Object.entries(source.spaces()).flatMap(([space, figures]) =>
      read(figures, space).map((sample) => ({ ...sample, labels: { space, ...sample.labels } })),
    ),
})

/** A metric with one series for each divided space. */
export const ofEachPlacement = (
  { type, roles }: MetricKind,
  name: string,
  help: string,
  read: (placement: PlacementStatus) => number | undefined,
): StatusMetric => ({
  ...{ name, help, type, roles, labels: ['space'] },
  read: ({ placement }) =>
    Object.entries(placement?.() ?? {}).flatMap(([space, placed]) => {
      const value = read(placed)
      return value === undefined ? [] : [{ labels: { space }, value }]
    }),
})

/** Whether a program of a role tells it; what has no role of its own tells everything. */
export const isToldBy = ({ roles }: Pick<StatusMetric, 'roles'>, role: string): boolean =>
  !metricRoles.includes(role as MetricRole) || roles.includes(role as MetricRole)

/** Has a registry ask for the metrics of a source's role when it is scraped. */
export function registerStatus(
  registry: Registry,
  source: StatusSource,
  metrics: readonly StatusMetric[],
): void {
  const once = new OneScrape(source)
  for (const metric of metrics) {
    if (!isToldBy(metric, source.role)) continue
    const { name, help, type, labels: labelNames } = metric
    const get = async () => ({
      ...{ name, help, type, aggregator: 'sum', values: metric.read(once) },
    })
    // The registry asks of a metric what is here; its type names prom-client's own classes only.
    const told = { name, help, type, labelNames, get } as unknown as PrometheusMetric
    registry.registerMetric(told)
  }
}

/** What a source says, asked for once for all metrics that are read in one turn. */
class OneScrape implements StatusSource {
  readonly unit: string
  readonly role: string
  readonly #source: StatusSource
  #spaces: ReturnType<StatusSource['spaces']> | undefined

  constructor(source: StatusSource) {
    this.#source = source
    this.unit = source.unit
    this.role = source.role
  }

  notReady(): readonly string[] {
    return this.#source.notReady()
  }

  spaces(): ReturnType<StatusSource['spaces']> {
    if (!this.#spaces) {
      this.#spaces = this.#source.spaces()
      queueMicrotask(() => {
        this.#spaces = undefined
      })
    }
    return this.#spaces
  }

  get placement(): StatusSource['placement'] {
    return this.#source.placement
  }

  get scaling(): Exclude<StatusSource['scaling'], undefined> {
    return this.#source.scaling as Exclude<StatusSource['scaling'], undefined>
  }
}
