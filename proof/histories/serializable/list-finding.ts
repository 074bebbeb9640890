/** What one read, or two of them, show by themselves. */
export type DirectAnomaly =
  /** A read tells what its own transaction has not done, or not what it has. */
  | 'internal'
  | 'duplicate-element'
  /** An element that nobody appended. */
  | 'unwritten-element'
  /** G1a: an element of a transaction that has failed. */
  | 'aborted-read'
  /** G1b: a list in the middle of another transaction's appends. */
  | 'intermediate-read'
  /** Two reads of one list, neither of which is the beginning of the other. */
  | 'incompatible-order'
  /** An append was answered, and a read that began afterwards does not have it. */
  | 'lost-append'

/** Adya's phenomena; with `-realtime` where the cycle needs what ended before something began. */
export type CycleAnomaly = `${'G0' | 'G1c' | 'G-single' | 'G2'}${'' | '-realtime'}`

export interface ListFinding {
  readonly anomaly: DirectAnomaly | CycleAnomaly
  /** Indices in the history; of a cycle in its order. */
  readonly transactions: readonly number[]
  /** Sentences; of a cycle one for each of its steps. */
  readonly because: readonly string[]
}
