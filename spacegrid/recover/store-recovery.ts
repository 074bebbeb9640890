import { isGridError } from '@spacegrid/grid/core/errors'
import type { LogName } from '@spacegrid/grid/core/log-name'
import type { SpaceState } from '@spacegrid/grid/core/space-state'
import type { Clock } from '@spacegrid/grid/engine/ports/clock'
import type { Log } from '@spacegrid/grid/engine/ports/log'
import type { AuditedCopy } from '../audit/audited-copy.ts'
import { ReferenceState } from '../audit/reference-state.ts'
import { compareStates, type StateComparison } from '../audit/state-comparison.ts'
import { countEntries } from './entry-count.ts'
import {
  advance,
  copyOfImage,
  copyOfLog,
  copyOfReplica,
  copyOfStore,
  type ExactCopy,
  type Progress,
} from './exact-copies.ts'
import type { Findings } from './findings.ts'
import type { RecoveryNames, RecoveryPorts } from './recovery-grid.ts'
import { Refused } from './refused.ts'

/** What a store will be written anew from, and what is wrong with it. */
export interface StorePlan {
  readonly findings: Findings
  readonly copy: FollowedCopy
  /** What is wrong with the store. */
  readonly fault: string
  /** The log that continues what will be written is there. */
  readonly isContinued: boolean
  /** Positions that the store is ahead of the copy: what only it has goes. */
  readonly behind: number
  readonly notes: readonly string[]
}

/**
 * A copy that can be brought along the log, which may be trimmed meanwhile: what comes behind the
 * copy is read from the first moment on.
 */
export interface FollowedCopy extends ExactCopy {
  /** Brings the state to a position, if there is a log. */
  readonly follow: (position: number) => Promise<void>
  readonly last: () => Promise<number>
  readonly close: () => Promise<void>
}

export interface StorePlanOptions {
  /** What is stored goes, even if it is sound and only does not belong to the copy's log. */
  readonly discardStored: boolean
  readonly progress: Progress
}

/**
 * The log may have been trimmed beyond a copy before it could be followed. Where it is trimmed at
 * once and much is written, that is so more often than not.
 */
const attemptsMax = 20
const followMsMax = 30_000
const differencesShown = 5

/**
 * Finds somebody who has an exact copy of the space, and whether the store has anything else. A
 * unit or pump that runs comes first, for it has proved itself against the others all the time.
 * @throws Refused when the store is sound, or nobody has a copy that the log continues
 */
export async function planStore(
  findings: Findings,
  ports: RecoveryPorts,
  names: RecoveryNames,
  options: StorePlanOptions,
): Promise<StorePlan> {
  for (let attempt = 1; ; attempt++)
    try {
      return await planOnce(findings, ports, names, options)
    } catch (error) {
      // What is persisted leaves the log while copies are read: the next ones begin later.
      if (!isGridError(error, 'log_trimmed') || attempt === attemptsMax) throw error
    }
}

async function planOnce(
  findings: Findings,
  ports: RecoveryPorts,
  names: RecoveryNames,
  { discardStored, progress }: StorePlanOptions,
): Promise<StorePlan> {
  const { logName, log } = findings
  const notes: string[] = []
  const copy = await findFollowed(findings, ports, progress, (reason) => void notes.push(reason))
  if (!copy)
    throw new Refused(
      [
        `Nobody has a copy of ${logName} that could be written to ${names.store}: no unit or pump runs that has one, ${log && log.first > 1 ? `the log begins at ${log.first}` : 'there is no log'}, and there is no warm image that the log continues. Start the units if they can still be started; else restore a backup`,
        ...notes,
      ].join('\n  '),
    )
  try {
    if (!discardStored) await refuseIfSound(findings, copy, ports, names, progress)
    const { fault, behind } = await faultOf(findings, copy, ports, names, progress)
    const isContinued = log?.identity === copy.logIdentity
    return { findings, copy, fault, behind, isContinued, notes }
  } catch (error) {
    await copy.close()
    throw error
  }
}

async function findFollowed(
  findings: Findings,
  ports: RecoveryPorts,
  progress: Progress,
  note: (reason: string) => void,
): Promise<FollowedCopy | undefined> {
  // Before the copy: between its position and the moment from which on the log is followed nothing
  // shall take time, for it may be trimmed meanwhile.
  const log = findings.log && (await ports.log.open())
  let copy: ExactCopy | undefined
  try {
    copy = await findCopy(findings, ports, progress, note)
    if (copy && log && copy.logIdentity === findings.log?.identity)
      return await following(copy, log, ports.clock)
  } catch (error) {
    await log?.close()
    throw error
  }
  await log?.close()
  return copy && { ...copy, ...unfollowed(copy.state.position) }
}

/** Follows the log from a copy on, to where the log ends by now. */
async function following(copy: ExactCopy, log: Log, clock: Clock): Promise<FollowedCopy> {
  const reference = new ReferenceState(copy.state, log, clock)
  const last = async () => (await log.bounds()).last
  const follow = (to: number) => reference.advance(to, followMsMax)
  const close = async () => {
    await reference.stop()
    await log.close()
  }
  try {
    await follow(await last())
    return { ...copy, follow, last, close }
  } catch (error) {
    await reference.stop()
    throw error
  }
}

/** Without a log there is nothing behind a copy. */
const unfollowed = (position: number) => ({
  follow: async () => undefined,
  last: async () => position,
  close: async () => undefined,
})

async function findCopy(
  findings: Findings,
  ports: RecoveryPorts,
  progress: Progress,
  note: (reason: string) => void,
): Promise<ExactCopy | undefined> {
  const { log, replicas, image } = findings
  // Without a log those that are left of it decide: they are at their ends, and cannot have gone on
  // with another one.
  const identity = log?.identity ?? replicas[0]?.logIdentity
  const replica = await copyOfReplica(
    findings,
    ports,
    ({ logIdentity }) => logIdentity === identity,
    progress,
    note,
  )
  if (replica) return replica
  const isUsable =
    image !== undefined &&
    (log === undefined || (image.logIdentity === log.identity && image.position + 1 >= log.first))
  if (image && !isUsable) note('the log does not continue the warm image')
  const fromImage = isUsable ? await copyOfImage(findings, ports, progress, note) : undefined
  return fromImage ?? (await copyOfLog(findings, ports.log, progress))
}

/**
 * @throws Refused when what is stored is sound, and the copy is of another history or an earlier
 * one
 */
async function refuseIfSound(
  { logName, checkpoint, fault }: Findings,
  { state, from, logIdentity }: ExactCopy,
  { store }: RecoveryPorts,
  names: RecoveryNames,
  progress: Progress,
): Promise<void> {
  if (!checkpoint || checkpoint.position <= 0 || fault === undefined) return
  const { position } = checkpoint
  if (checkpoint.logIdentity === logIdentity && position < state.position) return
  const count = await countEntries(names.store, logName, store, progress).catch(() => undefined)
  if (!count?.isAsTold) return
  throw new Refused(
    `${names.store} is sound, at ${position} of the log ${checkpoint.logIdentity}; ${from} is at ${state.position} of ${logIdentity}, and does not have what is stored. If that log was lost: npx spacegrid recover --from mongodb --space ${logName}. If it is what is stored that has to go: --discard-stored`,
  )
}

/** @throws Refused when nothing is wrong */
async function faultOf(
  { logName, checkpoint, log, fault }: Findings,
  copy: FollowedCopy,
  ports: RecoveryPorts,
  names: RecoveryNames,
  progress: Progress,
): Promise<Pick<StorePlan, 'fault' | 'behind'>> {
  if (!checkpoint) return { fault: 'it holds nothing of the space', behind: 0 }
  const { state: right, from, logIdentity } = copy
  const isSameLog = checkpoint.logIdentity === logIdentity
  const behind = isSameLog ? Math.max(0, checkpoint.position - right.position) : 0
  if (fault !== undefined && log) return { fault, behind }
  let state: SpaceState
  try {
    const stored = await storedCopy(logName, right.position, ports, names, progress)
    state = stored.state
    const counted = state.digest.toString()
    if (counted !== stored.digest) {
      const differing = isSameLog && log ? await namesOf(state, copy, ports, progress) : ''
      return {
        fault: `its entries count to the digest ${counted}, its checkpoint says ${stored.digest}${differing}`,
        behind,
      }
    }
  } catch (error) {
    // Whatever it is that cannot be read: it is no copy of the space.
    return { fault: `it cannot be read: ${(error as Error).message}`, behind }
  }
  if (!log && state.position !== right.position)
    return { fault: `it is at ${state.position}, ${from} is at ${right.position}`, behind }
  await bringTogether(state, copy, ports, progress)
  const comparison = await compareStates(right, state, ports.clock, differencesShown)
  if (comparison.differenceCount === 0 && comparison.headerDifferences.length === 0)
    throw new Refused(
      `nothing to recover: ${names.store} holds what ${from} has, entry by entry, at position ${state.position}`,
    )
  return { fault: differencesText(comparison), behind: 0 }
}

/** Entries that are damaged are not read at all, so they too are among what differs. */
async function namesOf(
  state: SpaceState,
  copy: FollowedCopy,
  ports: RecoveryPorts,
  progress: Progress,
): Promise<string> {
  await bringTogether(state, copy, ports, progress)
  const comparison = await compareStates(copy.state, state, ports.clock, differencesShown)
  return comparison.differenceCount > 0 ? `; ${differencesText(comparison)}` : ''
}

/** Where the copy is, if a writer still moves it; else wherever it is. */
async function storedCopy(
  logName: LogName,
  notBefore: number,
  { store, changes, clock }: RecoveryPorts,
  names: RecoveryNames,
  progress: Progress,
): Promise<AuditedCopy> {
  const read = (from: number) =>
    copyOfStore(names.store, logName, store, changes, clock, progress, from)
  try {
    return await read(notBefore)
  } catch (error) {
    if (!isGridError(error, 'not_ready')) throw error
    return await read(0)
  }
}

/** Either may be further on. */
async function bringTogether(
  state: SpaceState,
  copy: FollowedCopy,
  { log }: RecoveryPorts,
  progress: Progress,
): Promise<void> {
  await copy.follow(state.position)
  const { position } = copy.state
  if (state.position >= position) return
  const opened = await log.open()
  try {
    await advance(state, opened, position, progress)
  } finally {
    await opened.close()
  }
}

function differencesText({
  differences,
  differenceCount,
  headerDifferences,
}: StateComparison): string {
  const shown = differences.map(
    ({ cache, key, kind }) => `${cache} ${JSON.stringify(key)} (${kind})`,
  )
  const more = differenceCount > shown.length ? ` and ${differenceCount - shown.length} more` : ''
  const header = headerDifferences.map((part) => `its ${part}`)
  return `it differs: ${[...header, ...shown].join(', ')}${more}`
}
