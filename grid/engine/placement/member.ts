import type { Candidate } from './rendezvous.ts'

/**
 * How a copy of a partition is: on its way into memory; exact and serving; still serving, and about
 * to be given up.
 */
export type CopyState = 'joining' | 'ready' | 'leaving'

/** Units that take commands, and units that only answer queries, as presence calls them. */
export const unitRoles = { commands: 'unit', queries: 'query-unit' } as const

/**
 * A unit that keeps copies and is not there for the others: nobody asks it anything, and nobody
 * counts on its copies, until it is called up and is a unit that takes commands.
 */
export const spareRole = 'spare'

/** What a process says of itself to those that work for the same space. */
export interface Member extends Candidate {
  /** Unique, whatever it is called: names may be given twice, and outlive a process. */
  readonly id: number
  /** `unit`, `data-pump`, … */
  readonly role: string
  /** Failure domain; undefined: none is given. */
  readonly zone: string | undefined
  /** Its memory is near its budget: it takes nothing more. */
  readonly full: boolean
  /** It is about to stop: nothing is to rest on it. */
  readonly stopping: boolean
  /** Copies of each partition that there should be among those in its role. Left out: not said. */
  readonly copies?: number
  /** Partitions that it keeps. */
  readonly keeps: ReadonlyMap<number, CopyState>
  /**
   * Affinity keys that are hot by what it sees itself, by their hashes, and how hot: a number of
   * commands per second. Left out: none.
   */
  readonly hot?: ReadonlyMap<number, number> | undefined
}
