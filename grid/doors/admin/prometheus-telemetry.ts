import { type Metric as PrometheusMetric, Registry } from 'prom-client'
import type {
  Count,
  Distribution,
  HistogramMetric,
  Metric,
  Telemetry,
} from '../../engine/ports/telemetry.ts'
import type { Exemplar } from './open-metrics.ts'

/** One sample as prom-client writes it. */
interface Sample {
  readonly metricName: string
  readonly labels: Readonly<Record<string, string | number>>
  readonly value: number
  /** The last one of its bucket that is in a trace; told in OpenMetrics only. */
  readonly exemplar?: Exemplar | undefined
}

/**
 * Telemetry for `/metrics`. prom-client looks up a series by its labels at every observation, which
 * takes longer than a hundredth of a query; here the series is held by whoever observes, and
 * prom-client asks for the figures when they are scraped.
 */
export class PrometheusTelemetry implements Telemetry {
  readonly registry = new Registry()
  readonly #families = new Map<string, Family<Series>>()

  count(metric: Metric, values: readonly string[]): Count {
    return this.#family(metric, 'counter', () => new CountSeries()).of(values) as CountSeries
  }

  distribution(metric: HistogramMetric, values: readonly string[]): Distribution {
    const { bounds } = metric
    const family = this.#family(metric, 'histogram', () => new DistributionSeries(bounds))
    return family.of(values) as DistributionSeries
  }

  #family(metric: Metric, type: 'counter' | 'histogram', make: () => Series): Family<Series> {
    const known = this.#families.get(metric.name)
    if (known) return known
    const family = new Family(metric, type, make)
    this.#families.set(metric.name, family)
    // The registry asks of a metric what is here; its type names prom-client's own classes only.
    this.registry.registerMetric(family as unknown as PrometheusMetric)
    return family
  }
}

interface Series {
  samples(name: string, labels: Readonly<Record<string, string>>): Sample[]
}

/** One metric, with a series for each combination of its labels' values. */
class Family<S extends Series> {
  readonly name: string
  readonly help: string
  readonly type: 'counter' | 'histogram'
  readonly aggregator = 'sum'
  readonly labelNames: readonly string[]
  readonly #make: () => S
  readonly #series = new Map<string, { labels: Record<string, string>; series: S }>()

  constructor({ name, help, labels }: Metric, type: 'counter' | 'histogram', make: () => S) {
    this.name = name
    this.help = help
    this.type = type
    this.labelNames = labels
    this.#make = make
  }

  of(values: readonly string[]): S {
    if (values.length !== this.labelNames.length)
      throw new TypeError(`${this.name} has the labels ${this.labelNames.join(', ')}`)
    const key = JSON.stringify(values)
    const known = this.#series.get(key)
    if (known) return known.series
    const labels = Object.fromEntries(this.labelNames.map((label, at) => [label, values[at] ?? '']))
    const series = this.#make()
    this.#series.set(key, { labels, series })
    return series
  }

  /** As the registry asks for it at each scrape. */
  async get() {
    const { name, help, type, aggregator } = this
    const values = [...this.#series.values()].flatMap(({ labels, series }) =>
      series.samples(name, labels),
    )
    return { name, help, type, aggregator, values }
  }
}

class CountSeries implements Count, Series {
  #count = 0

  add(times = 1): void {
    this.#count += times
  }

  samples(metricName: string, labels: Readonly<Record<string, string>>): Sample[] {
    return [{ metricName, labels, value: this.#count }]
  }
}

class DistributionSeries implements Distribution, Series {
  readonly #bounds: readonly number[]
  /** Values of each bucket alone; the last one has those above all bounds. */
  readonly #counts: number[]
  #sum = 0
  /** By bucket; undefined: nothing was in a trace yet. */
  #exemplars: Exemplar[] | undefined

  constructor(bounds: readonly number[]) {
    this.#bounds = bounds
    this.#counts = new Array<number>(bounds.length + 1).fill(0)
  }

  observe(value: number, traceId?: string): void {
    const bounds = this.#bounds
    let at = 0
    while (at < bounds.length && value > (bounds[at] as number)) at++
    this.#counts[at] = (this.#counts[at] as number) + 1
    this.#sum += value
    if (traceId !== undefined) {
      this.#exemplars ??= []
      this.#exemplars[at] = { traceId, value, seconds: Date.now() / 1000 }
    }
  }

  samples(name: string, labels: Readonly<Record<string, string>>): Sample[] {
    const metricName = `${name}_bucket`
    let count = 0
    const buckets = this.#counts.map((own, at) => {
      count += own
      const exemplar = this.#exemplars?.[at]
      const le = this.#bounds[at] ?? '+Inf'
      return { metricName, labels: { ...labels, le }, value: count, exemplar }
    })
    return [
      ...buckets,
      { metricName: `${name}_sum`, labels, value: this.#sum },
      { metricName: `${name}_count`, labels, value: count },
    ]
  }
}
