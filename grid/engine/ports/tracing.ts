/**
 * A span of a trace that is kept, as it travels: W3C Trace Context, version 00, with the flag
 * `sampled`.
 */
export type Traceparent = string

/** Beyond, a record names no more traces: they share its headers with what must be there. */
export const recordTracesMax = 8

const keptPattern = /^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/

export const isKept = (traceparent: string): traceparent is Traceparent =>
  keptPattern.test(traceparent)

export const traceIdOf = (traceparent: Traceparent): string => traceparent.slice(3, 35)

/** What is said of a span when it begins: names and numbers of the grid, nothing of its data. */
export interface SpanStart {
  readonly name: string
  readonly kind: 'server' | 'producer' | 'consumer' | 'client'
  /** The span that it follows from. Left out: a trace begins with it. */
  readonly parent?: Traceparent | undefined
  /** By what it is known already. Left out: it gets an id. */
  readonly own?: Traceparent
  readonly attributes?: SpanAttributes
}

export type SpanAttributes = Readonly<Record<string, string | number>>

export interface Span {
  readonly traceparent: Traceparent
  /** @param failed with what code it has failed */
  end(failed?: string, attributes?: SpanAttributes): void
}

/**
 * A way out for what becomes of single requests, of one in so many. Whoever works without has
 * `undefined` in its place, and asks for nothing.
 */
export interface Tracing {
  begin(start: SpanStart): Span
}

/** Spans that begin and end together, one in each trace. */
export class Spans {
  readonly #spans: readonly Span[]

  constructor(
    tracing: Tracing,
    start: Omit<SpanStart, 'parent' | 'own'>,
    parents: readonly Traceparent[],
  ) {
    this.#spans = parents.map((parent) => tracing.begin({ ...start, parent }))
  }

  get traceparents(): readonly Traceparent[] {
    return this.#spans.map(({ traceparent }) => traceparent)
  }

  end(failed?: string): void {
    for (const span of this.#spans) span.end(failed)
  }
}
