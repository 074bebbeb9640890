import { codeOf } from '../../core/errors.ts'
import type { Distribution, HistogramMetric, Telemetry } from '../ports/telemetry.ts'

/** For what takes fractions of a millisecond when all is well, and seconds when it is not. */
export const secondsBounds: readonly number[] = [
  ...[0.0001, 0.000_25, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05],
  ...[0.1, 0.25, 0.5, 1, 2.5, 5, 10],
]

/**
 * How long something takes, by how it ends: `ok`, or an error's code. The last label of the metric
 * is the outcome. An outcome has a series from the first time it is met.
 */
export class Outcomes {
  readonly #telemetry: Telemetry
  readonly #metric: HistogramMetric
  readonly #values: readonly string[]
  readonly #ok: Distribution
  readonly #failed = new Map<string, Distribution>()

  /** @param values of the labels but the last */
  constructor(telemetry: Telemetry, metric: HistogramMetric, values: readonly string[]) {
    this.#telemetry = telemetry
    this.#metric = metric
    this.#values = values
    this.#ok = telemetry.distribution(metric, [...values, 'ok'])
  }

  succeeded(ms: number): void {
    this.#ok.observe(ms / 1000)
  }

  failed(ms: number, error: unknown): void {
    const outcome = codeOf(error)
    let failed = this.#failed.get(outcome)
    if (!failed) {
      failed = this.#telemetry.distribution(this.#metric, [...this.#values, outcome])
      this.#failed.set(outcome, failed)
    }
    failed.observe(ms / 1000)
  }
}
