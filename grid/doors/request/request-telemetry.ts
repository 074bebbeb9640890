import type { ErrorCode } from '../../core/errors.ts'
import type {
  Count,
  Distribution,
  HistogramMetric,
  Telemetry,
} from '../../engine/ports/telemetry.ts'
import type { Origin } from './caller.ts'

type Door = Origin['door']

export const requestsMetric = {
  name: 'spacegrid_requests_total',
  help: 'Requests answered, by the door they came through',
  labels: ['space', 'door'],
}

/**
 * Tells how the requests of one command, query or cache end. An outcome has a series of its own
 * from the first time it is met.
 */
export class RequestTelemetry {
  readonly #telemetry: Telemetry
  readonly #latency: HistogramMetric
  readonly #space: string
  readonly #name: string
  readonly #succeeded: Distribution
  readonly #failed = new Map<ErrorCode, Distribution>()
  readonly #http: Count
  readonly #nats: Count

  constructor(telemetry: Telemetry, latency: HistogramMetric, space: string, name: string) {
    this.#telemetry = telemetry
    this.#latency = latency
    this.#space = space
    this.#name = name
    this.#succeeded = this.#of('ok')
    this.#http = telemetry.count(requestsMetric, [space, 'http'])
    this.#nats = telemetry.count(requestsMetric, [space, 'nats'])
  }

  /** @param traceId of a trace that is kept */
  succeeded(door: Door, ms: number, traceId?: string): void {
    this.#succeeded.observe(ms / 1000, traceId)
    this.#count(door)
  }

  /** @param traceId of a trace that is kept */
  failed(door: Door, ms: number, code: ErrorCode, traceId?: string): void {
    let failed = this.#failed.get(code)
    if (!failed) {
      failed = this.#of(code)
      this.#failed.set(code, failed)
    }
    failed.observe(ms / 1000, traceId)
    this.#count(door)
  }

  #of(outcome: string): Distribution {
    return this.#telemetry.distribution(this.#latency, [this.#space, this.#name, outcome])
  }

  #count(door: Door): void {
    if (door === 'http') this.#http.add()
    else this.#nats.add()
  }
}
