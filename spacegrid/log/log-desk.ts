import { setTimeout as sleep } from 'node:timers/promises'
import type { Entry } from '@spacegrid/grid/core/entry'
import { GridError } from '@spacegrid/grid/core/errors'
import { FrameKind } from '@spacegrid/grid/core/frame'
import { type LogName, spaceOf } from '@spacegrid/grid/core/log-name'
import type { SpaceShape } from '@spacegrid/grid/core/shape'
import type { HistoryAsked } from '@spacegrid/grid/doors/request/serving'
import { JetStreamLog } from '@spacegrid/grid/drivers/nats/jetstream-log'
import { NatsMessaging } from '@spacegrid/grid/drivers/nats/nats-messaging'
import { SpaceStreams } from '@spacegrid/grid/drivers/nats/space-streams'
import { SystemClock } from '@spacegrid/grid/drivers/system/system-clock'
import { decodeOfAnyLog } from '@spacegrid/grid/engine/agreement/audit-codec'
import { type ChangesPage, historyPage } from '@spacegrid/grid/engine/past/history-page'
import { KeptSnapshots } from '@spacegrid/grid/engine/past/kept-snapshots'
import { decodePastRecord } from '@spacegrid/grid/engine/past/past-record'
import { PastStates } from '@spacegrid/grid/engine/past/past-states'
import type { Clock } from '@spacegrid/grid/engine/ports/clock'
import type { Log, LogBounds, LogRecord } from '@spacegrid/grid/engine/ports/log'
import { readRecord } from '@spacegrid/grid/engine/replica/record-reader'
import { encodeFrame } from '@spacegrid/grid/engine/wire/frame-codec'
import { decodeSnapshotChunk } from '@spacegrid/grid/engine/wire/snapshot-codec'
import { streams, subjects } from '@spacegrid/grid/engine/wire/subjects'
import type { Environment } from '@spacegrid/grid/program/environment'
import { findGrid } from '../audit/audit-targets.ts'
import { openRecords, openSnapshots } from '../backup/backup-files.ts'
import type { BackupRun } from '../backup/manifest.ts'
import { openManifest } from '../backup/opened-backup.ts'
import { CacheNames, storedNames } from './cache-names.ts'
import { Explanation, type FrameExplained } from './explanation.ts'
import { type Listed, type ListingFilter, LogListing } from './log-listing.ts'

/** Everybody tells its digest, and with it its position, each second. */
const listenMs = 2500

/** A person waits longer than a caller. */
const historyMsMax = 600_000
/** So many records behind the first one are looked at for who has sent them. */
const introducedMax = 200

const openLog = (nats: string, logName: LogName, kind: 'log' | 'past'): Promise<Log> =>
  JetStreamLog.open(nats, {
    stream: streams[kind](logName),
    subject: subjects[kind](logName),
    name: 'log',
  })

/** Somebody who is known to be at a position. */
export interface Reached {
  readonly who: string
  readonly position: number
}

/** What a desk looks at. */
interface Looked {
  readonly log: Log
  readonly names: CacheNames
  /** Kept snapshots; undefined: there are none. Closed by whoever has opened it. */
  openPast(): Promise<Log | undefined>
}

/** An operator's way to the log of one space, or to what a backup has of it. */
export class LogDesk {
  readonly #logName: LogName
  /** undefined: it is that of a backup. */
  readonly #nats: string | undefined
  readonly #looked: Looked

  /**
   * @throws GridError `configuration_invalid` when there is no NATS, `unknown_space` when no log of
   * the space is there
   */
  static async open(environment: Environment, logName: LogName): Promise<LogDesk> {
    const grid = await findGrid(environment)
    if (grid?.nats === undefined) throw noLogs(environment)
    const { nats, mongodb, logNames } = grid
    if (!logNames.includes(logName)) throw unknownLog(logName, logNames)
    const openPast = async () => {
      const space = await SpaceStreams.open(nats, 'log')
      const isKept = await space.find(logName, 'past').finally(() => space.close())
      return isKept ? await openLog(nats, logName, 'past') : undefined
    }
    const names = await storedNames(mongodb, environment.MONGODB_DB, logName)
    return new LogDesk(logName, nats, { log: await openLog(nats, logName, 'log'), names, openPast })
  }

  /**
   * Of what a backup has: the stretch with a position, or the newest.
   * @throws GridError `unknown_space`, `record_damaged`
   */
  static ofBackup(folder: string, logName: LogName, position?: number): LogDesk {
    const { runs } = openManifest(folder)
    const own = runs.filter(({ log }) => log === logName)
    const holds = ({ first, last }: BackupRun) =>
      position === undefined || (position >= first && position <= last)
    const run = own.findLast(holds) ?? own.at(-1)
    if (!run)
      throw unknownLog(
        logName,
        runs.map(({ log }) => log),
      )
    const clock = new SystemClock()
    return new LogDesk(logName, undefined, {
      log: openRecords(folder, run, clock),
      names: new CacheNames(shapeIn(folder, run, clock)),
      openPast: async () => openSnapshots(folder, run, clock),
    })
  }

  private constructor(logName: LogName, nats: string | undefined, looked: Looked) {
    this.#logName = logName
    this.#nats = nats
    this.#looked = looked
  }

  get #log(): Log {
    return this.#looked.log
  }

  /** @throws GridError `not_found` */
  async record(position: number): Promise<LogRecord> {
    const record = await this.#log.read(position)
    if (record) return record
    const { first, last } = await this.#log.bounds()
    throw new GridError(
      'not_found',
      `The log of ${this.#logName} has no position ${position}: it holds ${first} to ${last}`,
    )
  }

  bounds(): Promise<LogBounds> {
    return this.#log.bounds()
  }

  /** What records from a position on ask for, line by line, until `isEnough` or for ever. */
  async list(
    from: number,
    filter: ListingFilter,
    listed: (lines: readonly Listed[], position: number) => void,
    until: AbortSignal,
  ): Promise<void> {
    const listing = new LogListing(this.#logName, this.#looked.names, filter)
    await this.#introduce(listing, from)
    if (until.aborted) return
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    until.addEventListener('abort', () => resolve(), { once: true })
    const tail = this.#log.tail(from - 1, {
      record: (record) => {
        if (!until.aborted) listed(listing.of(record), record.position)
      },
      broken: reject,
    })
    await promise.finally(() => tail.stop())
  }

  /** An origin's number is the position at which it joined: who that was. */
  async #introduce(listing: LogListing, from: number): Promise<void> {
    const { last } = await this.#log.bounds()
    const seen = new Set<number>()
    for (let at = from; at <= Math.min(last, from + introducedMax); at++) {
      const frame = readRecord((await this.#log.read(at))?.data ?? new Uint8Array())
      if (!('origin' in frame) || frame.origin >= from || seen.has(frame.origin)) continue
      seen.add(frame.origin)
      const joined = readRecord((await this.#log.read(frame.origin))?.data ?? new Uint8Array())
      if ('kind' in joined && joined.kind === FrameKind.join)
        listing.know(frame.origin, joined.unit)
    }
  }

  /**
   * What became of a record.
   * @throws GridError `position_out_of_reach`: nothing is kept to meld it again from
   */
  async explain(position: number): Promise<FrameExplained> {
    const explanation = new Explanation()
    await this.#inPast(async (states) => {
      await states.forward(position - 1, position, explanation, () => false)
    })
    return explanation.explained
  }

  /**
   * What has become of an entry, the newest first.
   * @throws GridError `invalid_input`, `position_out_of_reach`
   */
  async history(cache: string, key: string, asked: HistoryAsked): Promise<ChangesPage> {
    return await this.#inPast((states) => historyPage(states, cache, key, asked))
  }

  /**
   * The entry as it was behind a position; undefined: there was none.
   * @throws GridError `position_out_of_reach`, `invalid_input`: there is no such cache
   */
  async entry(position: number, cache: string, key: string): Promise<Entry | undefined> {
    return await this.#inPast((states) =>
      states.at(position, (state) => {
        const layout = state.layout.named(cache)
        if (layout) return state.peek(layout.number, key)
        throw new GridError('invalid_input', `${this.#logName} has no cache ${cache} there`)
      }),
    )
  }

  /** @throws GridError `position_out_of_reach` */
  async positionAt(time: number): Promise<number> {
    return await this.#inPast((states) => states.positionAt(time))
  }

  async #inPast<T>(use: (states: PastStates) => Promise<T>): Promise<T> {
    const past = await this.#looked.openPast()
    const kept = past ? { kept: new KeptSnapshots(past) } : {}
    const open = () => Promise.resolve({ log: this.#log, ...kept })
    const patience = { waitMsMax: historyMsMax, makeMsMax: historyMsMax }
    const states = new PastStates(open, new SystemClock(), undefined, patience)
    try {
      return await use(states)
    } finally {
      states.close()
      await past?.close()
    }
  }

  /**
   * Lets everybody who cannot read a record pass over it. Returns the position of the record that
   * says so.
   * @throws GridError `invalid_input` when that would do nothing, or make replicas differ
   */
  async skip(position: number): Promise<number> {
    const found = readRecord((await this.record(position)).data)
    if (!(found instanceof GridError))
      throw new GridError(
        'invalid_input',
        `Position ${position} can be read, and is melded: it cannot be passed over`,
      )
    if (found.code === 'record_damaged')
      throw new GridError(
        'invalid_input',
        `Position ${position} is no frame of any version: everybody has passed over it already`,
      )
    const beyond = (await this.#reached()).filter((it) => it.position >= position)
    if (beyond.length > 0)
      throw new GridError(
        'invalid_input',
        `${beyond.map(({ who, position: at }) => `${who} is at ${at}`).join(', ')}: the record has been read there. Who passed over it now would differ: update the others instead`,
      )
    const at = new SystemClock().now()
    return await this.#log.append(encodeFrame({ kind: FrameKind.skip, position, at }))
  }

  /** How far those have come who hold a copy of the space. */
  async #reached(): Promise<Reached[]> {
    const { identity } = await this.#log.bounds()
    if (this.#nats === undefined) throw new Error('a backup is nobody else')
    const messaging = await NatsMessaging.open(this.#nats, { name: 'log' })
    const reached = new Map<number, Reached>()
    try {
      messaging.subscribe(subjects.audit(this.#logName), ({ data }) => {
        const found = decodeOfAnyLog(data)
        if (found?.logIdentity !== identity || found.message.kind !== 'digest') return
        const { from, position } = found.message
        const before = reached.get(from.id)?.position ?? 0
        const who = `${from.role} ${from.name}`
        reached.set(from.id, { who, position: Math.max(position, before) })
      })
      await sleep(listenMs)
    } finally {
      await messaging.close()
    }
    return [...reached.values()]
  }

  async close(): Promise<void> {
    await this.#log.close()
  }
}

const noLogs = ({ DATA_DIR }: Environment) =>
  new GridError(
    'configuration_invalid',
    `There is no log to look at: set NATS_URL, or DATA_DIR to the folder of a cluster that runs (npx spacegrid cluster; now: ${DATA_DIR}), or say --backup FOLDER. The log of the embedded grid (npx spacegrid start) is nobody else's`,
  )

function unknownLog(logName: LogName, known: readonly LogName[]): GridError {
  const parts = known.filter((it) => it !== logName && spaceOf(it) === logName)
  return new GridError(
    'unknown_space',
    parts.length > 0
      ? `${logName} has ${parts.length} logs: say which of ${parts[0]} to ${parts.at(-1)}`
      : `There is no log of ${logName}; there are logs of ${known.join(', ') || 'no space'}`,
  )
}

/** The definition, as the first piece of a snapshot says it. */
function shapeIn(folder: string, run: BackupRun, clock: Clock): SpaceShape | undefined {
  const file = openSnapshots(folder, run, clock)
  try {
    const parts: Uint8Array[] = []
    for (let at = 2; at < file.last; at++) {
      const { bytes, isLast } = decodePastRecord(file.recordAt(at)?.data ?? new Uint8Array())
      parts.push(bytes)
      if (isLast) return decodeSnapshotChunk(Buffer.concat(parts)).shape
    }
    return undefined
  } finally {
    void file.close()
  }
}
