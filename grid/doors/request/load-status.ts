import type { Priority } from '../../core/definition.ts'

/**
 * Why a command was turned away: too many wait (`queue`), its caller asks for more than others
 * (`share`), it could not be begun in the time that its caller has (`deadline`), it was taken and
 * has waited in vain (`late`), or one of the unit's fixed bounds is reached (`bound`).
 */
export type ShedReason = 'queue' | 'share' | 'deadline' | 'late' | 'bound'

/** How a unit fares with queries that take long. */
export interface QueriesLoad {
  /** Those that wait for their turn. */
  readonly waiting: number
  /** Queries turned away since the unit was started. */
  readonly shed: number
  /** Which ones wait for turns, and what they take on the average. */
  readonly costly: readonly { readonly query: string; readonly ms: number }[]
}

/** How a unit fares under the load that comes through its doors. */
export interface LoadStatus {
  /** Commands that may be without an outcome at the same time, as it is now. */
  readonly limit: number
  /** What commands waited before they were sent to the log, at the least, when last looked at. */
  readonly queueingDelayMs: number
  /** Commands turned away since the unit was started. */
  readonly shed: readonly {
    readonly reason: ShedReason
    readonly priority: Priority
    readonly count: number
  }[]
  readonly queries: QueriesLoad
}
