import { setTimeout as sleep } from 'node:timers/promises'
import { GridError } from '@spacegrid/grid/core/errors'
import { FrameKind } from '@spacegrid/grid/core/frame'
import { type LogName, spaceOf } from '@spacegrid/grid/core/log-name'
import type { HistoryAsked } from '@spacegrid/grid/doors/request/serving'
import { JetStreamLog } from '@spacegrid/grid/drivers/nats/jetstream-log'
import { NatsMessaging } from '@spacegrid/grid/drivers/nats/nats-messaging'
import { SpaceStreams } from '@spacegrid/grid/drivers/nats/space-streams'
import { SystemClock } from '@spacegrid/grid/drivers/system/system-clock'
import { decodeOfAnyLog } from '@spacegrid/grid/engine/agreement/audit-codec'
import { type ChangesPage, historyPage } from '@spacegrid/grid/engine/past/history-page'
import { KeptSnapshots } from '@spacegrid/grid/engine/past/kept-snapshots'
import { PastStates } from '@spacegrid/grid/engine/past/past-states'
import type { Log, LogRecord } from '@spacegrid/grid/engine/ports/log'
import { readRecord } from '@spacegrid/grid/engine/replica/record-reader'
import { encodeFrame } from '@spacegrid/grid/engine/wire/frame-codec'
import { streams, subjects } from '@spacegrid/grid/engine/wire/subjects'
import type { Environment } from '@spacegrid/grid/program/environment'
import { findGrid } from '../audit/audit-targets.ts'

/** Everybody tells its digest, and with it its position, each second. */
const listenMs = 2500

/** A person waits longer than a caller. */
const historyMsMax = 120_000

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

/** An operator's way to the log of one space. */
export class LogDesk {
  readonly #logName: LogName
  readonly #nats: string
  readonly #log: Log

  /**
   * @throws GridError `configuration_invalid` when there is no NATS, `unknown_space` when no log of
   * the space is there
   */
  static async open(environment: Environment, logName: LogName): Promise<LogDesk> {
    const grid = await findGrid(environment)
    if (grid?.nats === undefined)
      throw new GridError(
        'configuration_invalid',
        `There is no log to look at: set NATS_URL, or DATA_DIR to the folder of a cluster that runs (npx spacegrid cluster; now: ${environment.DATA_DIR}). The log of the embedded grid (npx spacegrid start) is nobody else's`,
      )
    if (!grid.logNames.includes(logName)) {
      const parts = grid.logNames.filter((known) => spaceOf(known) === logName)
      throw new GridError(
        'unknown_space',
        parts.length > 0
          ? `${logName} has ${parts.length} logs: say which of ${parts[0]} to ${parts.at(-1)}`
          : `There is no log of ${logName}; there are logs of ${grid.logNames.join(', ') || 'no space'}`,
      )
    }
    return new LogDesk(logName, grid.nats, await openLog(grid.nats, logName, 'log'))
  }

  private constructor(logName: LogName, nats: string, log: Log) {
    this.#logName = logName
    this.#nats = nats
    this.#log = log
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

  /**
   * What has become of an entry, the newest first.
   * @throws GridError `invalid_input`, `position_out_of_reach`
   */
  async history(cache: string, key: string, asked: HistoryAsked): Promise<ChangesPage> {
    const space = await SpaceStreams.open(this.#nats, 'log')
    const isKept = await space.find(this.#logName, 'past').finally(() => space.close())
    const past = isKept ? await openLog(this.#nats, this.#logName, 'past') : undefined
    const kept = past ? { kept: new KeptSnapshots(past) } : {}
    const open = () => Promise.resolve({ log: this.#log, ...kept })
    const states = new PastStates(open, new SystemClock(), undefined, { waitMsMax: historyMsMax })
    try {
      return await historyPage(states, cache, key, asked)
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
