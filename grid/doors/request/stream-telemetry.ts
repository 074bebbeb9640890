import type { Count, Telemetry } from '../../engine/ports/telemetry.ts'

/** Why a stream is over: its reader has gone, or was told to connect again. */
export type StreamEnd = 'left' | 'stopping' | 'slow' | 'unavailable' | 'expired'

export const streamDeliveriesMetric = {
  name: 'spacegrid_stream_deliveries_total',
  help: 'Batches of events, and answers, written to readers of streams',
  labels: ['space'],
}
export const streamsBegunMetric = {
  name: 'spacegrid_streams_begun_total',
  help: 'Streams that readers have begun to follow',
  labels: ['space'],
}
export const streamsEndedMetric = {
  name: 'spacegrid_streams_ended_total',
  help: 'Streams that are over, by why; those that were begun and are not are open',
  labels: ['space', 'why'],
}

/** Tells of the streams of one space what requests do not: how long they last comes after them. */
export class StreamTelemetry {
  readonly #telemetry: Telemetry
  readonly #space: string
  readonly #delivered: Count
  readonly #begun: Count
  readonly #ended = new Map<StreamEnd, Count>()

  constructor(telemetry: Telemetry, space: string) {
    this.#telemetry = telemetry
    this.#space = space
    this.#delivered = telemetry.count(streamDeliveriesMetric, [space])
    this.#begun = telemetry.count(streamsBegunMetric, [space])
    this.#ended.set('left', telemetry.count(streamsEndedMetric, [space, 'left']))
  }

  begun(): void {
    this.#begun.add()
  }

  delivered(): void {
    this.#delivered.add()
  }

  ended(why: StreamEnd): void {
    let count = this.#ended.get(why)
    if (!count) {
      count = this.#telemetry.count(streamsEndedMetric, [this.#space, why])
      this.#ended.set(why, count)
    }
    count.add()
  }
}
