import type { LogName } from '@spacegrid/grid/core/log-name'
import { Lives } from '@spacegrid/grid/engine/life/lives'
import type { Readiness } from '@spacegrid/grid/engine/life/readiness'
import { fullestOf } from '@spacegrid/grid/engine/ports/log'
import { StoredPartitions } from '@spacegrid/grid/engine/replica/known-partitions'
import type { Component, ComponentStatus } from '@spacegrid/grid/program/component'
import { QuarantineWatch } from './quarantine-watch.ts'
import { WriterIncarnation, type WriterIncarnationParts } from './writer-incarnation.ts'
import {
  defaultWriterSettings,
  type WriterOptions,
  type WriterPorts,
  type WriterSettings,
} from './writer-options.ts'
import { WriterTelemetry } from './writer-telemetry.ts'

/**
 * Applies one space's change queue to the store, exactly once in effect: every step is one
 * transaction of the store, guarded by the checkpoint it starts from. architecture.md, invariant 6.
 * So a second writer, one that was paused, or one whose last step's outcome is unknown, can do no
 * harm; after a crash the store's own checkpoint says where to go on.
 */
export class DataWriter implements Component {
  /** What all incarnations are made of. */
  readonly #parts: Omit<WriterIncarnationParts, 'life' | 'known'>
  readonly #settings: WriterSettings
  readonly #lives: Lives
  readonly #stored = new StoredPartitions()
  #incarnation: WriterIncarnation | undefined

  constructor(logName: LogName, ports: WriterPorts, options: WriterOptions = {}) {
    const { report = () => undefined, ...settings } = options
    const quarantine = new QuarantineWatch(logName, ports.store, report)
    const telemetry = new WriterTelemetry(ports.telemetry, logName)
    this.#parts = { logName, ports, report, quarantine, telemetry }
    this.#settings = { ...defaultWriterSettings, ...settings }
    this.#lives = new Lives(ports.clock, report)
  }

  start(): void {
    this.#lives.start(async (life) => {
      const known = this.#incarnation?.checkpoint
      const incarnation = new WriterIncarnation({ ...this.#parts, life, known }, this.#settings)
      this.#incarnation = incarnation
      await incarnation.live()
    })
  }

  async stop(): Promise<void> {
    await this.#lives.stop()
  }

  yield(): void {
    this.#incarnation?.yield()
  }

  get partitions(): number | undefined {
    return this.#stored.in(this.#incarnation?.checkpoint)
  }

  readiness(): Readiness {
    const incarnation = this.#incarnation
    return this.#lives.readiness(() => (incarnation ? incarnation.unready() : 'starting'))
  }

  status(): ComponentStatus {
    const checkpoint = this.#incarnation?.checkpoint
    const { ports, quarantine } = this.#parts
    return {
      state: this.#incarnation?.state ?? 'starting',
      position: checkpoint?.position ?? 0,
      lag: this.#incarnation?.lag ?? 0,
      entries: checkpoint?.entries ?? 0,
      bytes: this.#incarnation?.waitingBytes ?? 0,
      quarantined: quarantine.count,
      logFilled: fullestOf(ports.log, ports.changes),
      digest: checkpoint?.digest ?? '',
      digestPosition: checkpoint?.position ?? 0,
    }
  }
}
