import type { Evaluation } from '../../core/evaluation.ts'
import type { Clock } from '../ports/clock.ts'
import type { Count, Distribution, HistogramMetric, Metric, Telemetry } from '../ports/telemetry.ts'
import type { Replica } from '../replica/replica.ts'
import { secondsBounds } from './outcomes.ts'

export const meldMetric: HistogramMetric = {
  name: 'spacegrid_meld_seconds',
  help: 'Time that melding one frame takes, with whatever follows from it in the process at once',
  labels: ['space'],
  bounds: [0.000_01, 0.000_025, 0.000_05, ...secondsBounds],
}

export const meldDelayMetric: HistogramMetric = {
  name: 'spacegrid_meld_delay_seconds',
  help: "Age of a frame when it is melded, since the log has stored it, by the log's time as the process keeps it",
  labels: ['space'],
  bounds: secondsBounds,
}

export const transactionsMetric: Metric = {
  name: 'spacegrid_transactions_total',
  help: 'Transactions of all units that the replica has melded, by what became of them: applied, refused, collided',
  labels: ['space', 'outcome'],
}

/** Observes how a component's replicas meld, through all its lives. */
export class MeldTelemetry {
  readonly #clock: Clock
  readonly #now: () => number
  readonly #took: Distribution
  readonly #delay: Distribution
  readonly #decided: Readonly<Record<Evaluation['outcome'], Count>>

  /** @param now what time it is in the log, ms since the epoch */
  constructor(telemetry: Telemetry, clock: Clock, logName: string, now: () => number) {
    const decided = (outcome: Evaluation['outcome']) =>
      telemetry.count(transactionsMetric, [logName, outcome])
    this.#clock = clock
    this.#now = now
    this.#took = telemetry.distribution(meldMetric, [logName])
    this.#delay = telemetry.distribution(meldDelayMetric, [logName])
    this.#decided = {
      applied: decided('applied'),
      refused: decided('refused'),
      collided: decided('collided'),
    }
  }

  /** To be called after everybody else who listens, so that what they do is observed too. */
  follow(replica: Replica): void {
    let begun = 0
    let storedAt = 0
    replica.listen({
      melding: (_frame, _position, time) => {
        begun = this.#clock.monotonic()
        storedAt = time
      },
      decided: (_index, _transaction, _id, { outcome }) => this.#decided[outcome].add(),
      melded: (frame) => {
        // What was passed over has not been melded.
        if (!frame) return
        this.#took.observe((this.#clock.monotonic() - begun) / 1000)
        this.#delay.observe(Math.max(0, this.#now() - storedAt) / 1000)
      },
    })
  }
}
