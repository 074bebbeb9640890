import { type GridError, isGridError } from '../../core/errors.ts'
import type { Frame } from '../../core/frame.ts'
import { decodeFrame } from '../wire/frame-codec.ts'

/**
 * The frame in a record of the log, or why there is none. `record_damaged`: it is no frame of any
 * version, and every replica passes over it. `format_unsupported`: a whole one of another version,
 * at which those stop that cannot read it. docs/decisions/0015.
 */
export function readRecord(data: Uint8Array): Frame | GridError {
  try {
    return decodeFrame(data)
  } catch (error) {
    if (isGridError(error, 'record_damaged') || isGridError(error, 'format_unsupported'))
      return error
    throw error
  }
}

/** A record of the log at which there is no frame for this version. */
export interface UnreadRecord {
  readonly position: number
  readonly cause: GridError
}

/** For people, who have to do something about it. */
export const stoppedText = ({ position, cause }: UnreadRecord): string =>
  `stays before position ${position} of the log: ${cause.message}. Update this component, or, if nobody can read it: npx spacegrid log skip`
