import { pastRoom } from '../engine/past/kept-snapshots.ts'
import type { Environment } from './environment.ts'

/** Size of a stream that is created, before it is shared out among partitions, and who says so. */
export interface StreamBytes {
  readonly bytesMax: number
  readonly variable: string
}

type Sizes = Pick<
  Environment,
  'STREAM_BYTES_MAX' | 'LOG_BYTES_MAX' | 'CHANGES_BYTES_MAX' | 'PAST_BYTES_MAX'
>

const either = (
  own: number | undefined,
  variable: string,
  { STREAM_BYTES_MAX }: Pick<Sizes, 'STREAM_BYTES_MAX'>,
): StreamBytes =>
  own === undefined
    ? { bytesMax: STREAM_BYTES_MAX, variable: 'STREAM_BYTES_MAX' }
    : { bytesMax: own, variable }

export const logBytes = (sizes: Omit<Sizes, 'PAST_BYTES_MAX'>): StreamBytes =>
  either(sizes.LOG_BYTES_MAX, 'LOG_BYTES_MAX', sizes)

export const changesBytes = (sizes: Omit<Sizes, 'PAST_BYTES_MAX'>): StreamBytes =>
  either(sizes.CHANGES_BYTES_MAX, 'CHANGES_BYTES_MAX', sizes)

/** Of kept snapshots, and of the log that they need. */
export function pastBytes(sizes: Sizes): StreamBytes {
  const log = logBytes(sizes)
  const bytesMax = pastRoom(sizes.PAST_BYTES_MAX, log.bytesMax)
  return { bytesMax, variable: bytesMax < sizes.PAST_BYTES_MAX ? log.variable : 'PAST_BYTES_MAX' }
}
