import type { Clock } from '../ports/clock.ts'
import type {
  AppendOptions,
  Log,
  LogBounds,
  LogListener,
  LogRecord,
  LogTail,
} from '../ports/log.ts'
import type { HistogramMetric, Telemetry } from '../ports/telemetry.ts'
import { Outcomes, secondsBounds } from './outcomes.ts'

export const logAppendMetric: HistogramMetric = {
  name: 'spacegrid_log_append_seconds',
  help: 'Time from sending a record to the log until it is stored, by outcome: ok, or an error code',
  labels: ['space', 'outcome'],
  bounds: secondsBounds,
}

export const changesAppendMetric: HistogramMetric = {
  name: 'spacegrid_changes_append_seconds',
  help: 'Time from sending a record to the change queue until it is stored, by outcome: ok, or an error code',
  labels: ['space', 'outcome'],
  bounds: secondsBounds,
}

/** A log of which it is observed how long its appends take. */
export class ObservedLog implements Log {
  readonly #log: Log
  readonly #clock: Clock
  readonly #appends: Outcomes

  constructor(
    log: Log,
    clock: Clock,
    telemetry: Telemetry,
    metric: HistogramMetric,
    logName: string,
  ) {
    this.#log = log
    this.#clock = clock
    this.#appends = new Outcomes(telemetry, metric, [logName])
  }

  get recordBytesMax(): number {
    return this.#log.recordBytesMax
  }

  get filled(): number | undefined {
    return this.#log.filled
  }

  append(data: Uint8Array, options?: AppendOptions): Promise<number> {
    const begun = this.#clock.monotonic()
    const appended = this.#log.append(data, options)
    appended.then(
      () => this.#appends.succeeded(this.#clock.monotonic() - begun),
      (error) => this.#appends.failed(this.#clock.monotonic() - begun, error),
    )
    return appended
  }

  tail(after: number, listener: LogListener, timeSeen?: number): LogTail {
    return this.#log.tail(after, listener, timeSeen)
  }

  bounds(): Promise<LogBounds> {
    return this.#log.bounds()
  }

  read(position: number): Promise<LogRecord | undefined> {
    return this.#log.read(position)
  }

  trim(position: number): Promise<void> {
    return this.#log.trim(position)
  }

  close(): Promise<void> {
    return this.#log.close()
  }
}
