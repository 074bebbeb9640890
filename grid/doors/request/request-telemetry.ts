import type { ErrorCode } from '../../core/errors.ts'
import type {
  Count,
  Distribution,
  HistogramMetric,
  Telemetry,
} from '../../engine/ports/telemetry.ts'
import type { Origin } from './caller.ts'

type Door = Origin['door']

const requests = {
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
  #http: Count | undefined
  #nats: Count | undefined

  constructor(telemetry: Telemetry, latency: HistogramMetric, space: string, name: string) {
    this.#telemetry = telemetry
    this.#latency = latency
    this.#space = space
    this.#name = name
    this.#succeeded = this.#of('ok')
  }

  succeeded(door: Door, ms: number): void {
    this.#succeeded.observe(ms / 1000)
    this.#count(door)
  }

  failed(door: Door, ms: number, code: ErrorCode): void {
    let failed = this.#failed.get(code)
    if (!failed) {
      failed = this.#of(code)
      this.#failed.set(code, failed)
    }
    failed.observe(ms / 1000)
    this.#count(door)
  }

  #of(outcome: string): Distribution {
    return this.#telemetry.distribution(this.#latency, [this.#space, this.#name, outcome])
  }

  #count(door: Door): void {
    if (door === 'http') {
      this.#http ??= this.#telemetry.count(requests, [this.#space, door])
      this.#http.add()
    } else {
      this.#nats ??= this.#telemetry.count(requests, [this.#space, door])
      this.#nats.add()
    }
  }
}
