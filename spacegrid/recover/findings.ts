import { isGridError } from '@spacegrid/grid/core/errors'
import type { LogName } from '@spacegrid/grid/core/log-name'
import { findNewestWindow, type NewestWindow } from '@spacegrid/grid/engine/changes/change-queue'
import type { LogBounds, LogRecord } from '@spacegrid/grid/engine/ports/log'
import type { LogPlace } from '@spacegrid/grid/engine/ports/log-place'
import type { Checkpoint } from '@spacegrid/grid/engine/ports/store'
import { decodeHeader } from '@spacegrid/grid/engine/wire/snapshot-codec'
import type { RecoveryPorts } from './recovery-grid.ts'
import { type HeardReplica, hearReplicas } from './replicas-heard.ts'

/** What there is of a space, without reading all of it. */
export interface Findings {
  readonly logName: LogName
  /** undefined: the store holds nothing of the space. */
  readonly checkpoint: Checkpoint | undefined
  readonly log: LogBounds | undefined
  readonly changes: LogBounds | undefined
  /** The last whole window of the change queue. */
  readonly newest: NewestWindow['part']
  /** The warm image; undefined: there is none, it is being built, or Redis does not answer. */
  readonly image: Checkpoint | undefined
  readonly replicas: readonly HeardReplica[]
  /** Why the log does not continue what is stored; undefined: it does, or nothing is stored. */
  readonly fault: string | undefined
  /** Why pumps and writers cannot go on with the change queue that is there. */
  readonly queueFault: string | undefined
}

export async function lookAround(logName: LogName, ports: RecoveryPorts): Promise<Findings> {
  const { store, image, messaging, clock } = ports
  const [imageFound, replicas] = await Promise.all([
    image ? ifReachable(() => image.checkpoint(logName)) : undefined,
    messaging ? hearReplicas(logName, messaging, clock) : [],
  ])
  // One after the other: in a grid that works the log is never behind what was read of the store
  // before.
  const checkpoint = await store.checkpoint(logName)
  const log = await ports.log.look()
  const changes = await ports.changes.look()
  const newest = changes && (await newestWindow(ports.changes))
  const followed = log?.identity
  return {
    ...{ logName, checkpoint, log, changes, newest, replicas },
    image: imageFound && imageFound.position > 0 ? imageFound : undefined,
    fault: checkpoint && (await faultOf(checkpoint, log, ports.log)),
    queueFault:
      newest && newest.logIdentity !== followed
        ? `the change queue belongs to the log ${newest.logIdentity}`
        : undefined,
  }
}

/** Redis keeps nothing that is missed. */
async function ifReachable<T>(look: () => Promise<T>): Promise<T | undefined> {
  try {
    return await look()
  } catch (error) {
    if (!isGridError(error, 'image_unavailable')) throw error
    return undefined
  }
}

async function newestWindow(place: LogPlace): Promise<NewestWindow['part']> {
  const changes = await place.open()
  try {
    return (await findNewestWindow(changes)).part
  } finally {
    await changes.close()
  }
}

/** The same that everybody asks who begins with what is stored. */
async function faultOf(
  { position, logIdentity, replicated }: Checkpoint,
  log: LogBounds | undefined,
  place: LogPlace,
): Promise<string | undefined> {
  if (!log) return 'there is no log'
  if (position <= 0) return 'the store is being written anew, or was left so'
  const { identity, first, last } = log
  if (identity !== logIdentity) return `the log is ${identity}, what is stored is of ${logIdentity}`
  if (position + 1 < first) return `the log begins at ${first}, the store is at ${position}`
  if (position > last) return `the log ends at ${last}, the store is at ${position}`
  const record = await recordAt(place, position)
  return record && record.time > decodeHeader(replicated).time
    ? `the log has lost its end and gives its positions away again: what is at ${position} now is younger than what is stored`
    : undefined
}

async function recordAt(place: LogPlace, position: number): Promise<LogRecord | undefined> {
  const log = await place.open()
  try {
    return await log.read(position)
  } finally {
    await log.close()
  }
}
