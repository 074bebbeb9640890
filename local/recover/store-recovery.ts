import { encodeEntry } from '@spacegrid/grid/adapters/embedded/entry-codec'
import { fingerprintOf } from '@spacegrid/grid/audit/fingerprint'
import { isGridError } from '@spacegrid/grid/errors'
import type { Random } from '@spacegrid/grid/ports/random'
import type {
  Checkpoint,
  RebuildableStore,
  StoredChange,
  StoredEntry,
} from '@spacegrid/grid/ports/store'
import { encodeHeader } from '@spacegrid/grid/records/snapshot-codec'
import type { SpaceState } from '@spacegrid/grid/space/space-state'
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
import { checkpointOf } from './log-recovery.ts'
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

/** A copy that can be brought along the log, which may be trimmed meanwhile: what comes behind the copy is read from the first moment on. */
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

/** In the checkpoint of a store that is being written anew: it belongs to no log, so nobody begins with it or goes on from it. */
export const writtenAnew = 'none: it is being written anew by npm run recover'

/** The log may have been trimmed beyond a copy before it could be followed. */
const attemptsMax = 3
const followMsMax = 30_000
const stepEntriesMax = 2000
const stepBytesMax = 8 * 1024 * 1024
const differencesShown = 5

/**
 * Finds somebody who has an exact copy of the space, and whether the store has anything else. A unit or pump that runs comes first, for it has
 * proved itself against the others all the time.
 * @throws Refused when the store is sound, or nobody has a copy that the log continues
 */
export async function planStore(
  findings: Findings,
  ports: RecoveryPorts,
  names: RecoveryNames,
  { discardStored, progress }: StorePlanOptions,
): Promise<StorePlan> {
  const { space, log } = findings
  const notes: string[] = []
  const copy = await findFollowed(findings, ports, progress, (reason) => void notes.push(reason))
  if (!copy)
    throw new Refused(
      [
        `Nobody has a copy of ${space} that could be written to ${names.store}: no unit or pump runs that has one, ${log && log.first > 1 ? `the log begins at ${log.first}` : 'there is no log'}, and there is no warm image that the log continues. Start the units if they can still be started; else restore a backup`,
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
  for (let attempt = 1; ; attempt++) {
    const copy = await findCopy(findings, ports, progress, note)
    if (!copy) return undefined
    const { position } = copy.state
    if (findings.log?.identity !== copy.logIdentity) return { ...copy, ...unfollowed(position) }
    const log = await ports.log.open()
    const reference = new ReferenceState(copy.state, log, ports.clock)
    const close = async () => {
      await reference.stop()
      await log.close()
    }
    const last = async () => (await log.bounds()).last
    const follow = (to: number) => reference.advance(to, followMsMax)
    try {
      await follow(await last())
      return { ...copy, follow, last, close }
    } catch (error) {
      await close()
      if (!isGridError(error, 'log_trimmed') || attempt === attemptsMax) throw error
    }
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
  // Without a log those that are left of it decide: they are at their ends, and cannot have gone on with another one.
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

/** @throws Refused when what is stored is sound, and the copy is of another history or an earlier one */
async function refuseIfSound(
  { space, checkpoint, fault }: Findings,
  { state, from, logIdentity }: ExactCopy,
  { store }: RecoveryPorts,
  names: RecoveryNames,
  progress: Progress,
): Promise<void> {
  if (!checkpoint || checkpoint.position <= 0 || fault === undefined) return
  const { position } = checkpoint
  if (checkpoint.logIdentity === logIdentity && position < state.position) return
  const count = await countEntries(names.store, space, store, progress).catch(() => undefined)
  if (!count?.isAsTold) return
  throw new Refused(
    `${names.store} is sound, at ${position} of the log ${checkpoint.logIdentity}; ${from} is at ${state.position} of ${logIdentity}, and does not have what is stored. If that log was lost: npm run recover -- --from mongodb --space ${space}. If it is what is stored that has to go: --discard-stored`,
  )
}

/** @throws Refused when nothing is wrong */
async function faultOf(
  { space, checkpoint, log, fault }: Findings,
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
    const stored = await storedCopy(space, right.position, ports, names, progress)
    state = stored.state
    const counted = state.digest.toString()
    if (counted !== stored.digest)
      return {
        fault: `its entries count to the digest ${counted}, its checkpoint says ${stored.digest}`,
        behind,
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

/** Where the copy is, if a writer still moves it; else wherever it is. */
async function storedCopy(
  space: string,
  notBefore: number,
  { store, changes, clock }: RecoveryPorts,
  names: RecoveryNames,
  progress: Progress,
): Promise<AuditedCopy> {
  const read = (from: number) =>
    copyOfStore(names.store, space, store, changes, clock, progress, from)
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

/**
 * Writes the store anew. The first step takes it away from everybody: its checkpoint belongs to no log and has a position of this run's own, so no
 * writer's step begins there, also not another run's. The last step is the real checkpoint, after everything has been read again. Returns the entries
 * whose values the store gives back otherwise.
 * @throws Refused when what was written is not what was to be written; the store is left as being written anew
 */
export async function rewriteStore(
  { findings, copy }: StorePlan,
  { store, random }: RecoveryPorts,
  progress: Progress,
): Promise<readonly string[]> {
  const { space } = findings
  const { state, logIdentity } = copy
  let at = startOf(random)
  const header = encodeHeader(state.header())
  const building = (position: number): Checkpoint => ({
    ...{ position, logIdentity: writtenAnew, digest: '', entries: 0, replicated: header },
  })
  await store.beginAnew(space, building(at))
  // From here on nobody moves the store, and nobody trims the log beyond where it was.
  await copy.follow(await copy.last())
  let written = 0
  for (const entries of stepsOf(state)) {
    await store.apply(space, at, building(at - 1), entries)
    at--
    written += entries.length
    progress('writing', written)
  }
  const different = await readAgain(space, state, store, progress)
  await store.apply(space, at, checkpointOf(state, logIdentity), [])
  return different
}

const startOf = (random: Random): number => -1 - (random.integer() % 2 ** 48)

function* stepsOf(state: SpaceState): Generator<StoredChange[]> {
  let step: StoredChange[] = []
  let bytes = 0
  for (const { number, name: cache } of state.layout.caches)
    for (const { key, value, version, position } of state.cache(number).entries.values()) {
      const entry = { cache, key, value, version, position }
      step.push(entry)
      bytes += encodeEntry(entry).byteLength
      if (step.length < stepEntriesMax && bytes < stepBytesMax) continue
      yield step
      step = []
      bytes = 0
    }
  if (step.length > 0) yield step
}

async function readAgain(
  space: string,
  state: SpaceState,
  store: RebuildableStore,
  progress: Progress,
): Promise<string[]> {
  const scan = await store.scan(space)
  const different: string[] = []
  let count = 0
  try {
    for await (const entries of scan?.chunks() ?? [])
      for (const entry of entries) {
        if (!isIn(state, entry)) throw notWritten(`${entry.cache} ${JSON.stringify(entry.key)}`)
        if (!hasSameValue(state, entry))
          different.push(`${entry.cache} ${JSON.stringify(entry.key)}`)
        if (++count % stepEntriesMax === 0) progress('reading it again', count)
      }
  } finally {
    await scan?.close()
  }
  if (count !== state.entryCount) throw notWritten(`${count} of ${state.entryCount} entries`)
  return different
}

const found = (state: SpaceState, { cache, key }: StoredEntry) =>
  state.find(state.layout.named(cache)?.number ?? 0, key)

const isIn = (state: SpaceState, entry: StoredEntry): boolean => {
  const right = found(state, entry)
  return right?.version === entry.version && right.position === entry.position
}

const hasSameValue = (state: SpaceState, entry: StoredEntry): boolean => {
  const right = found(state, entry)
  return (
    right !== undefined &&
    fingerprintOf(right.version, right.value) === fingerprintOf(entry.version, entry.value)
  )
}

const notWritten = (what: string) =>
  new Refused(
    `The store gives back something else than was written (${what}); nobody reads it until it is written anew: run this again`,
  )
