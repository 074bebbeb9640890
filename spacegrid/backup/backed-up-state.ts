import { GridError } from '@spacegrid/grid/core/errors'
import { SpaceState } from '@spacegrid/grid/core/space-state'
import { KeptSnapshots } from '@spacegrid/grid/engine/past/kept-snapshots'
import type { Clock } from '@spacegrid/grid/engine/ports/clock'
import type { StoredChange, StoredEntry } from '@spacegrid/grid/engine/ports/store'
import { stoppedText } from '@spacegrid/grid/engine/replica/record-reader'
import { Replica, type ReplicaListener } from '@spacegrid/grid/engine/replica/replica'
import { decodeSnapshotChunk } from '@spacegrid/grid/engine/wire/snapshot-codec'
import type { Progress } from '../recover/exact-copies.ts'
import { openArchive, openRecords, openSnapshots } from './backup-files.ts'
import type { BackupBase, BackupRun } from './manifest.ts'
import type { RecordFile } from './record-file.ts'

/** A space, or a partition, as it was at a position. */
export interface BackedUpState {
  readonly state: SpaceState
  /** Positions at which somebody had said what it was, and it was that. */
  readonly proved: readonly number[]
  /** What had left memory there, in pieces. */
  archived(): AsyncIterable<StoredChange[]>
}

const progressEvery = 1000

/** From where a state is made: the newest that is exact at its position, or the log's beginning. */
const baseOf = ({ bases }: BackupRun, position: number): BackupBase | undefined =>
  bases.findLast((base) => exactFrom(base) <= position)

const exactFrom = ({ position, archive }: BackupBase): number =>
  Math.max(position, archive?.until ?? 0)

/** The first position of a run that can be made; undefined: none can. */
export function reachOf({ first, last, bases }: BackupRun): number | undefined {
  if (first === 1) return 0
  const positions = bases.map(exactFrom).filter((position) => position <= last)
  return positions.length > 0 ? Math.min(...positions) : undefined
}

/**
 * Makes the state at a position again: a snapshot of the backup, and its log melded from there on,
 * which gives what every replica had (architecture.md, invariant 1). Takes as much memory as a unit
 * does for the log.
 * @throws GridError `record_damaged`; `diverged`: it is not what was said of it;
 * `position_out_of_reach`
 */
export async function stateAt(
  folder: string,
  run: BackupRun,
  position: number,
  clock: Clock,
  progress: Progress,
): Promise<BackedUpState> {
  const base = baseOf(run, position)
  const reach = reachOf(run)
  if (position > run.last || reach === undefined || position < reach)
    throw new GridError(
      'position_out_of_reach',
      `${run.log} can be made as of positions ${reach ?? '-'} to ${run.last} of this backup, not as of ${position}`,
    )
  const log = openRecords(folder, run, clock)
  try {
    const state = base ? await restored(folder, run, base, clock) : new SpaceState()
    const since = new ArchiveSince(state)
    const proofs = new Proofs(run, state)
    proofs.look()
    await meldOn(state, log, position, progress, {
      changed: since.listener.changed,
      melded: () => proofs.look(),
    })
    return {
      state,
      proved: proofs.found,
      archived: () => archivedOf(folder, base, since, clock),
    }
  } finally {
    await log.close()
  }
}

async function restored(
  folder: string,
  run: BackupRun,
  base: BackupBase,
  clock: Clock,
): Promise<SpaceState> {
  const file = openSnapshots(folder, run, clock)
  try {
    const snapshots = new KeptSnapshots(file)
    const { kept } = await snapshots.list()
    const found = kept.find((it) => it.position === base.position)
    if (found) return await snapshots.restore(found, clock)
    throw new GridError(
      'record_damaged',
      `${run.snapshots.file} has no snapshot of position ${base.position}`,
    )
  } finally {
    await file.close()
  }
}

/** Melds the records of a log up to a position, and not one more. */
export async function meldOn(
  state: SpaceState,
  log: RecordFile,
  position: number,
  progress: Progress,
  listener: ReplicaListener,
): Promise<void> {
  if (state.position >= position) return
  const replica = new Replica(log, state)
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  replica.listen({
    ...listener,
    melded: (...melded) => {
      try {
        listener.melded?.(...melded)
      } catch (error) {
        void replica.stop()
        reject(error)
        return
      }
      if (state.position % progressEvery === 0) progress('melding the log', state.position)
      if (state.position < position) return
      void replica.stop()
      resolve()
    },
    stopped: (record) =>
      reject(new GridError('format_unsupported', stoppedText(record), { cause: record.cause })),
    broken: reject,
  })
  try {
    replica.start()
    await promise
  } finally {
    await replica.stop()
  }
}

/** Compares a state with what others have said of it, wherever it comes to such a position. */
class Proofs {
  readonly found: number[] = []
  readonly #said: ReadonlyMap<number, BackupRun['prints']>
  readonly #state: SpaceState
  readonly #log: string

  constructor({ log, prints }: BackupRun, state: SpaceState) {
    this.#log = log
    this.#state = state
    this.#said = Map.groupBy(prints, ({ position }) => position)
  }

  /** @throws GridError `diverged` */
  look(): void {
    const { position, digest } = this.#state
    const said = this.#said.get(position)
    if (!said) return
    for (const { digest: theirs, by } of said)
      if (theirs !== digest.toString())
        throw new GridError(
          'diverged',
          `${this.#log} at position ${position}: ${by} had the digest ${theirs}, what is made of the backup has ${digest}`,
        )
    this.found.push(position)
  }
}

const nameOf = (cache: string, key: string): string => `${cache}\0${key}`

/** What has become, behind a snapshot, of what may have left memory: of each key the last. */
class ArchiveSince {
  readonly #changes = new Map<string, StoredChange | undefined>()
  readonly listener: Pick<Required<ReplicaListener>, 'changed'>

  constructor(state: SpaceState) {
    this.listener = {
      changed: ({ cache, key, version, archived }, before) => {
        const { name, archiveIndex } = state.layout.cache(cache)
        if (archiveIndex === undefined) return
        const { position } = state
        const left = { cache: name, key, value: before, version, position, archived }
        this.#changes.set(nameOf(name, key), archived ? (left as StoredChange) : undefined)
      },
    }
  }

  knows({ cache, key }: StoredEntry | StoredChange): boolean {
    return this.#changes.has(nameOf(cache, key))
  }

  /** What has left, and not come back. */
  get gone(): StoredChange[] {
    return [...this.#changes.values()].filter((change) => change !== undefined)
  }
}

async function* archivedOf(
  folder: string,
  base: BackupBase | undefined,
  since: ArchiveSince,
  clock: Clock,
): AsyncGenerator<StoredChange[], void> {
  const file = base && openArchive(folder, base, clock)
  try {
    for (let at = 1; file && at <= file.last; at++) {
      const record = file.recordAt(at)
      const { changes } = decodeSnapshotChunk(record?.data ?? new Uint8Array())
      const still = changes.filter((change) => !since.knows(change))
      if (still.length > 0) yield still.map((change) => ({ ...change, archived: true }))
    }
  } finally {
    await file?.close()
  }
  if (since.gone.length > 0) yield since.gone
}
