import { type SpanAttributes, Spans, type Traceparent, type Tracing } from '../ports/tracing.ts'
import type { Replica } from '../replica/replica.ts'

/** Tells of frames that carry traces when a component's replicas meld them. */
export class MeldTracing {
  readonly #tracing: Tracing
  readonly #attributes: SpanAttributes
  readonly #melded: (spans: readonly Traceparent[]) => void

  /** @param melded told of the spans, for what follows from them */
  constructor(
    tracing: Tracing,
    attributes: SpanAttributes,
    melded: (spans: readonly Traceparent[]) => void = () => undefined,
  ) {
    this.#tracing = tracing
    this.#attributes = attributes
    this.#melded = melded
  }

  follow(replica: Replica): void {
    let spans: Spans | undefined
    replica.listen({
      melding: (_frame, position, _time, traces) => {
        if (!traces) return
        const attributes = { ...this.#attributes, 'spacegrid.position': position }
        spans = new Spans(this.#tracing, { name: 'meld', kind: 'consumer', attributes }, traces)
      },
      melded: () => {
        if (!spans) return
        spans.end()
        this.#melded(spans.traceparents)
        spans = undefined
      },
    })
  }
}
