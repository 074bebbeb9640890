import type { PartOperation } from './part-messages.ts'

/** How something of one partition is asked of whoever keeps it, here or elsewhere. */
export interface PartAsk {
  readonly partition: number
  readonly operation: PartOperation
  readonly asked: object
  readonly withinMs: number
  /** Asked once more elsewhere it may be done twice. */
  readonly isOnce: boolean
}

/** Asks those that keep partitions. Every failure is a GridError. */
export type AskPart = (ask: PartAsk) => Promise<unknown>
