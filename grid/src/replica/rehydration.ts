import { GridError } from '../errors.ts'
import { type Clock, sleep } from '../ports/clock.ts'
import type { Log, LogBounds } from '../ports/log.ts'
import type { Messaging } from '../ports/messaging.ts'
import { applySnapshotChunk, decodeSnapshotChunk } from '../records/snapshot-codec.ts'
import { subjects } from '../records/subjects.ts'
import { SpaceState } from '../space/space-state.ts'
import { readSnapshot } from './snapshot-service.ts'

export type RehydrationSource = 'peer' | 'reader' | 'store' | 'log'

export interface RehydrationProgress {
  readonly source: RehydrationSource
  readonly entries: number
}

export interface RehydrationOptions {
  readonly space: string
  /**
   * Where to look, in this order. `reader`: whatever the data reader has that is nearest; `store`: through it, but the store's own checkpoint;
   * `log`: from its first position, if that is still held.
   */
  readonly sources: readonly RehydrationSource[]
  /** Longest wait for one answer. Default 5,000. */
  readonly answerMs?: number
  /** Pause before all sources are asked again. Default 250. */
  readonly pauseMs?: number
  readonly signal: AbortSignal
  readonly progress?: (progress: RehydrationProgress) => void
  /** Told why a source could not be used. */
  readonly failed?: (source: RehydrationSource, error: Error) => void
}

export interface Rehydrated {
  readonly state: SpaceState
  readonly source: RehydrationSource
}

/**
 * Brings an exact state of a space into memory: from a peer, from the data reader, or from the whole log. Tries until one of them gives a
 * state that the log continues, or the signal aborts.
 * @throws GridError `stopping` when aborted
 */
export async function rehydrate(
  log: Log,
  messaging: Messaging,
  clock: Clock,
  options: RehydrationOptions,
): Promise<Rehydrated> {
  const { sources, signal, pauseMs = 250, failed } = options
  for (let round = 0; !signal.aborted; round++) {
    let stored: StoredState = sources.some(isOfReader) ? 'unknown' : 'nothing'
    for (const source of sources) {
      try {
        const state =
          source === 'log'
            ? await fromLog(log, options.space, stored, round)
            : await fromSnapshot(source, log, messaging, options)
        return { state, source }
      } catch (error) {
        if (!(error instanceof GridError)) throw error
        failed?.(source, error)
        if (isOfReader(source)) stored = storedState(error)
      }
      if (signal.aborted) break
    }
    await sleep(clock, pauseMs, signal)
  }
  throw new GridError('stopping', 'Rehydration was given up')
}

const isOfReader = (source: RehydrationSource): boolean => source === 'reader' || source === 'store'

/** What the data reader's failure says about the store: nothing is stored, something is that cannot be used, or no answer. */
type StoredState = 'nothing' | 'something' | 'unknown'

function storedState(error: GridError): StoredState {
  if (error.code === 'not_found') return 'nothing'
  return error.code === 'no_responder' || error.code === 'request_timeout' ? 'unknown' : 'something'
}

/** Rounds in which an empty log is not believed while no data reader has said that the store is empty too. */
const emptyLogRounds = 8

/** The whole log, from its first position: exact, unless it is a new log in place of one that was lost. */
async function fromLog(
  log: Log,
  space: string,
  stored: StoredState,
  round: number,
): Promise<SpaceState> {
  const { first, last } = await log.bounds()
  if (first > 1)
    throw new GridError(
      'log_trimmed',
      `The log of ${space} begins at ${first}: only a peer or the data reader has what came before`,
    )
  if (stored === 'something')
    throw new GridError(
      'log_replaced',
      `The store holds ${space}, but its log does not continue what is stored`,
    )
  if (stored === 'unknown' && last === 0 && round < emptyLogRounds)
    throw new GridError(
      'not_ready',
      `The log of ${space} is empty; waiting for the data reader to say whether anything is stored`,
    )
  return new SpaceState()
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
  options: RehydrationOptions,
): Promise<SpaceState> {
  const subject = snapshotSubjects[source](options.space)
  const state = await copy(source, messaging, subject, options)
  checkContinues(state, await log.bounds(), options.space)
  return state
}

async function copy(
  source: RehydrationSource,
  messaging: Messaging,
  subject: string,
  { answerMs = 5000, signal, progress }: RehydrationOptions,
): Promise<SpaceState> {
  const state = new SpaceState()
  for await (const data of readSnapshot(messaging, subject, answerMs)) {
    if (signal.aborted) throw new GridError('stopping', 'Rehydration was given up')
    const last = applySnapshotChunk(state, decodeSnapshotChunk(data))
    progress?.({ source, entries: state.entryCount })
    if (last) return state
  }
  throw new GridError('internal', 'The snapshot ended without its last piece')
}

/** The log must hold the position after the state's, and must not end before it: then it is another log. */
function checkContinues(state: SpaceState, { first, last }: LogBounds, space: string): void {
  if (state.position + 1 < first)
    throw new GridError(
      'log_trimmed',
      `The log of ${space} begins at ${first}, the snapshot ends at ${state.position}`,
    )
  if (state.position > last)
    throw new GridError(
      'log_replaced',
      `The log of ${space} ends at ${last}, before the snapshot's position ${state.position}`,
    )
}
