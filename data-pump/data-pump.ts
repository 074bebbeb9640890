import { estimateBytes } from '@spacegrid/grid/core/estimate-bytes'
import type { LogName } from '@spacegrid/grid/core/log-name'
import type { SpaceState } from '@spacegrid/grid/core/space-state'
import { Auditor } from '@spacegrid/grid/engine/agreement/auditor'
import { Lives } from '@spacegrid/grid/engine/life/lives'
import type { Readiness } from '@spacegrid/grid/engine/life/readiness'
import { fullestOf } from '@spacegrid/grid/engine/ports/log'
import { ClockWatch } from '@spacegrid/grid/engine/replica/clock-watch'
import { partitionsIn } from '@spacegrid/grid/engine/replica/known-partitions'
import { UnreadRecords } from '@spacegrid/grid/engine/replica/unread-records'
import type { Component, ComponentStatus } from '@spacegrid/grid/program/component'
import type { ImageState } from './image-keeper.ts'
import { PersistedPosition } from './persisted-position.ts'
import { PumpIncarnation } from './pump-incarnation.ts'
import { defaultPumpSettings, type PumpOptions, type PumpPorts } from './pump-options.ts'
import type { PumpParts } from './pump-parts.ts'
import { PumpTelemetry } from './pump-telemetry.ts'
import { PumpTracing } from './pump-tracing.ts'
import { WrongWindows } from './wrong-windows.ts'

/** What a pump shows beyond other components. */
export interface PumpStatus extends ComponentStatus {
  /** The log position up to which everything has been published. */
  readonly published: number
  /** Domain events that it has published for other services since its life began. */
  readonly eventsPublished: number
  readonly image: ImageState | 'none'
  /** Where the warm image is; 0: not known. */
  readonly imagePosition: number
}

/**
 * Melds one space's log and publishes what it left, window by window, to the change queue; keeps
 * the warm image. Every outcome is in the queue exactly once in effect: where a window begins is
 * where the one before it ended, and only one pump can append at any place. Two or more may run:
 * one works, the others follow it and take over. A crash loses nothing, because the log keeps what
 * is not in the store yet; memory holds one window being published and one being collected.
 */
export class DataPump implements Component {
  readonly #parts: Omit<PumpParts, 'persisted'>
  readonly #lives: Lives
  #persisted: PersistedPosition | undefined
  #incarnation: PumpIncarnation | undefined

  constructor(logName: LogName, ports: PumpPorts, options: PumpOptions = {}) {
    const { report = () => undefined, name = 'data-pump', ...changed } = options
    const { clock } = ports
    const settings = { ...defaultPumpSettings, ...changed }
    this.#lives = new Lives(clock, report)
    const auditor = new Auditor(ports, {
      logName,
      name,
      role: 'pump',
      tellMs: settings.auditMs,
      sampleEntries: settings.auditEntries,
      mend: (wish) => this.#incarnation?.mend(wish),
      snapshotBytesMax: settings.snapshotBytesMax,
      diverged: (error) => this.#incarnation?.end(error),
      report: (level, message) => report({ kind: 'audit', level, message }),
    })
    const watch = new ClockWatch(clock, (message) =>
      report({ kind: 'clock', level: 'warn', message }),
    )
    const unread = new UnreadRecords(clock, (level, message) =>
      report({ kind: 'log', level, message }),
    )
    const wrongWindows = new WrongWindows()
    const telemetry = new PumpTelemetry(ports.telemetry, clock, logName, () => watch.time.now())
    const observed = { ...ports, changes: telemetry.changes(ports.changes, clock) }
    this.#parts = {
      ...{ logName, ports: observed, settings, report, auditor, watch, unread },
      ...{ wrongWindows, telemetry },
      tracing: ports.tracing && new PumpTracing(ports.tracing, logName, name),
    }
  }

  start(): void {
    const { logName, ports, auditor } = this.#parts
    const persisted = new PersistedPosition(logName, ports.messaging, ports.clock)
    this.#persisted = persisted
    auditor.start()
    this.#lives.start(async (life) => {
      const logBefore = this.#incarnation?.logFollowed
      const incarnation = new PumpIncarnation({ ...this.#parts, persisted }, life, logBefore)
      this.#incarnation = incarnation
      await incarnation.live()
    })
  }

  async stop(): Promise<void> {
    await this.#lives.stop()
    await this.#parts.auditor.stop()
    await this.#persisted?.stop()
  }

  yield(): void {
    this.#incarnation?.yield()
  }

  /** The replica as it is; undefined while there is none. To be looked at only. */
  get state(): SpaceState | undefined {
    return this.#incarnation?.replica?.state
  }

  get partitions(): number | undefined {
    return this.state && partitionsIn(this.state.layout.shape)
  }

  readiness(): Readiness {
    const incarnation = this.#incarnation
    return this.#lives.readiness(() => (incarnation ? incarnation.unready() : 'starting'))
  }

  /** Changes and events that wait to be published. */
  get pending(): number {
    return this.#incarnation?.waiting ?? 0
  }

  status(): PumpStatus {
    const incarnation = this.#incarnation
    const state = incarnation?.replica?.state
    return {
      state: incarnation?.state ?? 'starting',
      position: state?.position ?? 0,
      published: incarnation?.published ?? 0,
      eventsPublished: incarnation?.eventsPublished ?? 0,
      lag: incarnation?.lag ?? 0,
      entries: state?.entryCount ?? 0,
      bytes: state ? estimateBytes(state) : 0,
      digest: state?.digest.toString() ?? '',
      digestPosition: state?.position ?? 0,
      pending: this.pending,
      image: incarnation?.image?.state ?? 'none',
      imagePosition: incarnation?.image?.position ?? 0,
      damagedRecords: this.#parts.unread.damaged,
      logFilled: fullestOf(this.#parts.ports.log, this.#parts.ports.changes),
      clock: this.#parts.watch.status(),
      audit: this.#parts.auditor.status(),
    }
  }
}
