import type { LogName } from '@spacegrid/grid/core/log-name'
import { MeldTracing } from '@spacegrid/grid/engine/measure/meld-tracing'
import {
  recordTracesMax,
  type SpanAttributes,
  Spans,
  type Traceparent,
  type Tracing,
} from '@spacegrid/grid/engine/ports/tracing'

/** Tells of frames and windows that belong to traces which are kept. */
export class PumpTracing {
  readonly melds: MeldTracing
  readonly #tracing: Tracing
  readonly #attributes: SpanAttributes
  /** Of frames that have been melded, and are in no window yet. */
  #waiting: readonly Traceparent[] = []

  constructor(tracing: Tracing, logName: LogName, pump: string) {
    this.#tracing = tracing
    this.#attributes = { 'spacegrid.space': logName, 'spacegrid.unit': pump }
    this.melds = new MeldTracing(tracing, this.#attributes, (spans) => {
      this.#waiting = [...this.#waiting, ...spans].slice(-recordTracesMax)
    })
  }

  /**
   * A window begins its way to the change queue: of everything that has been melded.
   * @param to its last position
   * @returns undefined: nothing in it is in a trace
   */
  publishing(to: number): Spans | undefined {
    const parents = this.#waiting
    if (parents.length === 0) return undefined
    this.#waiting = []
    const attributes = { ...this.#attributes, 'spacegrid.position': to }
    return new Spans(this.#tracing, { name: 'publish', kind: 'producer', attributes }, parents)
  }
}
