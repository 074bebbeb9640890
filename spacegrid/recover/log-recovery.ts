import { differences } from '@spacegrid/data-pump/repair-start'
import { GridError } from '@spacegrid/grid/core/errors'
import type { LogName } from '@spacegrid/grid/core/log-name'
import type { SpaceState } from '@spacegrid/grid/core/space-state'
import type { LogBounds } from '@spacegrid/grid/engine/ports/log'
import type { Checkpoint, StoredChange } from '@spacegrid/grid/engine/ports/store'
import { decodeHeader, encodeHeader } from '@spacegrid/grid/engine/wire/snapshot-codec'
import { countEntries } from './entry-count.ts'
import {
  copyOfImage,
  copyOfReplica,
  copyOfStore,
  type ExactCopy,
  type Progress,
} from './exact-copies.ts'
import type { Findings } from './findings.ts'
import { contentsOf, type LogContents } from './log-contents.ts'
import { walkQueue } from './queue-windows.ts'
import type { RecoveryNames, RecoveryPorts } from './recovery-grid.ts'
import { Refused } from './refused.ts'

/** What will be done to give a space a log again that continues its store, and what that costs. */
export interface LogPlan {
  /** `queue`: log and store fit together, only the change queue is of another log. */
  readonly kind: 'log' | 'queue'
  readonly findings: Findings
  readonly stored: Checkpoint
  /** The store is brought here first, by the windows of the change queue. */
  readonly queueTo: number
  /** And then to where this copy is. */
  readonly copy: ExactCopy | undefined
  /** Everything up to here is in the new log's beginning. */
  readonly savedTo: number
  /** The last position of the old log that anybody still knows of, and who. */
  readonly lastKnown: { readonly position: number; readonly by: string }
  /**
   * What is in the log that stands in the place now, and goes: of it, what the store does not have.
   */
  readonly discarded: LogContents | undefined
  /** The store's checkpoint is not what its entries count to, and they are taken as they are. */
  readonly counted: Pick<Checkpoint, 'digest' | 'entries'> | undefined
  /** The new log's first record will be at the next position. */
  readonly after: number
  readonly notes: readonly string[]
}

export interface LogPlanOptions {
  /** The store's entries are taken even if they are not what the checkpoint says. */
  readonly asItIs: boolean
  readonly progress: Progress
}

/**
 * No position is given away again, or identities made of positions would come twice, and a writer
 * or a unit that was frozen would find its place still there. A log of `STREAM_BYTES_MAX` that
 * nobody knows the end of holds fewer records than this.
 */
const leapPositions = 100_000_000

/** Where a log goes on that stands in for one whose last known position this is. */
export const beyond = (position: number): number =>
  (Math.floor(position / leapPositions) + 2) * leapPositions

/** @throws Refused when there is nothing to recover, nothing to recover from, or a better way */
export async function planLog(
  findings: Findings,
  ports: RecoveryPorts,
  names: RecoveryNames,
  { asItIs, progress }: LogPlanOptions,
): Promise<LogPlan> {
  const { logName, checkpoint: stored, log, newest, replicas, fault, queueFault } = findings
  if (!stored)
    throw new Refused(`${names.store} holds nothing of ${logName}: nothing to begin with`)
  if (stored.position <= 0)
    throw new Refused(
      `${names.store} is being written anew, or was left so: first npx spacegrid recover --store --space ${logName}`,
    )
  if (fault === undefined && queueFault === undefined)
    throw new Refused(
      `nothing to recover: the ${names.log(logName)} continues what ${names.store} holds, from ${stored.position} to ${log?.last}`,
    )
  const notes: string[] = []
  const kept = { findings, stored, notes }
  const known = knownOf(findings)
  const after = beyond(Math.max(known.position, log?.last ?? 0, findings.changes?.last ?? 0))
  if (fault === undefined)
    return {
      ...{ ...kept, kind: 'queue', counted: undefined, copy: undefined, discarded: undefined },
      ...{ queueTo: stored.position, savedTo: stored.position, lastKnown: known, after },
    }
  const { logIdentity } = stored
  refuseIfSound(findings, names)
  const counted = await countedOf(findings, ports, names, asItIs, progress)
  const queueTo = await walkQueue(findings, ports.changes, ports.clock)
  const isAhead = (position: number, identity: string) =>
    identity === logIdentity && position > queueTo
  const note = (reason: string) => void notes.push(reason)
  const fromReplica = await copyOfReplica(
    findings,
    ports,
    (replica) => isAhead(replica.position, replica.logIdentity),
    progress,
    note,
  )
  const { image } = findings
  const reached = fromReplica?.state.position ?? queueTo
  const isImageAhead =
    image && isAhead(image.position, image.logIdentity) && image.position > reached
  const fromImage = isImageAhead ? await copyOfImage(findings, ports, progress, note) : undefined
  const copy = fromImage ?? fromReplica
  if (newest && newest.to > queueTo && newest.logIdentity === logIdentity)
    note(`the change queue does not lead on from ${queueTo} to its last window at ${newest.to}`)
  for (const replica of replicas)
    if (replica.logIdentity !== logIdentity)
      note(`${replica.role} ${replica.name} follows the log ${replica.logIdentity}`)
  const discarded =
    log &&
    (await contentsOf(
      ports.log,
      log,
      log.identity === logIdentity ? stored.position : 0,
      ports.clock,
      progress,
    ))
  const savedTo = copy?.state.position ?? queueTo
  return {
    ...kept,
    kind: 'log',
    queueTo,
    copy,
    savedTo,
    lastKnown: known,
    discarded,
    counted,
    after,
  }
}

/** @throws Refused when it is the store that is wrong */
function refuseIfSound(
  { logName, log, checkpoint, replicas, image }: Findings,
  names: RecoveryNames,
): void {
  if (!log) return
  const storeWay = `npx spacegrid recover --store --space ${logName}`
  const isContinued = (position: number, identity: string) =>
    identity === log.identity && position + 1 >= log.first && position <= log.last
  const follower = replicas.find((it) => isContinued(it.position, it.logIdentity))
  if (follower)
    throw new Refused(
      `the ${names.log(logName)} is in use: ${follower.role} ${follower.name} follows it, and is at ${follower.position}. It is ${names.store} that does not fit: ${storeWay}. (To give the log up all the same, stop the units and the pump first.)`,
    )
  const isOfStore = checkpoint?.logIdentity === log.identity
  if (image && isOfStore && isContinued(image.position, image.logIdentity))
    throw new Refused(
      `the ${names.log(logName)} continues the warm image, which is at ${image.position}. It is ${names.store} that does not fit: ${storeWay}`,
    )
}

/** The furthest position of the store's log that anything tells of. */
function knownOf({ checkpoint, log, newest, replicas, image }: Findings): LogPlan['lastKnown'] {
  const { logIdentity = '', position = 0 } = checkpoint ?? {}
  let last = { position, by: 'the store' }
  const tell = (identity: string | undefined, at: number, by: string) => {
    if (identity === logIdentity && at > last.position) last = { position: at, by }
  }
  tell(log?.identity, log?.last ?? 0, 'the log itself')
  tell(newest?.logIdentity, newest?.to ?? 0, 'the change queue')
  tell(image?.logIdentity, image?.position ?? 0, 'the warm image')
  for (const replica of replicas)
    tell(replica.logIdentity, replica.position, `${replica.role} ${replica.name}`)
  return last
}

/**
 * @throws Refused when the store is not what its checkpoint says: everybody would refuse to begin
 * with it
 */
async function countedOf(
  { logName }: Findings,
  { store }: RecoveryPorts,
  names: RecoveryNames,
  asItIs: boolean,
  progress: Progress,
): Promise<LogPlan['counted']> {
  const count = await countEntries(names.store, logName, store, progress)
  if (!count) throw new Refused(`${names.store} has changed while it was looked at`)
  const { digest, entries, told } = count
  if (count.isAsTold) return undefined
  if (asItIs) return { digest, entries }
  throw new Refused(
    `${names.store} is not what its checkpoint says: ${entries} entries with the digest ${digest}, not ${told.entries} with ${told.digest}. If a unit of the space still runs: npx spacegrid recover --store --space ${logName}. To go on with what is there: --as-it-is`,
  )
}

/**
 * Carries the plan out. May be interrupted at any point and begun anew: the log is made first, then
 * the store is moved onto it in one guarded step, so at each moment either the old checkpoint is
 * there, which no log continues, or the new one, which the new log does.
 * @throws GridError `stale_writer` when somebody else has moved the store meanwhile
 */
export async function carryOut(
  plan: LogPlan,
  ports: RecoveryPorts,
  progress: Progress,
): Promise<LogBounds> {
  const { findings, kind, after } = plan
  const { logName, log } = findings
  if (kind === 'queue') {
    await replaceQueue(ports, after)
    return log as LogBounds
  }
  await bringForward(plan, ports, progress)
  const stored = await ports.store.checkpoint(logName)
  if (stored?.position !== plan.savedTo) throw moved(logName)
  // A copy that was stored has put right what was wrong.
  const counted =
    plan.counted && !plan.copy
      ? await countEntries('the store', logName, ports.store, progress)
      : undefined
  const bounds = await ports.log.replace(log, after)
  await ports.store.apply(
    logName,
    plan.savedTo,
    continuing({ ...stored, ...counted }, after, bounds),
    [],
  )
  await replaceQueue(ports, after)
  return bounds
}

const moved = (logName: LogName) =>
  new GridError('stale_writer', `The store has moved ${logName} meanwhile: look again`)

/**
 * What the windows of the old log's queue could still bring has been brought; nobody may find them
 * before a new log's.
 */
async function replaceQueue({ changes }: RecoveryPorts, after: number): Promise<void> {
  await changes.replace(await changes.look(), after)
}

async function bringForward(
  { findings, copy, queueTo, stored }: LogPlan,
  { store, changes, clock }: RecoveryPorts,
  progress: Progress,
): Promise<void> {
  const { logName } = findings
  await walkQueue(findings, changes, clock, async (from, { checkpoint, changes: changed }) => {
    await store.apply(logName, from, checkpoint, changed)
    progress('storing the change queue', checkpoint.position)
  })
  if (!copy) return
  const { state } = await copyOfStore('the store', logName, store, changes, clock, progress)
  if (state.position !== queueTo) throw moved(logName)
  const changed: StoredChange[] = await differences(state, copy.state, clock)
  progress(`storing what ${copy.from} has more`, changed.length)
  await store.apply(logName, queueTo, checkpointOf(copy.state, stored.logIdentity), changed)
}

export const checkpointOf = (state: SpaceState, logIdentity: string): Checkpoint => ({
  position: state.position,
  logIdentity,
  digest: state.digest.toString(),
  entries: state.entryCount,
  replicated: encodeHeader(state.header()),
})

/** The same content, at the position from which the new log goes on. */
export function continuing(
  stored: Checkpoint,
  position: number,
  { identity }: LogBounds,
): Checkpoint {
  const { digest, entries } = stored
  const replicated = encodeHeader({ ...decodeHeader(stored.replicated), position })
  return { position, logIdentity: identity, digest, entries, replicated }
}
