import type { Origin } from './caller.ts'
import { traceFields } from './trace.ts'

/**
 * What a log has of a request: under what it is known, what was asked for by name, how it ended,
 * and how long it took. Nothing of what it says, and not who has sent it.
 */
export interface RequestLine {
  readonly requestId?: string
  readonly traceId?: string
  readonly door: Origin['door']
  readonly space: string
  /** `command holdSeats`, `query availability`, … */
  readonly request: string
  /** `ok`, or the code of the error. */
  readonly outcome: string
  readonly ms: number
}

export type RequestLog = (line: RequestLine) => void

/** Writes down the requests of one command, query or cache. */
export class RequestLines {
  readonly #log: RequestLog
  readonly #space: string
  readonly #request: string

  constructor(log: RequestLog, space: string, request: string) {
    this.#log = log
    this.#space = space
    this.#request = request
  }

  ended({ door, trace }: Origin, ms: number, outcome: string): void {
    const known = trace ? traceFields(trace) : {}
    const what = { door, space: this.#space, request: this.#request }
    this.#log({ ...known, ...what, outcome, ms: Math.round(ms * 1000) / 1000 })
  }
}
