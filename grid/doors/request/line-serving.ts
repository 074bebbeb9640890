import type { LineName } from '../../core/waiting-room.ts'
import type { AdmissionReport } from './admission-reports.ts'

/** How long somebody will wait, s. Of ten such intervals nine should hold what comes. */
export interface WaitEstimate {
  readonly seconds: number
  readonly from: number
  readonly to: number
  /**
   * False while the line is still getting faster, because nobody knows yet how many can be inside:
   * the wait is then that long at most, as far as can be told.
   */
  readonly isSettled: boolean
}

/** How it goes with one place in line. */
export type Place =
  | {
      readonly state: 'waiting'
      readonly line: LineName
      readonly lane: string
      readonly number: number
      readonly ticket: string
      /** Places of the same lane whose turn is before. */
      readonly ahead: number
      /** undefined: too little has been measured. */
      readonly estimate?: WaitEstimate
      /** When to ask again, ms. */
      readonly retryAfterMs: number
    }
  | {
      readonly state: 'admitted'
      readonly line: LineName
      readonly lane: string
      readonly number: number
      readonly ticket: string
      readonly admission: string
      /** ms since the epoch. */
      readonly until: number
    }
  | {
      /** The turn came, and its time is over. */
      readonly state: 'over'
      readonly line: LineName
      readonly lane: string
      readonly number: number
    }

/** A line as it is for whoever has no place in it. */
export interface LineOutside {
  readonly line: LineName
  readonly waiting: number
  readonly estimate?: WaitEstimate
}

export interface Joining {
  /** Left out: the lane of a claim, else everybody's. */
  readonly lane?: string | undefined
  readonly claim?: string | undefined
  /** The place that the visitor has already, if it still holds. */
  readonly ticket?: string | undefined
}

/**
 * A waiting room as its doors see it. Every failure is a GridError: `unknown_line`,
 * `invalid_input`, `ticket_invalid`, `overloaded`, `not_ready`, `log_unavailable`,
 * `outcome_unknown`.
 */
export interface LineServing {
  /** A place at the end of the line; who has one already keeps it. */
  join(line: LineName, joining: Joining): Promise<Place>
  look(line: LineName, ticket: string): Place
  outside(line: LineName): LineOutside
  /** Gives up a place, or ends a visit: whoever is next comes in. */
  leave(line: LineName, ticket: string): void
  /** What units tell of those who were let in. */
  report(reports: readonly AdmissionReport[]): void
  /** Where those go whose turn it is; undefined: nowhere. */
  linkOf(line: LineName): string | undefined
  /** Lanes that are for whoever asks for them. */
  readonly openLanes: readonly string[]
  /** How long a ticket holds, ms. */
  readonly ticketMs: number
}
