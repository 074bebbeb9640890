import type { AppendOptions } from '@spacegrid/grid/engine/ports/log'
import {
  recordTracesMax,
  type SpanAttributes,
  Spans,
  type Traceparent,
  type Tracing,
} from '@spacegrid/grid/engine/ports/tracing'
import type { Sent } from './frame-item.ts'

/** The way of one frame to the log, in the traces of those of its commands that are in one. */
export class FrameTraces {
  /** What the record says of them. */
  readonly options: AppendOptions
  readonly #spans: Spans

  private constructor(spans: Spans) {
    this.#spans = spans
    this.options = { traces: spans.traceparents }
  }

  /** undefined: none of them is in a trace that is kept, as nearly always. */
  static of(
    tracing: Tracing,
    sent: readonly Sent[],
    attributes: SpanAttributes,
  ): FrameTraces | undefined {
    if (!sent.some(({ trace }) => trace !== undefined)) return undefined
    const traces = sent.flatMap(({ trace }): readonly Traceparent[] => (trace ? [trace] : []))
    const start = { name: 'log append', kind: 'producer', attributes } as const
    return new FrameTraces(new Spans(tracing, start, traces.slice(0, recordTracesMax)))
  }

  /** The log has it, or the first attempt has failed. */
  settled(failed?: string): void {
    this.#spans.end(failed)
  }
}
