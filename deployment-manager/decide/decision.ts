import type { Hindrance } from './hindrance.ts'

/** What a decision rests on. */
export type Cause =
  | Hindrance
  | 'pressure'
  | 'forecast'
  | 'schedule'
  | 'minimum'
  | 'maximum'
  | 'budget'
  | 'less_to_do'
  | 'ended'
  | 'not_starting'
  | 'settling'
  | 'unknown'
  | 'steady'

/** What is to be done, and why. */
export interface Decision {
  /** Units that there are to be. */
  readonly units: number
  /** `hold`: nothing; `replace`: as many as before, of which some are missing. */
  readonly action: 'scale_out' | 'scale_in' | 'replace' | 'hold'
  readonly cause: Cause
  /** For people, one sentence or two. */
  readonly why: string
}

/** Those in which somebody would like more units and does not get them. */
export const isRefusal = ({ action, cause }: Decision): boolean =>
  action === 'hold' && cause !== 'steady'
