import { GridError, isGridError } from '@spacegrid/grid/core/errors'
import type { LogName } from '@spacegrid/grid/core/log-name'
import { SpaceState } from '@spacegrid/grid/core/space-state'
import type { Clock } from '@spacegrid/grid/engine/ports/clock'
import type { Log } from '@spacegrid/grid/engine/ports/log'
import type { LogPlace } from '@spacegrid/grid/engine/ports/log-place'
import type { Store } from '@spacegrid/grid/engine/ports/store'
import { Replica } from '@spacegrid/grid/engine/replica/replica'
import { type AuditedCopy, replicaHolder, storeHolder } from '../audit/audited-copy.ts'
import type { Findings } from './findings.ts'
import type { RecoveryPorts } from './recovery-grid.ts'
import { digestsOf, type HeardReplica } from './replicas-heard.ts'

/** Told while something takes long. */
export type Progress = (what: string, count: number) => void

/** All of a space at a position of a log, from somebody who has proved to have it. */
export interface ExactCopy {
  /** Who had it, for people. */
  readonly from: string
  readonly state: SpaceState
  readonly logIdentity: string
}

/** Whoever is busy is waited for this long. */
const waitMs = 5000
const progressMs = 200

/**
 * What a unit or a pump that runs has in memory: of those that follow this log the one that is
 * furthest on, unless the others at its position have something else. `note` is told why one was
 * passed over.
 */
export async function copyOfReplica(
  { logName, replicas }: Findings,
  { messaging, clock }: RecoveryPorts,
  isWanted: (replica: HeardReplica) => boolean,
  progress: Progress,
  note: (reason: string) => void,
): Promise<ExactCopy | undefined> {
  for (const replica of replicas.filter(isWanted)) {
    if (!messaging) return undefined
    const name = `${replica.role} ${replica.name}`
    try {
      const holder = replicaHolder(messaging, clock, replica, { logName, waitMs })
      const copy = await holder.read(0, (entries) => progress(`reading ${name}`, entries))
      const state = verified(copy)
      const told = await digestsOf(logName, replica.logIdentity, state.position, messaging, clock)
      const others = [...told].filter(([other]) => other !== name)
      const against = others.filter(([, digest]) => digest !== copy.digest)
      if (2 * against.length > others.length)
        throw new Error(`${against.map(([other]) => other).join(' and ')} differ from it`)
      return { from: name, state, logIdentity: replica.logIdentity }
    } catch (error) {
      note(`${name} was not used: ${(error as Error).message}`)
    }
  }
  return undefined
}

/** What is in Redis, if its entries count to what its checkpoint says. */
export async function copyOfImage(
  { logName, image: found }: Findings,
  { image, changes, clock }: RecoveryPorts,
  progress: Progress,
  note: (reason: string) => void,
): Promise<ExactCopy | undefined> {
  if (!image || !found) return undefined
  try {
    const copy = await copyOfStore('the warm image', logName, image, changes, clock, progress)
    return { from: 'the warm image', state: verified(copy), logIdentity: found.logIdentity }
  } catch (error) {
    note(`the warm image was not used: ${(error as Error).message}`)
    return undefined
  }
}

/** Everything that has ever happened, melded anew: for a log that was never trimmed. */
export async function copyOfLog(
  { log: bounds }: Findings,
  place: LogPlace,
  progress: Progress,
): Promise<ExactCopy | undefined> {
  if (!bounds || bounds.first > 1 || bounds.last === 0) return undefined
  const log = await place.open()
  try {
    const state = new SpaceState()
    await advance(state, log, bounds.last, progress)
    return { from: 'the log from its beginning', state, logIdentity: bounds.identity }
  } finally {
    await log.close()
  }
}

/**
 * What a store, or the image, holds: at `notBefore` or later, which is waited for a while. Its
 * digest is not looked at.
 */
export async function copyOfStore(
  name: string,
  logName: LogName,
  store: Store,
  changes: LogPlace,
  clock: Clock,
  progress: Progress,
  notBefore = 0,
): Promise<AuditedCopy> {
  const queue = (await changes.look()) ? await changes.open() : undefined
  try {
    const ports = { store, changes: queue ?? noQueue, clock }
    const holder = storeHolder(name, 'store', ports, { logName, waitMs })
    return await holder.read(notBefore, (entries) => progress(`reading ${name}`, entries))
  } finally {
    await queue?.close()
  }
}

/** Melds the log's records up to a position. */
export async function advance(
  state: SpaceState,
  log: Log,
  position: number,
  progress: Progress,
): Promise<void> {
  const replica = new Replica(log, state)
  const broken = new AbortController()
  replica.listen({ broken: () => broken.abort() })
  const telling = setInterval(() => progress('melding the log', state.position), progressMs)
  try {
    replica.start()
    if (!(await replica.reach(position, broken.signal))) {
      if (isGridError(replica.failure, 'log_trimmed')) throw replica.failure
      throw new GridError('log_unavailable', `The log cannot be melded to ${position}`, {
        cause: replica.failure,
      })
    }
  } finally {
    clearInterval(telling)
    await replica.stop()
  }
}

function verified({ state, digest }: AuditedCopy): SpaceState {
  const counted = state.digest.toString()
  if (counted === digest) return state
  throw new Error(
    `it says that it has the digest ${digest}, its entries count to ${counted} at position ${state.position}`,
  )
}

const gone = (): never => {
  throw new GridError('log_unavailable', 'There is no change queue')
}

/** In the place of a change queue that has been lost: an exact scan never asks it for anything. */
const noQueue: Log = {
  recordBytesMax: 0,
  append: gone,
  tail: gone,
  bounds: async () => gone(),
  read: async () => gone(),
  trim: async () => gone(),
  close: async () => undefined,
}
