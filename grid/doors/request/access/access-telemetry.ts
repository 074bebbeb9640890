import type { Count, Metric, Telemetry } from '@spacegrid/grid/engine/ports/telemetry'

export const refusalsMetric: Metric = {
  name: 'spacegrid_refusals_total',
  help: 'Requests that were refused for who has asked, by door and code of the error',
  labels: ['door', 'code'],
}
export const administrationMetric: Metric = {
  name: 'spacegrid_administration_total',
  help: 'What operators have asked over the administration services, done or not, where callers are asked who they are',
  labels: [],
}
export const leftOutMetric: Metric = {
  name: 'spacegrid_audit_left_out_total',
  help: 'Refusals that were only counted, for there were too many to write them down',
  labels: [],
}

/** Counts who was refused, and what operators have done; told as 0 where nobody is asked. */
export class AccessTelemetry {
  readonly administration: Count
  readonly leftOut: Count
  readonly #telemetry: Telemetry
  readonly #refusals = new Map<string, Count>()

  constructor(telemetry: Telemetry) {
    this.#telemetry = telemetry
    this.administration = telemetry.count(administrationMetric, [])
    this.leftOut = telemetry.count(leftOutMetric, [])
    for (const door of ['http', 'nats'])
      for (const code of ['unauthenticated', 'forbidden']) this.#count(door, code)
  }

  refused(door: string, code: string): void {
    this.#count(door, code).add()
  }

  #count(door: string, code: string): Count {
    const name = `${door} ${code}`
    let count = this.#refusals.get(name)
    if (!count) {
      count = this.#telemetry.count(refusalsMetric, [door, code])
      this.#refusals.set(name, count)
    }
    return count
  }
}
