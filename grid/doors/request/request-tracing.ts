import { type ErrorCode, errorKinds } from '../../core/errors.ts'
import { type Tracing, traceIdOf } from '../../engine/ports/tracing.ts'
import type { Origin } from './caller.ts'
import { keptTraceOf } from './trace.ts'

/** A request in a trace that is kept. */
export interface RequestSpan {
  readonly traceId: string
  /** @param code of the error with which it ends */
  end(code?: ErrorCode): void
}

/** Tells of the requests of one command, query or cache that are in traces which are kept. */
export class RequestTracing {
  readonly #tracing: Tracing
  readonly #name: string
  readonly #attributes: Readonly<Record<string, string>>

  /** @param called what it is that has the name: `command`, `query`, `cache`, … */
  constructor(tracing: Tracing, space: string, called: string, name: string) {
    this.#tracing = tracing
    this.#name = `${called} ${name}`
    this.#attributes = { 'spacegrid.space': space, [`spacegrid.${called}`]: name }
  }

  begin(request: Origin): RequestSpan | undefined {
    const own = keptTraceOf(request)
    if (own === undefined) return undefined
    const span = this.#tracing.begin({
      ...{ name: this.#name, kind: 'server', own, parent: request.trace?.parent },
      attributes: { ...this.#attributes, 'spacegrid.door': request.door },
    })
    // What the caller has done to be refused is no failure of the grid.
    const end = (code?: ErrorCode) => {
      const failed = code !== undefined && errorKinds[code].status >= 500 ? code : undefined
      span.end(failed, { 'spacegrid.outcome': code ?? 'ok' })
    }
    return { traceId: traceIdOf(own), end }
  }
}
