import type { Space } from '@spacegrid/grid/core/definition'
import { isGridError } from '@spacegrid/grid/core/errors'
import { FrameKind } from '@spacegrid/grid/core/frame'
import type { LogName } from '@spacegrid/grid/core/log-name'
import { initialShape, mergeShapes, type SpaceShape } from '@spacegrid/grid/core/shape'
import { type Clock, sleep } from '@spacegrid/grid/engine/ports/clock'
import type { LogPlace } from '@spacegrid/grid/engine/ports/log-place'
import type { Store } from '@spacegrid/grid/engine/ports/store'
import { decodeFrame } from '@spacegrid/grid/engine/wire/frame-codec'
import { decodeHeader } from '@spacegrid/grid/engine/wire/snapshot-codec'
import { type SpaceCheck, SpaceChecker } from './space-check.ts'

export interface StoredCheck extends SpaceCheck {
  /** Log position of the entries; undefined: nothing is stored yet. */
  readonly position: number | undefined
  /** Every entry has been looked at. */
  readonly isFull: boolean
}

export interface CheckOptions {
  /** Whose entries and definition are looked at. Default: the only log of the space. */
  readonly logName?: LogName
  /** Look at every entry. Default: at `sampleEntries` of each cache. */
  readonly full: boolean
  /** Default 1,000. */
  readonly sampleEntries?: number
  readonly progress?: (entries: number) => void
}

export interface CheckPorts {
  readonly log: LogPlace
  readonly store: Store
  readonly clock: Clock
}

/** Compares a definition with what a grid holds, which may be running. Reads only. */
export async function checkStored(
  space: Space,
  { log, store, clock }: CheckPorts,
  { full, sampleEntries = 1000, progress, logName = space.name }: CheckOptions,
): Promise<StoredCheck> {
  const scan = await store.scan(logName, full ? {} : { sampleEntries })
  try {
    const start = scan?.start
    const stored = start && decodeHeader(start.replicated).shape
    const logged = await loggedShape(log, clock, start?.position ?? 0, stored)
    const checker = new SpaceChecker(space, logged)
    let entries = 0
    for await (const chunk of scan?.chunks() ?? []) {
      for (const { cache, key, value } of chunk)
        if (full || checker.looked(cache) < sampleEntries) checker.look(cache, key, value)
      entries += chunk.length
      progress?.(entries)
    }
    return { ...checker.result(), space: logName, position: start?.position, isFull: full }
  } finally {
    await scan?.close()
  }
}

const pollMs = 20
/** A log that brings nothing for so long has no more that can be read. */
const quietMsMax = 5000

/** The definition at the end of the log: the store's, with what has been declared since. */
async function loggedShape(
  place: LogPlace,
  clock: Clock,
  after: number,
  stored: SpaceShape | undefined,
): Promise<SpaceShape | undefined> {
  const bounds = await place.look()
  if (!bounds || Math.max(after, bounds.first - 1) >= bounds.last) return stored
  let shape = stored
  let position = Math.max(after, bounds.first - 1)
  const log = await place.open()
  const tail = log.tail(position, {
    record: (record) => {
      position = record.position
      shape = withFrame(shape, record.data)
    },
    broken: () => undefined,
  })
  try {
    let quietSince = clock.monotonic()
    for (let seen = position; position < bounds.last; ) {
      if (position > seen) quietSince = clock.monotonic()
      else if (clock.monotonic() - quietSince > quietMsMax) break
      seen = position
      await sleep(clock, pollMs)
    }
  } finally {
    await tail.stop()
    await log.close()
  }
  return shape
}

function withFrame(shape: SpaceShape | undefined, data: Uint8Array): SpaceShape | undefined {
  try {
    const frame = decodeFrame(data)
    return frame.kind === FrameKind.shape ? mergeShapes(shape ?? initialShape, frame.shape) : shape
  } catch (error) {
    // Passed over, or refused, by every replica alike.
    if (!isGridError(error)) throw error
    return shape
  }
}
