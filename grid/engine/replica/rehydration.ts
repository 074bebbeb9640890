import { GridError, isGridError } from '../../core/errors.ts'
import type { LogName } from '../../core/log-name.ts'
import { clocksAgree } from '../../core/record-time.ts'
import { SpaceState } from '../../core/space-state.ts'
import { type Clock, sleep } from '../ports/clock.ts'
import type { Log, LogBounds, LogRecord } from '../ports/log.ts'
import type { Messaging } from '../ports/messaging.ts'
import { decodeFrame } from '../wire/frame-codec.ts'
import { decodeSnapshotChunk, restoreSnapshotChunk } from '../wire/snapshot-codec.ts'
import { subjects } from '../wire/subjects.ts'
import { readSnapshot, type Suspect } from './snapshot-service.ts'

export type RehydrationSource = 'peer' | 'reader' | 'store' | 'log'

export interface RehydrationProgress {
  readonly source: RehydrationSource
  readonly entries: number
}

export interface RehydrationOptions {
  readonly logName: LogName
  /**
   * Where to look, in this order. `reader`: whatever the data reader has that is nearest; `store`:
   * through it, but the store's own checkpoint; `log`: from its first position, if that is still
   * held.
   */
  readonly sources: readonly RehydrationSource[]
  /**
   * Longest wait for one answer. Default 5,000. For a piece that is read from the store three times
   * that, for a store may be busy; whether its reader has gone is known after a second.
   */
  readonly answerMs?: number
  /** Pause before all sources are asked again. Default 250. */
  readonly pauseMs?: number
  readonly signal: AbortSignal
  /**
   * The log that was followed before is gone, and another one stands in its place: it is begun with
   * only if the data reader says that nothing is stored, however long that takes. Default false.
   */
  readonly logReplaced?: boolean
  /**
   * Identity of the log that was followed before: any other one has taken its place, whatever it
   * was that ended the following.
   */
  readonly logFollowed?: string | undefined
  /** What was found wrong before: a peer that has the same gives no snapshot. */
  readonly suspect?: Suspect | undefined
  /**
   * Asked when the entries of a snapshot do not have the digest that came with it: do others vouch
   * for what the entries say? Then it was the account that was wrong, not the entries. Default:
   * nobody does.
   */
  readonly confirms?: (position: number, digest: string) => Promise<boolean>
  readonly progress?: (progress: RehydrationProgress) => void
  /** Told why a source could not be used. */
  readonly failed?: (source: RehydrationSource, error: Error) => void
}

export interface Rehydrated {
  readonly state: SpaceState
  /** Identity of the log that continues the state. */
  readonly logIdentity: string
  readonly source: RehydrationSource
  /** Time of the log's record at the state's position; undefined: the log does not hold it. */
  readonly timeSeen?: number | undefined
  /** How the copy went; undefined: there was nothing to copy. */
  readonly copied?: Copied
}

export interface Copied {
  readonly pieces: number
  readonly ms: number
  /** Of that for pieces, ms; the rest was restoring them, and whatever else the process did. */
  readonly waitedMs: number
}

/**
 * Brings an exact state of a space into memory: from a peer, from the data reader, or from the
 * whole log. Tries until one of them gives a state that the log continues, or the signal aborts.
 * @throws GridError `stopping` when aborted
 */
export async function rehydrate(
  log: Log,
  messaging: Messaging,
  clock: Clock,
  options: RehydrationOptions,
): Promise<Rehydrated> {
  const { sources, signal, pauseMs = 250, failed } = options
  let stored: StoredState = sources.some(isOfReader) ? 'unknown' : 'nothing'
  for (let round = 0; !signal.aborted; round++) {
    for (const source of sources) {
      try {
        const copy =
          source === 'log'
            ? await fromLog(log, options, stored, round)
            : await fromSnapshot(source, log, messaging, clock, options)
        return { ...copy, source }
      } catch (error) {
        if (!(error instanceof GridError)) throw error
        failed?.(source, error)
        if (isOfReader(source)) stored = latest(stored, storedState(error))
      }
      if (signal.aborted) break
    }
    await sleep(clock, pauseMs, signal)
  }
  throw new GridError('stopping', 'Rehydration was given up')
}

const isOfReader = (source: RehydrationSource): boolean => source === 'reader' || source === 'store'

/**
 * What the data reader's failure says about the store: nothing is stored, something is that cannot
 * be used, no answer; or it is damaged, and belongs to the log of this identity.
 */
type StoredState = 'nothing' | 'something' | 'unknown' | Damaged

interface Damaged {
  readonly logIdentity: string
  readonly position: number
}

function storedState(error: GridError): StoredState {
  if (error.code === 'not_found') return 'nothing'
  const { logIdentity, position } = error.details
  if (error.code === 'record_damaged' && typeof logIdentity === 'string')
    return { logIdentity, position: Number(position) }
  return error.code === 'no_responder' || error.code === 'request_timeout' ? 'unknown' : 'something'
}

/** A data reader that does not answer any more has taken nothing back of what it said. */
const latest = (known: StoredState, told: StoredState): StoredState =>
  known !== 'nothing' && told === 'unknown' ? known : told

/** A state, and the identity of the log that continues it. */
type Copy = Omit<Rehydrated, 'source'>

/**
 * Rounds in which a log is not believed to be all there is while no data reader has said that
 * nothing is stored.
 */
const unconfirmedRounds = 8

/**
 * The whole log, from its first position: exact, unless it is a new log in place of one that was
 * lost.
 */
async function fromLog(
  log: Log,
  { logName, logReplaced = false, logFollowed }: RehydrationOptions,
  stored: StoredState,
  round: number,
): Promise<Copy> {
  const { identity, first, last } = await log.bounds()
  const isAnother = logReplaced || (logFollowed !== undefined && logFollowed !== identity)
  if (first > 1)
    throw new GridError(
      'log_trimmed',
      `The log of ${logName} begins at ${first}: only a peer or the data reader has what came before${stored === 'nothing' ? '. The store holds nothing; if it had something: npx spacegrid recover --store' : ''}`,
    )
  // The log that a damaged store belongs to has everything that the store had, for it begins at the
  // beginning.
  if (typeof stored === 'object' && stored.logIdentity === identity && stored.position <= last)
    return { state: new SpaceState(), logIdentity: identity }
  if (stored === 'something' || typeof stored === 'object')
    throw new GridError(
      'log_replaced',
      `The store holds ${logName}, but its log does not continue what is stored`,
    )
  if (stored === 'unknown' && isAnother)
    throw new GridError(
      'log_replaced',
      `The log of ${logName} is another one than before; waiting for the data reader to say whether anything is stored`,
    )
  if (stored === 'unknown' && round < unconfirmedRounds)
    throw new GridError(
      'not_ready',
      `The log of ${logName} has ${last} records; waiting for the data reader to say whether anything is stored`,
    )
  return { state: new SpaceState(), logIdentity: identity }
}

const snapshotSubjects = {
  peer: subjects.snapshotFromPeer,
  reader: subjects.snapshotFromReader,
  store: subjects.snapshotFromStore,
} as const

async function fromSnapshot(
  source: keyof typeof snapshotSubjects,
  log: Log,
  messaging: Messaging,
  clock: Clock,
  options: RehydrationOptions,
): Promise<Copy> {
  const subject = snapshotSubjects[source](options.logName)
  const { state, copied } = await restore(source, messaging, clock, subject, options)
  const bounds = await log.bounds()
  checkContinues(state, bounds, options.logName)
  const record = await log.read(state.position)
  checkHistory(state, record, options.logName)
  return { state, logIdentity: bounds.identity, timeSeen: record?.time, copied }
}

/**
 * A peer opens a snapshot in memory, at once: if none has by then, all of them are frozen, and the
 * data reader is asked instead.
 */
const peerOpenMs = 1000
/** Of a copy that was given up all of it has to be read again, and nobody else may have one. */
const storedPieceShare = 3

async function restore(
  source: RehydrationSource,
  messaging: Messaging,
  clock: Clock,
  subject: string,
  { answerMs = 5000, signal, suspect, confirms, progress }: RehydrationOptions,
): Promise<{ readonly state: SpaceState; readonly copied: Copied }> {
  const state = SpaceState.toRestore()
  const begun = clock.monotonic()
  let [pieces, waitedMs, waitsSince] = [0, 0, begun]
  const patience = {
    openMs: source === 'peer' ? Math.min(peerOpenMs, answerMs) : answerMs,
    answerMs: source === 'peer' ? answerMs : answerMs * storedPieceShare,
  }
  for await (const data of readSnapshot(messaging, clock, subject, patience, suspect)) {
    if (signal.aborted) throw new GridError('stopping', 'Rehydration was given up')
    waitedMs += clock.monotonic() - waitsSince
    pieces++
    const chunk = decodeSnapshotChunk(data)
    restoreSnapshotChunk(state, chunk)
    progress?.({ source, entries: state.entryCount })
    waitsSince = clock.monotonic()
    if (!chunk.end) continue
    for (const _ of state.completeIndexes()) await new Promise<void>((next) => clock.soon(next))
    const digest = state.digest.toString()
    if (digest === chunk.end.digest || (await confirms?.(state.position, digest)))
      return { state, copied: { pieces, waitedMs, ms: clock.monotonic() - begun } }
    throw new GridError(
      'diverged',
      `The snapshot's digest is ${chunk.end.digest}, the copy's is ${digest}`,
    )
  }
  throw new GridError('internal', 'The snapshot ended without its last piece')
}

/**
 * The log must hold the position after the state's, and must not end before it: then it is another
 * log.
 */
function checkContinues(state: SpaceState, { first, last }: LogBounds, logName: LogName): void {
  if (state.position + 1 < first)
    throw new GridError(
      'log_trimmed',
      `The log of ${logName} begins at ${first}, the snapshot ends at ${state.position}`,
    )
  if (state.position > last)
    throw new GridError(
      'log_replaced',
      `The log of ${logName} ends at ${last}, before the snapshot's position ${state.position}`,
    )
}

/**
 * A log that came back without its last records (a power failure, and a disk that had not been told
 * to keep them) gives their positions away again. What then stands at the state's position is
 * younger than anything the state has seen.
 */
function checkHistory(state: SpaceState, record: LogRecord | undefined, logName: LogName): void {
  if (record && isYounger(record, state))
    throw new GridError(
      'log_replaced',
      `The log of ${logName} has another record at ${state.position} than the snapshot has seen`,
    )
}

/**
 * What cannot be read tells no time, and neither does a record whose clocks do not agree: if it was
 * ignored, it moved nothing.
 */
function isYounger({ data, time }: LogRecord, state: SpaceState): boolean {
  try {
    return time > state.time && clocksAgree(decodeFrame(data), time)
  } catch (error) {
    if (isGridError(error)) return false
    throw error
  }
}
