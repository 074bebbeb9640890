import type { Acknowledgement } from '@spacegrid/grid/core/definition'
import type { Position } from './answer.ts'
import type { RequestOptions } from './request-options.ts'

export interface CommandOptions extends RequestOptions {
  /**
   * The same command sent again with the same key takes effect once. Default: a new one. `null`:
   * none; the grid then remembers nothing of the command, and it is not sent again once it may have
   * taken effect.
   */
  readonly idempotencyKey?: string | null
  /** What the answer waits for. Default: what the command says. */
  readonly acknowledge?: Acknowledgement
}

export interface QueryOptions extends RequestOptions {
  /**
   * The least log position to answer from; `latest`: all that is stored when the request comes;
   * `seen`: whatever this client has been told of the space so far; `any`: as it is where it is
   * asked. Default: any; of a session, what it has seen.
   */
  readonly from?: Position | 'latest' | 'seen' | 'any'
  /** Answer as of this position of the past, or this time, as far as it is kept; not `from`. */
  readonly at?: Position | Date
}

export interface HistoryOptions extends RequestOptions {
  /** Changes of one page, 1 to 100. Default 20. */
  readonly limit?: number
  /** `next` of the page before. */
  readonly cursor?: string | null
}

/** What a command has come to. */
export interface CommandResult<Result = unknown> {
  readonly result: Result
  /** For queries that must see what the command has done. */
  readonly position: Position
  /** An earlier request with the same key has had this answer; this one changed nothing. */
  readonly replayed: boolean
}

export interface QueryResult<Result = unknown> {
  readonly result: Result
  readonly position: Position
}
