/** The grid took the request in and said yes. */
export interface Accepted {
  readonly kind: 'accepted'
  readonly result: unknown
  /** The log position that the answer is from. */
  readonly position: number
  readonly attempts: number
}

/** The grid took the request in and said no, finally: a business rejection. Nothing changed. */
export interface Rejected {
  readonly kind: 'rejected'
  readonly reason: string
  readonly details: Readonly<Record<string, unknown>>
  readonly attempts: number
}

/** The grid, or the gateway, refused for lack of capacity, and went on doing so for as many retries as were allowed. */
export interface Shed {
  readonly kind: 'shed'
  readonly reason: string
  /** An earlier attempt ended without an answer, so the command may have taken effect all the same. */
  readonly outcomeUnknown: boolean
  readonly attempts: number
}

/** No usable answer: an error, none in time, no connection, or a request never sent because the client was saturated. */
export interface Failed {
  readonly kind: 'failed'
  readonly reason: string
  /** Absent when no answer came at all. */
  readonly status?: number
  readonly outcomeUnknown: boolean
  readonly attempts: number
}

/** How one request, retries included, ended for the user who sent it. */
export type Answer = Accepted | Rejected | Shed | Failed

/** The reason of a request that was not sent because too many were open: a limit of the generator, not of the grid. */
export const clientSaturated = 'client saturated'

/** The reason of a request that had no answer when the run was over. */
export const unansweredAtEnd = 'unanswered at the end'
