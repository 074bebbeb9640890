/** A place in the log of a space: from an answer, for a later query. Not to be looked into. */
export type Position = number | string

/** The grid took the request in and said yes. */
export interface Accepted {
  readonly kind: 'accepted'
  readonly result: unknown
  /** The log position that the answer is from. */
  readonly position: Position
  /** Of what a command wrote. Absent for queries. */
  readonly version?: number | string
  /** The answer of an earlier request with the same key: this one changed nothing. */
  readonly replayed?: true
  readonly attempts: number
}

/** The grid took the request in and said no, finally: a business rejection. Nothing changed. */
export interface Rejected {
  readonly kind: 'rejected'
  readonly reason: string
  readonly details: Readonly<Record<string, unknown>>
  readonly attempts: number
}

/** What the grid says of an error: its code is one of the documented ones. */
export interface Problem {
  readonly code: string
  /** One sentence for people. */
  readonly detail: string
  /** For programs: the field that is wrong, a limit … */
  readonly details: Readonly<Record<string, unknown>>
}

/**
 * The grid, or the gateway, refused for lack of capacity, and went on doing so for as many retries
 * as were allowed.
 */
export interface Shed {
  readonly kind: 'shed'
  readonly reason: string
  /** Absent when the answer was not the grid's own. */
  readonly problem?: Problem
  /**
   * An earlier attempt ended without an answer, so the command may have taken effect all the same.
   */
  readonly outcomeUnknown: boolean
  readonly attempts: number
}

/**
 * No usable answer: an error, none in time, no connection, or a request never sent because the
 * client was saturated.
 */
export interface Failed {
  readonly kind: 'failed'
  readonly reason: string
  /** Absent when no answer came at all. */
  readonly status?: number
  /** Absent when the answer was not the grid's own. */
  readonly problem?: Problem
  /** What the connection failed with. Absent when there was an answer. */
  readonly cause?: unknown
  readonly outcomeUnknown: boolean
  readonly attempts: number
}

/** How one request, retries included, ended for whoever sent it. */
export type Answer = Accepted | Rejected | Shed | Failed

/**
 * The reason of a request that was not sent because too many were open: a limit of the client, not
 * of the grid.
 */
export const clientSaturated = 'client saturated'

/** The reason of a request that had no answer when the client was stopped. */
export const unansweredAtEnd = 'unanswered at the end'

/** The reason of a request that its caller did not wait for any longer. */
export const abortedByCaller = 'given up by the caller'
