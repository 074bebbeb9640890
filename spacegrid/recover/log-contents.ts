import { isGridError } from '@spacegrid/grid/core/errors'
import { FrameKind } from '@spacegrid/grid/core/frame'
import { type Clock, sleep } from '@spacegrid/grid/engine/ports/clock'
import type { LogBounds } from '@spacegrid/grid/engine/ports/log'
import type { LogPlace } from '@spacegrid/grid/engine/ports/log-place'
import { decodeFrame } from '@spacegrid/grid/engine/wire/frame-codec'
import type { Progress } from './exact-copies.ts'

/** What is in a log that is going to be thrown away. */
export interface LogContents {
  readonly records: number
  /**
   * Applied, collided or refused: that is for whoever melds them. One that came in parts counts
   * once.
   */
  readonly transactions: number
}

const pollMs = 20
/** A log that brings nothing for so long has no more that can be read. */
const quietMsMax = 5000

/** Counts the transactions behind a position. */
export async function contentsOf(
  place: LogPlace,
  { first, last }: LogBounds,
  after: number,
  clock: Clock,
  progress: Progress,
): Promise<LogContents> {
  const start = Math.max(first - 1, after)
  let records = 0
  let transactions = 0
  if (start >= last) return { records, transactions }
  const log = await place.open()
  const tail = log.tail(start, {
    record: ({ data, position }) => {
      if (position <= last) records++
      if (position <= last) transactions += transactionsIn(data)
    },
    broken: () => undefined,
  })
  try {
    let quietSince = clock.monotonic()
    for (let seen = 0; records < last - start; ) {
      if (records > seen) quietSince = clock.monotonic()
      else if (clock.monotonic() - quietSince > quietMsMax) break
      seen = records
      progress('counting what is in the log', records)
      await sleep(clock, pollMs)
    }
  } finally {
    await tail.stop()
    await log.close()
  }
  return { records, transactions }
}

function transactionsIn(data: Uint8Array): number {
  try {
    const frame = decodeFrame(data)
    if (frame.kind !== FrameKind.transactions) return 0
    return frame.parts > 0 ? 1 : frame.transactions.length
  } catch (error) {
    // What nobody can read, nobody was told of.
    if (!isGridError(error)) throw error
    return 0
  }
}
