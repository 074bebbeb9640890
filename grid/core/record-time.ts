import type { Frame } from './frame.ts'
import { clockJumpMsMax, clockSilentMsMax } from './limits.ts'

/**
 * Whether a record's time and its sender's agree. A frame of the old format says nothing of its
 * sender's: then the record's is taken.
 */
export const clocksAgree = ({ at }: Frame, time: number): boolean =>
  at === undefined || Math.abs(time - at) <= clockJumpMsMax

/**
 * The time that a record stands for, where its own and its sender's do not agree; `reached` is the
 * log's time so far. A large step ahead needs two clocks, so it is the earlier one; but the log's
 * clock may have been set back, and then time goes on by those of the senders, who are never far
 * from where it is. Only a member of the chain has a clock that it keeps by the log: who joins
 * brings that of its machine.
 */
export function contestedTime(frame: Frame, time: number, reached: number): number {
  const { at = time } = frame
  const isKept = 'origin' in frame
  return isKept && at > time && at - reached <= clockSilentMsMax ? at : Math.min(at, time)
}
