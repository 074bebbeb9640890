import type { LogName } from '@spacegrid/grid/core/log-name'
import type { Life } from '@spacegrid/grid/engine/life/life'
import { Lives } from '@spacegrid/grid/engine/life/lives'
import type { Readiness } from '@spacegrid/grid/engine/life/readiness'
import type { Report } from '@spacegrid/grid/engine/life/role-event'
import type { Subscription } from '@spacegrid/grid/engine/ports/messaging'
import type { Checkpoint } from '@spacegrid/grid/engine/ports/store'
import { StoredPartitions } from '@spacegrid/grid/engine/replica/known-partitions'
import { SnapshotService } from '@spacegrid/grid/engine/replica/snapshot-service'
import { subjects } from '@spacegrid/grid/engine/wire/subjects'
import type { Component, ComponentStatus } from '@spacegrid/grid/program/component'
import { serveArchive } from './archive-service.ts'
import type { ReaderOptions, ReaderPorts } from './reader-options.ts'
import { SnapshotChoice } from './snapshot-choice.ts'
import { StoreAuditor } from './store-auditor.ts'

/** How often the store is asked how far it is, for those who want to know. */
const tickMs = 1000
/**
 * One unit at a time copies from here: the space's lease in a cold start. The others are refused,
 * and copy from that unit when it is ready.
 */
const sessionsMax = 1

/**
 * Gives one space's stored state to those who start: processing units that find no peer, and data
 * pumps. Answers for the archive, too. It keeps nothing itself, so any number may run and a crash
 * costs only the copies that were being read.
 */
export class DataReader implements Component {
  readonly #logName: LogName
  readonly #ports: ReaderPorts
  readonly #report: Report
  readonly #auditIntervalMs: number
  readonly #countedEntriesMax: number
  readonly #isOpen: boolean
  readonly #lives: Lives
  readonly #choice: SnapshotChoice
  readonly #stored = new StoredPartitions()
  #checkpoint: Checkpoint | undefined
  #serving = false
  #auditor: StoreAuditor | undefined

  constructor(logName: LogName, ports: ReaderPorts, options: ReaderOptions = {}) {
    const { report = () => undefined, auditIntervalMs = 0 } = options
    this.#countedEntriesMax = options.countedEntriesMax ?? 10_000_000
    this.#isOpen = options.isOpen ?? true
    this.#report = report
    this.#auditIntervalMs = auditIntervalMs
    this.#logName = logName
    this.#ports = ports
    this.#lives = new Lives(ports.clock, report)
    this.#choice = new SnapshotChoice(logName, ports, report)
  }

  start(): void {
    this.#lives.start((life) => this.#serve(life))
  }

  async stop(): Promise<void> {
    await this.#lives.stop()
  }

  get partitions(): number | undefined {
    return this.#stored.in(this.#checkpoint)
  }

  readiness(): Readiness {
    return this.#lives.readiness(() => (this.#serving ? undefined : 'starting'))
  }

  status(): ComponentStatus {
    const position = this.#checkpoint?.position ?? 0
    return {
      state: this.#serving ? 'active' : 'starting',
      position,
      entries: this.#checkpoint?.entries ?? 0,
      digest: this.#checkpoint?.digest ?? '',
      digestPosition: position,
      ...(this.#auditor ? { audit: this.#auditor.status() } : {}),
    }
  }

  async #serve(life: Life): Promise<void> {
    const { store, messaging, clock, random } = this.#ports
    const nearest = new SnapshotService(messaging, clock, random, () => this.#choice.nearest(), {
      logName: this.#logName,
      subject: subjects.snapshotFromReader(this.#logName),
      sessionsMax,
    })
    // Pumps have a lease of their own: in a cold start they must not wait for the units, nor the
    // units for them.
    const stored = new SnapshotService(messaging, clock, random, () => this.#choice.stored(), {
      logName: this.#logName,
      subject: subjects.snapshotFromStore(this.#logName),
      sessionsMax,
    })
    const mending = new SnapshotService(messaging, clock, random, () => this.#choice.whole(), {
      logName: this.#logName,
      subject: subjects.snapshotForMending(this.#logName),
      sessionsMax,
    })
    let archive: Subscription | undefined
    try {
      await life.until(() => nearest.start())
      await life.until(() => stored.start())
      await life.until(() => mending.start())
      archive = await life.until(() => serveArchive(this.#logName, store, messaging, this.#isOpen))
      this.#auditor = new StoreAuditor(this.#logName, this.#ports, life, this.#report, {
        intervalMs: this.#auditIntervalMs,
        countedEntriesMax: this.#countedEntriesMax,
      })
      this.#serving = true
      life.works()
      while (!life.signal.aborted) {
        this.#checkpoint = await life.until(() => store.checkpoint(this.#logName))
        await life.sleep(tickMs)
      }
    } finally {
      this.#serving = false
      await nearest.stop()
      await stored.stop()
      await mending.stop()
      await archive?.stop()
      await this.#auditor?.stop()
    }
  }
}
