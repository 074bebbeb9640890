import { join } from 'node:path'
import { GridError, isGridError } from '@spacegrid/grid/core/errors'
import type { LogName } from '@spacegrid/grid/core/log-name'
import { mayArchive } from '@spacegrid/grid/core/shape'
import { KeptSnapshots } from '@spacegrid/grid/engine/past/kept-snapshots'
import { sleep } from '@spacegrid/grid/engine/ports/clock'
import type { Log, LogBounds } from '@spacegrid/grid/engine/ports/log'
import type { SnapshotSource } from '@spacegrid/grid/engine/replica/snapshot-source'
import { encodeSnapshotChunk, type SnapshotChunk } from '@spacegrid/grid/engine/wire/snapshot-codec'
import type { Progress } from '../recover/exact-copies.ts'
import type { RecoveryPorts } from '../recover/recovery-grid.ts'
import { digestsOf } from '../recover/replicas-heard.ts'
import { type BaseSource, baseSources } from './base-source.ts'
import { LogCopy } from './log-copy.ts'
import type { BackupBase, BackupPrint, BackupRun } from './manifest.ts'
import { RecordFile } from './record-file.ts'

/** How long the store may be behind a snapshot before what has left memory is read. */
const storeMsMax = 60_000
/** How long those are waited for who give snapshots to others. */
const busyMsMax = 10_000
const pollMs = 100

/** What of a log is in the folder already, and where to write what is new. */
export interface LogBackupPlace {
  readonly folder: string
  readonly logName: LogName
  /** The newest run. */
  readonly before: BackupRun | undefined
  /** Of a new run, if there has to be one. */
  readonly number: number
  /** A new snapshot is wanted in any case. */
  readonly full: boolean
}

/**
 * The backup of one log, while it goes on: what it brings is written from the first moment on, a
 * snapshot meanwhile where one is needed. Until `end` has been called and the manifest names what
 * was written, nothing of it counts.
 */
export class LogBackup {
  readonly #place: LogBackupPlace
  readonly #ports: RecoveryPorts
  readonly #log: Log
  readonly #changes: Log | undefined
  readonly #bounds: LogBounds
  readonly #run: BackupRun
  readonly #records: RecordFile
  readonly #copy: LogCopy
  readonly #sources: readonly BaseSource[]
  readonly #goesOn: boolean
  #bases: readonly BackupBase[]
  #snapshotBytes: number

  /**
   * Begins to copy the log.
   * @throws GridError `not_found`: there is no such log
   */
  static async begin(place: LogBackupPlace, ports: RecoveryPorts): Promise<LogBackup> {
    const { logName, before, full } = place
    const found = await ports.log.look()
    if (!found) throw new GridError('not_found', `There is no log of ${logName}`)
    const changes = (await ports.changes.look()) ? await ports.changes.open() : undefined
    const goesOn = (bounds: LogBounds) =>
      before?.identity === bounds.identity && before.last + 1 >= bounds.first
    const sources = goesOn(found) && !full ? [] : await baseSources(logName, found, ports, changes)
    const log = await ports.log.open()
    // It may be trimmed at any moment.
    const bounds = await log.bounds()
    return new LogBackup(place, ports, { log, changes }, bounds, sources, goesOn(bounds))
  }

  private constructor(
    place: LogBackupPlace,
    ports: RecoveryPorts,
    { log, changes }: { readonly log: Log; readonly changes: Log | undefined },
    bounds: LogBounds,
    sources: readonly BaseSource[],
    goesOn: boolean,
  ) {
    this.#place = place
    this.#ports = ports
    this.#log = log
    this.#changes = changes
    this.#bounds = bounds
    this.#sources = sources
    this.#goesOn = goesOn
    const { logName, before, number, folder } = place
    this.#run = goesOn && before ? before : newRun(logName, number, bounds, sources)
    this.#bases = this.#run.bases
    this.#snapshotBytes = this.#run.snapshots.bytes
    this.#records = new RecordFile(join(folder, this.#run.records.file), ports.clock, {
      identity: bounds.identity,
      first: this.#run.first,
      bytes: this.#run.records.bytes,
      writable: true,
    })
    this.#copy = new LogCopy(log, this.#records, ports.clock)
  }

  get logName(): LogName {
    return this.#place.logName
  }

  /** It adds to what was backed up before. */
  get isIncremental(): boolean {
    return this.#goesOn && !this.#place.full
  }

  get records(): RecordFile {
    return this.#records
  }

  /** Where the log ends by now. */
  async last(): Promise<number> {
    return (await this.#log.bounds()).last
  }

  async reach(position: number, progress: Progress): Promise<void> {
    const { logName } = this
    await this.#copy.reach(position, (at) => progress(`${logName}: the log`, at))
  }

  /**
   * Writes a snapshot, if one is needed: from the first who can give it. Who gives one to others
   * is waited for.
   * @throws GridError what the last one failed with; `log_trimmed`: it was too late for the log
   */
  async takeBase(progress: Progress): Promise<void> {
    // Or all that has ever been is in the log.
    if (this.isIncremental || (this.#sources.length === 0 && this.#run.first === 1)) return
    const { clock } = this.#ports
    const until = clock.monotonic() + busyMsMax
    for (;;) {
      const failure = await this.#takeFromOne(progress)
      if (!failure) return await this.reach(this.#bases.at(-1)?.position ?? 0, progress)
      if (clock.monotonic() > until) throw failure
      await sleep(clock, pollMs)
    }
  }

  /** Returns why nobody has given one. */
  async #takeFromOne(progress: Progress): Promise<GridError | undefined> {
    let failure = new GridError(
      'not_ready',
      `Nobody has a copy of ${this.logName} that its log continues: no unit or pump runs, and the store has none`,
    )
    for (const source of this.#sources)
      try {
        await this.#take(source, progress)
        return undefined
      } catch (error) {
        if (!isGridError(error)) throw error
        failure = error
      }
    return failure
  }

  async #take(base: BaseSource, progress: Progress): Promise<void> {
    const { folder } = this.#place
    const { clock } = this.#ports
    const { identity } = this.#bounds
    const { file } = this.#run.snapshots
    const snapshots = new RecordFile(join(folder, file), clock, {
      ...{ identity: file, first: 1, bytes: this.#snapshotBytes, writable: true },
    })
    const source = await base.open()
    let end: SnapshotChunk['end']
    try {
      const counted = counting(source, (chunk, count) => {
        end = chunk.end
        progress(`${this.logName}: ${base.name}`, count)
      })
      const from = { logIdentity: identity, position: base.position, time: 0 }
      await new KeptSnapshots(snapshots).keep(counted, from)
      snapshots.sync()
      if (!end) throw new Error('a snapshot was kept that has no end')
      const { position, shape } = end.header
      const archive = mayArchive(shape) ? await this.#takeArchive(position, progress) : undefined
      this.#snapshotBytes = snapshots.bytes
      const taken = { position, from: base.name, ...(archive ? { archive } : {}) }
      this.#bases = [...this.#bases, taken]
    } finally {
      source.close()
      await snapshots.close()
    }
  }

  /**
   * Read behind the snapshot: what has left or come back since then is in the log.
   */
  async #takeArchive(
    position: number,
    progress: Progress,
  ): Promise<NonNullable<BackupBase['archive']>> {
    const { folder } = this.#place
    const { store, clock } = this.#ports
    const { logName } = this
    await this.#stored(position)
    const file = `${this.#run.records.file.replace(/records$/, '')}archive-${this.#bases.length + 1}`
    const written = new RecordFile(join(folder, file), clock, {
      ...{ identity: file, first: 1, bytes: 0, writable: true },
    })
    let entries = 0
    try {
      for await (const changes of store.archive?.all(logName) ?? []) {
        if (changes.length === 0) continue
        const piece = changes.map(({ archived: _, ...entry }) => entry)
        const bytes = encodeSnapshotChunk({ shape: undefined, changes: piece, end: undefined })
        await written.append(bytes)
        entries += changes.length
        progress(`${logName}: what has left memory`, entries)
      }
      written.sync()
      const until = (await store.checkpoint(logName))?.position ?? position
      return { file, bytes: written.bytes, entries, until }
    } finally {
      await written.close()
    }
  }

  async #stored(position: number): Promise<void> {
    const { store, clock } = this.#ports
    const until = clock.monotonic() + storeMsMax
    for (;;) {
      const stored = (await store.checkpoint(this.logName))?.position ?? 0
      if (stored >= position) return
      if (clock.monotonic() > until)
        throw new GridError(
          'store_unavailable',
          `The store is at ${stored}, behind the snapshot at ${position}: what has left memory cannot be read until it has caught up`,
        )
      await sleep(clock, pollMs)
    }
  }

  /** What there is now, as the manifest is to have it. `at`: what was known there is asked for. */
  async end(at: number): Promise<BackupRun> {
    await this.#copy.stop()
    this.#records.sync()
    const run = this.#run
    const { last } = this.#records
    const prints = [...run.prints, ...(await this.#prints(at))]
    return {
      ...run,
      last,
      records: { ...run.records, bytes: this.#records.bytes },
      snapshots: { ...run.snapshots, bytes: this.#snapshotBytes },
      bases: [...this.#bases],
      prints: prints.filter(({ position }) => position >= run.first - 1 && position <= last),
    }
  }

  /** What units and pumps say that they were, and the store. */
  async #prints(position: number): Promise<BackupPrint[]> {
    const { messaging, clock, store } = this.#ports
    const { identity } = this.#bounds
    const said = messaging
      ? await digestsOf(this.logName, identity, position, messaging, clock)
      : new Map<string, string>()
    const prints = Array.from(said, ([by, digest]) => ({ position, digest, by }))
    const stored = await store.checkpoint(this.logName)
    if (stored?.logIdentity === identity && stored.position > 0)
      prints.push({ position: stored.position, digest: stored.digest, by: 'the store' })
    return prints
  }

  async close(): Promise<void> {
    await this.#copy.stop()
    await this.#records.close()
    await this.#log.close()
    await this.#changes?.close()
  }
}

function newRun(
  log: LogName,
  number: number,
  { identity, first, last }: LogBounds,
  sources: readonly BaseSource[],
): BackupRun {
  // Of a log that has never been trimmed everything is taken: then all of its past can be made.
  const least = Math.min(last, ...sources.map(({ position }) => position))
  const begin = first === 1 ? 1 : Math.max(first, least + 1)
  const part = (what: string) => ({ file: `${log}.${number}.${what}`, bytes: 0 })
  return {
    ...{ log, identity, first: begin, last: begin - 1, bases: [], prints: [] },
    ...{ records: part('records'), snapshots: part('snapshots') },
  }
}

const counting = (
  source: SnapshotSource,
  told: (chunk: SnapshotChunk, count: number) => void,
): SnapshotSource => {
  let count = 0
  return {
    next: async (...limits) => {
      const chunk = await source.next(...limits)
      count += chunk.changes.length
      told(chunk, count)
      return chunk
    },
    close: () => source.close(),
  }
}
