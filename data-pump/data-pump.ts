import { Auditor } from '@spacegrid/grid/audit/auditor'
import type { Component, ComponentStatus, Report } from '@spacegrid/grid/component/component'
import { Lives } from '@spacegrid/grid/component/lives'
import type { Clock } from '@spacegrid/grid/ports/clock'
import type { Log } from '@spacegrid/grid/ports/log'
import type { Messaging } from '@spacegrid/grid/ports/messaging'
import type { Random } from '@spacegrid/grid/ports/random'
import type { Store } from '@spacegrid/grid/ports/store'
import { estimateBytes } from '@spacegrid/grid/unit/estimate-bytes'
import type { Readiness } from '@spacegrid/grid/unit/serving'
import type { ImageState } from './image-keeper.ts'
import { PersistedPosition } from './persisted-position.ts'
import { PumpIncarnation } from './pump-incarnation.ts'
import { WrongWindows } from './wrong-windows.ts'

/** What a pump works with; all of it is closed by whoever made it. */
export interface PumpPorts {
  readonly log: Log
  /** The change queue. */
  readonly changes: Log
  /** The warm image; none when it is left out. */
  readonly image?: Store
  readonly messaging: Messaging
  readonly clock: Clock
  readonly random: Random
}

export interface PumpSettings {
  /** A window is closed this long after its first change, when publishing is quick. Default 3 ms. */
  readonly windowMsMin: number
  /** It stays open for twice as long as the publication before took, but not longer than this. Default 50 ms. */
  readonly windowMsMax: number
  /** The log has moved but nothing has changed: published after this time, so that others see the pump live. Default 200 ms. */
  readonly emptyWindowMs: number
  /** Changes and events of one window; beyond, it is closed. At twice as many melding waits until it has been published. Default 20,000. */
  readonly windowChangesMax: number
  /** Bytes of one window, by the size of the changes before it; beyond, it is closed. Default 8 MiB. */
  readonly windowBytesMax: number
  /** A standby takes over when nothing has been published for this long although the log has moved. Default 800 ms. */
  readonly takeoverMs: number
  /** Entries written in one step when the warm image is built anew: a few milliseconds' work for the pump and for Redis. Default 1,000. */
  readonly imageEntriesMax: number
  /** How often the digest and a sample of entries are told, for the units to compare with. Default 1,000 ms. 0: never, and nothing is compared. */
  readonly auditMs: number
  /** Entries of one sample. Default 200. 0: values are not compared, digests are. */
  readonly auditEntries: number
}

export interface PumpOptions extends Partial<PumpSettings> {
  /** Unique in the grid, for people. Default: `data-pump`. */
  readonly name?: string
  /** Told what people should know. Default: nothing is told. */
  readonly report?: Report
}

const defaultSettings: PumpSettings = {
  windowMsMin: 3,
  windowMsMax: 50,
  emptyWindowMs: 200,
  windowChangesMax: 20_000,
  windowBytesMax: 8 * 1024 * 1024,
  takeoverMs: 800,
  imageEntriesMax: 1000,
  auditMs: 1000,
  auditEntries: 200,
}

/** What a pump shows beyond other components. */
export interface PumpStatus extends ComponentStatus {
  /** The log position up to which everything has been published. */
  readonly published: number
  readonly image: ImageState | 'none'
  /** Where the warm image is; 0: not known. */
  readonly imagePosition: number
}

/**
 * Melds one space's log and publishes what it left, window by window, to the change queue; keeps the warm image. Every outcome is in the queue
 * exactly once in effect: where a window begins is where the one before it ended, and only one pump can append at any place. Two or
 * more may run: one works, the others follow it and take over. A crash loses nothing, because the log keeps what is
 * not in the store yet; memory holds one window being published and one being collected.
 */
export class DataPump implements Component {
  readonly #space: string
  readonly #ports: PumpPorts
  readonly #settings: PumpSettings
  readonly #report: Report
  readonly #lives: Lives
  readonly #auditor: Auditor
  readonly #wrongWindows = new WrongWindows()
  #persisted: PersistedPosition | undefined
  #incarnation: PumpIncarnation | undefined

  constructor(space: string, ports: PumpPorts, options: PumpOptions = {}) {
    const { report = () => undefined, name = 'data-pump', ...settings } = options
    this.#space = space
    this.#ports = ports
    this.#settings = { ...defaultSettings, ...settings }
    this.#report = report
    this.#lives = new Lives(ports.clock, report)
    this.#auditor = new Auditor(ports, {
      space,
      name,
      role: 'pump',
      tellMs: this.#settings.auditMs,
      sampleEntries: this.#settings.auditEntries,
      diverged: (error) => this.#incarnation?.end(error),
      report: (level, message) => report({ level, message }),
    })
  }

  start(): void {
    const { messaging, clock } = this.#ports
    const persisted = new PersistedPosition(this.#space, messaging, clock)
    this.#persisted = persisted
    this.#auditor.start()
    this.#lives.start(async (life) => {
      const incarnation = new PumpIncarnation(
        this.#space,
        this.#ports,
        this.#settings,
        this.#report,
        life,
        persisted,
        this.#auditor,
        this.#wrongWindows,
        this.#incarnation?.logFollowed,
      )
      this.#incarnation = incarnation
      await incarnation.live()
    })
  }

  async stop(): Promise<void> {
    await this.#lives.stop()
    await this.#auditor.stop()
    await this.#persisted?.stop()
  }

  readiness(): Readiness {
    const incarnation = this.#incarnation
    return this.#lives.readiness(() => (incarnation ? incarnation.unready() : 'starting'))
  }

  status(): PumpStatus {
    const incarnation = this.#incarnation
    const state = incarnation?.replica?.state
    return {
      state: incarnation?.state ?? 'starting',
      position: state?.position ?? 0,
      published: incarnation?.published ?? 0,
      lag: incarnation?.lag ?? 0,
      entries: state?.entryCount ?? 0,
      bytes: state ? estimateBytes(state) : 0,
      digest: state?.digest.toString() ?? '',
      digestPosition: state?.position ?? 0,
      pending: incarnation?.waiting ?? 0,
      image: incarnation?.image?.state ?? 'none',
      imagePosition: incarnation?.image?.position ?? 0,
      audit: this.#auditor.status(),
    }
  }
}
