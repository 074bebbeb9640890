import type { LogName } from '@spacegrid/grid/core/log-name'
import { MeldTelemetry } from '@spacegrid/grid/engine/measure/meld-telemetry'
import { changesAppendMetric, ObservedLog } from '@spacegrid/grid/engine/measure/observed-log'
import { Outcomes, secondsBounds } from '@spacegrid/grid/engine/measure/outcomes'
import type { Clock } from '@spacegrid/grid/engine/ports/clock'
import type { Log } from '@spacegrid/grid/engine/ports/log'
import {
  type Count,
  type HistogramMetric,
  type Metric,
  noTelemetry,
  type Telemetry,
} from '@spacegrid/grid/engine/ports/telemetry'
import type { Window } from '@spacegrid/grid/engine/wire/window-codec'

export const windowMetric: HistogramMetric = {
  name: 'spacegrid_window_publish_seconds',
  help: 'Time from closing a window of changes until all of it is in the change queue, by outcome',
  labels: ['space', 'outcome'],
  bounds: secondsBounds,
}

export const windowChangesMetric: Metric = {
  name: 'spacegrid_window_changes_total',
  help: 'Changed entries in the windows that this process has published',
  labels: ['space'],
}

export const windowBytesMetric: Metric = {
  name: 'spacegrid_window_bytes_total',
  help: 'Bytes of those windows',
  labels: ['space'],
}

/** What a data pump measures, through all its lives. */
export class PumpTelemetry {
  readonly melds: MeldTelemetry
  readonly #telemetry: Telemetry
  readonly #logName: LogName
  readonly #windows: Outcomes
  readonly #changes: Count
  readonly #bytes: Count

  /** @param now what time it is in the log */
  constructor(telemetry: Telemetry | undefined, clock: Clock, logName: LogName, now: () => number) {
    const told = telemetry ?? noTelemetry
    this.#telemetry = told
    this.#logName = logName
    this.melds = new MeldTelemetry(told, clock, logName, now)
    this.#windows = new Outcomes(told, windowMetric, [logName])
    this.#changes = told.count(windowChangesMetric, [logName])
    this.#bytes = told.count(windowBytesMetric, [logName])
  }

  /** The change queue, its appends observed. */
  changes(queue: Log, clock: Clock): Log {
    if (this.#telemetry === noTelemetry) return queue
    return new ObservedLog(queue, clock, this.#telemetry, changesAppendMetric, this.#logName)
  }

  published({ changes }: Pick<Window, 'changes'>, bytes: number, ms: number): void {
    this.#windows.succeeded(ms)
    this.#changes.add(changes.length)
    this.#bytes.add(bytes)
  }

  failed(error: unknown, ms: number): void {
    this.#windows.failed(ms, error)
  }
}
