import type { LogName } from '@spacegrid/grid/core/log-name'
import { Outcomes, secondsBounds } from '@spacegrid/grid/engine/measure/outcomes'
import {
  type Count,
  type HistogramMetric,
  type Metric,
  noTelemetry,
  type Telemetry,
} from '@spacegrid/grid/engine/ports/telemetry'

export const storeMetric: HistogramMetric = {
  name: 'spacegrid_store_apply_seconds',
  help: 'Time of one transaction of the store, by outcome: ok, or an error code',
  labels: ['space', 'outcome'],
  bounds: secondsBounds,
}

export const storedChangesMetric: Metric = {
  name: 'spacegrid_stored_changes_total',
  help: 'Changed entries that this process has stored; of one that changed several times within a transaction the last one counts',
  labels: ['space'],
}

export const storedPositionsMetric: Metric = {
  name: 'spacegrid_stored_positions_total',
  help: 'Positions of the log by which this process has moved the store on',
  labels: ['space'],
}

/** What a data writer measures, through all its lives. */
export class WriterTelemetry {
  readonly #applied: Outcomes
  readonly #changes: Count
  readonly #positions: Count

  constructor(telemetry: Telemetry | undefined, logName: LogName) {
    const told = telemetry ?? noTelemetry
    this.#applied = new Outcomes(told, storeMetric, [logName])
    this.#changes = told.count(storedChangesMetric, [logName])
    this.#positions = told.count(storedPositionsMetric, [logName])
  }

  applied(changes: number, positions: number, ms: number): void {
    this.#applied.succeeded(ms)
    this.#changes.add(changes)
    this.#positions.add(positions)
  }

  failed(error: unknown, ms: number): void {
    this.#applied.failed(ms, error)
  }
}
