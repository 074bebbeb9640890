import { GridError, isGridError } from '@spacegrid/grid/core/errors'
import { findNewestWindow, leadsOn } from '@spacegrid/grid/engine/changes/change-queue'
import type { Life } from '@spacegrid/grid/engine/life/life'
import { Turns } from '@spacegrid/grid/engine/life/turns'
import { type RehydrationSource, rehydrate } from '@spacegrid/grid/engine/replica/rehydration'
import type { WindowPart } from '@spacegrid/grid/engine/wire/window-codec'
import type { PumpParts } from './pump-parts.ts'
import { findRepair } from './repair-start.ts'
import type { PumpStart } from './start-point.ts'

export interface StartWanted {
  /** Of the log that it is to go on in. */
  readonly logIdentity: string
  /**
   * Of the log that this pump followed before: another one is begun with only if the data reader
   * says that nothing is stored.
   */
  readonly logFollowed: string | undefined
  /** Told what is waited for. */
  readonly waiting: (reason: string) => void
}

/**
 * Finds where to go on: with the last published window, if the queue leads from the store's
 * checkpoint to it. If the queue was lost, or its beginning, then with the store's checkpoint
 * itself: what is between is in the log still, for the log is trimmed only below the checkpoint.
 * Windows that are published twice that way do no harm.
 *
 * The state comes from the store, which is never ahead of the queue; from the warm image only while
 * the store cannot be reached. It never comes from another unit: that one is further on, and its
 * outcomes since the last window would be missing. Unless this pump was found wrong: then the store
 * is wrong too, and the difference is published.
 */
export async function findStart(
  { logName, ports, auditor, wrongWindows }: PumpParts,
  life: Life,
  { logIdentity, logFollowed, waiting }: StartWanted,
): Promise<PumpStart> {
  if (auditor.doubt() !== undefined) {
    const repair = await findRepair(logName, ports, life, auditor, waiting)
    if (repair) return repair
  }
  const { log, changes, messaging, clock } = ports
  const newest = async () => {
    const found = await life.until(() => findNewestWindow(changes))
    checkIdentity(found.part, logIdentity)
    return found
  }
  const isPublished = (await newest()).part !== undefined
  let isNothingStored = false
  const copyFrom = (sources: readonly RehydrationSource[]) => () =>
    rehydrate(log, messaging, clock, {
      logName,
      sources,
      signal: life.signal,
      logFollowed,
      confirms: (position, digest) => auditor.confirms(position, digest),
      failed: (from, error) => {
        isNothingStored ||= from === 'store' && isGridError(error, 'not_found')
        waiting(`${from}: ${error.message}`)
      },
    })
  // The warm image may be ahead of the store, so without a window to go on from it is of no use.
  const fromStore = copyFrom(['store', 'log'])
  let copy = await life.finish(isPublished ? copyFrom(['store', 'reader', 'log']) : fromStore)
  // Nor is it while nothing is stored: the queue may have lost what leads there, and then only the
  // log, still whole, has it.
  if (copy.source === 'reader' && isNothingStored) copy = await life.finish(fromStore)
  const { source, ...copied } = copy
  const { state } = copied
  const { last, storedAt, part } = await newest()
  const wrongTo = part && wrongWindows.isWrong(part) ? part.to : 0
  const found = { ...copied, last, storedAt, wrongTo, corrections: [] }
  if (part && wrongTo === 0 && state.position <= part.to) {
    // How far the store is, the warm image does not tell; whether the queue leads on from there is
    // looked at later.
    const { pause } = new Turns(clock)
    if (source === 'reader' || (await life.until(() => leadsOn(changes, state.position, pause))))
      return { ...found, from: part.to, newest: part }
  }
  if (source === 'reader')
    throw new GridError(
      'not_ready',
      `The change queue does not lead on from the warm image at ${state.position}; waiting for the store`,
    )
  return { ...found, from: state.position, newest: undefined }
}

/** Nothing is known of what became of another log, so nobody may go on as if it had never been. */
function checkIdentity(part: WindowPart | undefined, logIdentity: string): void {
  if (part && part.logIdentity !== logIdentity)
    throw new GridError(
      'log_replaced',
      `The change queue belongs to the log ${part.logIdentity}, but the log is ${logIdentity}. If that log is lost: npx spacegrid recover --from store`,
    )
}
