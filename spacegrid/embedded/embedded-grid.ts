import { DataPump } from '@spacegrid/data-pump/data-pump'
import { defaultPumpSettings } from '@spacegrid/data-pump/pump-options'
import { DataReader } from '@spacegrid/data-reader/data-reader'
import { DataWriter } from '@spacegrid/data-writer/data-writer'
import type { Space } from '@spacegrid/grid/core/definition'
import { type LogName, logNameOf, logNamesOf } from '@spacegrid/grid/core/log-name'
import type { FaultLog } from '@spacegrid/grid/doors/request/public-error'
import { EmbeddedEnvironment } from '@spacegrid/grid/drivers/embedded/embedded-environment'
import { EmbeddedLog, logBytesDefault } from '@spacegrid/grid/drivers/embedded/embedded-log'
import { EmbeddedStore } from '@spacegrid/grid/drivers/embedded/embedded-store'
import { InProcessMessaging } from '@spacegrid/grid/drivers/embedded/in-process-messaging'
import { SystemClock } from '@spacegrid/grid/drivers/system/system-clock'
import { SystemRandom } from '@spacegrid/grid/drivers/system/system-random'
import type { Readiness } from '@spacegrid/grid/engine/life/readiness'
import { ReadinessWatch } from '@spacegrid/grid/engine/life/readiness-watch'
import type { RoleEvent } from '@spacegrid/grid/engine/life/role-event'
import { limitsWithin } from '@spacegrid/grid/engine/memory/memory-limits'
import { MemoryWatch } from '@spacegrid/grid/engine/memory/memory-watch'
import { KeptSnapshots, pastRoom } from '@spacegrid/grid/engine/past/kept-snapshots'
import type { Memory } from '@spacegrid/grid/engine/ports/memory'
import type { Subscription } from '@spacegrid/grid/engine/ports/messaging'
import type { Telemetry } from '@spacegrid/grid/engine/ports/telemetry'
import type { Component } from '@spacegrid/grid/program/component'
import { QueryTurns } from '@spacegrid/runtime/overload/query-turns'
import { PartitionedUnit } from '@spacegrid/runtime/partitions/partitioned-unit'
import { ProcessingUnit } from '@spacegrid/runtime/processing-unit'
import type { ProcessingUnitOptions } from '@spacegrid/runtime/processing-unit-options'
import { serveReactions } from '@spacegrid/runtime/reactions/react-request'
import { checkStoredDivision } from './stored-division.ts'

export interface EmbeddedGridOptions {
  /** Where everything is kept; one process at a time. */
  readonly dataDirectory: string
  /** Processing units of each space. Default 2. */
  readonly unitsPerSpace?: number
  /** Bytes of each log and change queue; at the limit commands fail with `log_full`. */
  readonly streamBytesMax?: number
  /** Of each change queue, if it is another size. */
  readonly changesBytesMax?: number
  /** How long what is persisted stays in the logs, ms. */
  readonly trimDelayMs?: number
  /** How long the past can be asked for, ms. Default 0: no longer than the logs reach back. */
  readonly pastMs?: number
  /**
   * What a log and its kept snapshots may take for the past, bytes, never more than half of
   * `streamBytesMax`. Default 1 GiB.
   */
  readonly pastBytesMax?: number
  /** How often every stored entry is compared with the units, ms. Default 0: never. */
  readonly auditIntervalMs?: number
  /** Of the process: what it may hold. Left out: it is not measured. */
  readonly memory?: Memory
  readonly unit?: Omit<ProcessingUnitOptions, 'report'>
  /** Told what the units measure. Left out: nobody is. */
  readonly telemetry?: Telemetry
  /** Told what happens to units, pumps, writers and readers, and what keeps them from work. */
  readonly tell?: (who: string, event: RoleEvent) => void
}

/** Of one space, for those who look into it from outside. */
export interface SpacePorts {
  readonly log: EmbeddedLog
  readonly changes: EmbeddedLog
  /** Snapshots that are kept for the past. */
  readonly past?: EmbeddedLog
  readonly store: EmbeddedStore
  readonly messaging: InProcessMessaging
  readonly clock: SystemClock
}

export type EmbeddedUnit = ProcessingUnit | PartitionedUnit

/** A data pump, writer or reader of one log. */
export interface EmbeddedRole {
  readonly role: string
  readonly logName: LogName
  readonly component: Component
}

interface Running {
  start(): void
  stop(): Promise<void>
}

/**
 * The whole grid in one process: for each space its log, change queue and store on disk (LMDB),
 * several processing units, pump, writer and reader. The same code as with servers above the ports,
 * and the same promises for kill -9.
 */
export class EmbeddedGrid {
  /** Data pumps, writers and readers, by the name of their log. */
  readonly roles: readonly EmbeddedRole[]
  /** By name of the log. */
  readonly ports: ReadonlyMap<string, SpacePorts>
  readonly #environment: EmbeddedEnvironment
  /** In the order in which they start; they stop in the opposite one. */
  readonly #running: Running[]
  readonly #serving: EmbeddedUnit[] = []
  readonly #makeUnit: (space: Space, name: string) => EmbeddedUnit
  readonly #closing: readonly { close(): Promise<void> }[]
  readonly #watches: ReadinessWatch[] = []
  readonly #watchOf = new Map<EmbeddedUnit, ReadinessWatch>()
  readonly #services = new Map<EmbeddedUnit, Subscription>()
  readonly #messaging: InProcessMessaging
  readonly #log: FaultLog

  /**
   * @throws GridError `configuration_invalid` when the directory is in use or unusable, or has a
   * space with another number of partitions
   */
  constructor(spaces: readonly Space[], options: EmbeddedGridOptions) {
    const { dataDirectory, unitsPerSpace = 2, unit: unitOptions = {} } = options
    const { tell = () => undefined, telemetry } = options
    const { streamBytesMax: bytesMax, trimDelayMs, auditIntervalMs = 0 } = options
    const { pastMs = 0, pastBytesMax = defaultPumpSettings.pastBytesMax } = options
    const pastBytes = pastRoom(pastBytesMax, bytesMax ?? logBytesDefault)
    const logOptions = bytesMax === undefined ? {} : { bytesMax }
    const { changesBytesMax = bytesMax } = options
    const changesOptions = changesBytesMax === undefined ? {} : { bytesMax: changesBytesMax }
    const limits = options.memory && limitsWithin(options.memory.budgetBytes)
    const writerOptions = {
      ...(trimDelayMs === undefined ? {} : { trimDelayMs }),
      ...(limits ? { batchBytesMax: limits.batchBytesMax, feedBytesMax: limits.feedBytesMax } : {}),
    }
    const pumpOptions = {
      ...{ pastMs, pastBytesMax: pastBytes },
      ...(limits
        ? { windowBytesMax: limits.windowBytesMax, snapshotBytesMax: limits.snapshotBytesMax }
        : {}),
    }
    const clock = new SystemClock()
    const random = new SystemRandom()
    const queries = new QueryTurns(clock, random)
    const observed = telemetry ? { telemetry } : {}
    this.#environment = new EmbeddedEnvironment(dataDirectory)
    const messaging = new InProcessMessaging(clock)
    this.#messaging = messaging
    this.#log = {
      error: (details, message) =>
        tell('reactions', { kind: 'failed', level: 'error', message, details: { ...details } }),
    }
    const store = this.#openStore(spaces, clock)
    const roles: EmbeddedRole[] = []
    const running: Running[] = []
    const logs: EmbeddedLog[] = []
    const ports = new Map<string, SpacePorts>()
    const memoryWatches = new Map<Space, MemoryWatch>()
    for (const space of spaces) {
      const watch = new MemoryWatch(space.name, 'embedded', 'grid', {
        messaging,
        clock,
        random,
        ...(options.memory ? { memory: options.memory } : {}),
      })
      running.push(watch)
      memoryWatches.set(space, watch)
      const { partitions = 1 } = space
      for (const logName of logNamesOf(space.name, partitions)) {
        const log = new EmbeddedLog(this.#environment, `${logName}-log`, clock, logOptions)
        const changes = new EmbeddedLog(
          this.#environment,
          `${logName}-changes`,
          clock,
          changesOptions,
        )
        const past = this.#openPast(logName, clock, pastMs, pastBytes)
        logs.push(log, changes, ...(past.past ? [past.past] : []))
        ports.set(logName, { log, changes, ...past, store, messaging, clock })
        const teller = (role: string) => (event: RoleEvent) => tell(`${logName} ${role}`, event)
        const told = (role: string) => ({ report: teller(role) })
        const components = {
          'data-reader': new DataReader(
            logName,
            { log, changes, store, messaging, clock, random },
            { auditIntervalMs, ...told('data-reader') },
          ),
          'data-writer': new DataWriter(
            logName,
            { log, changes, ...past, store, messaging, clock, ...observed },
            { ...writerOptions, ...told('data-writer') },
          ),
          'data-pump': new DataPump(
            logName,
            { log, changes, ...past, messaging, clock, random, ...observed },
            { ...pumpOptions, ...told('data-pump') },
          ),
        }
        running.push(...Object.values(components))
        for (const [role, component] of Object.entries(components)) {
          roles.push({ role, logName, component })
          this.#watches.push(new ReadinessWatch(clock, component, teller(role)))
        }
      }
    }
    this.#makeUnit = (space, name) => {
      const { partitions = 1 } = space
      const report = (event: RoleEvent) => tell(name, event)
      const watch = memoryWatches.get(space)
      const portsOf = (logName: LogName) => {
        const { log, changes, past } = ports.get(logName) as SpacePorts
        const kept = past && new KeptSnapshots(past)
        const opened = { log, ...(kept ? { kept } : {}) }
        const open = () => Promise.resolve(opened)
        const openChanges = () => Promise.resolve(changes)
        const own = { log, past: open, openChanges, messaging, clock, random }
        return { ...own, ...(watch ? { memory: watch } : {}), queries, ...observed }
      }
      const unit =
        partitions === 1
          ? new ProcessingUnit(name, space, portsOf(space.name), { ...unitOptions, report })
          : new PartitionedUnit(
              name,
              space,
              {
                ...{ messaging, clock, random },
                open: async (partition) => ({
                  ...portsOf(logNameOf(space.name, partition)),
                  close: async () => undefined,
                }),
              },
              // Whoever stops in one process need not be relieved: all of them stop.
              { unit: unitOptions, relieveMsMax: 0, reportOf: () => report },
            )
      this.#serving.push(unit)
      running.push(unit)
      this.#watchOf.set(unit, new ReadinessWatch(clock, unit, report))
      return unit
    }
    for (const space of spaces)
      for (let number = 1; number <= unitsPerSpace; number++)
        this.#makeUnit(space, `${space.name}-${number}`)
    this.roles = roles
    this.ports = ports
    this.#running = running
    this.#closing = [...logs, store, messaging]
  }

  #openPast(
    logName: LogName,
    clock: SystemClock,
    pastMs: number,
    bytesMax: number,
  ): { readonly past?: EmbeddedLog } {
    if (pastMs === 0) return {}
    return { past: new EmbeddedLog(this.#environment, `${logName}-past`, clock, { bytesMax }) }
  }

  /** What was opened is closed again when it is not to be begun with. */
  #openStore(spaces: readonly Space[], clock: SystemClock): EmbeddedStore {
    try {
      const store = new EmbeddedStore(this.#environment, 'store', clock)
      for (const space of spaces) checkStoredDivision(space, store, this.#environment.directory)
      return store
    } catch (error) {
      void this.#environment.close()
      throw error
    }
  }

  /** Of all spaces; units come and go with `addUnit` and `removeUnit`. */
  get serving(): readonly EmbeddedUnit[] {
    return this.#serving
  }

  /** Of spaces with one partition. */
  get units(): readonly ProcessingUnit[] {
    return this.serving.filter((unit) => unit instanceof ProcessingUnit)
  }

  start(): void {
    for (const part of this.#running) part.start()
    for (const watch of [...this.#watches, ...this.#watchOf.values()]) watch.start()
    // Reactions of one space ask another one here as they would on a network.
    for (const unit of this.serving) void this.#serveReactions(unit)
  }

  /** One more unit of a space that is served here; it says by `readiness` when it serves. */
  addUnit(space: Space): EmbeddedUnit {
    const names = new Set(this.serving.map(({ name }) => name))
    let number = 1
    while (names.has(`${space.name}-${number}`)) number++
    const unit = this.#makeUnit(space, `${space.name}-${number}`)
    unit.start()
    this.#watchOf.get(unit)?.start()
    void this.#serveReactions(unit)
    return unit
  }

  /** Stops a unit: what it has begun is finished, and it takes nothing more. */
  async removeUnit(unit: EmbeddedUnit): Promise<void> {
    const at = this.#serving.indexOf(unit)
    if (at < 0) return
    this.#serving.splice(at, 1)
    this.#running.splice(this.#running.indexOf(unit), 1)
    this.#watchOf.get(unit)?.stop()
    this.#watchOf.delete(unit)
    await this.#services.get(unit)?.stop()
    this.#services.delete(unit)
    await unit.stop()
  }

  async #serveReactions(unit: EmbeddedUnit): Promise<void> {
    const reacting = unit instanceof PartitionedUnit ? unit : unit.reactions
    this.#services.set(unit, await serveReactions(this.#messaging, reacting, this.#log))
  }

  /** Ready when every unit is; otherwise the reason of the first that is not. */
  readiness(): Readiness {
    for (const unit of this.serving) {
      const readiness = unit.readiness()
      if (!readiness.ready) return { ready: false, reason: `${unit.name}: ${readiness.reason}` }
    }
    return { ready: true }
  }

  async stop(): Promise<void> {
    for (const watch of [...this.#watches, ...this.#watchOf.values()]) watch.stop()
    await Promise.all([...this.#services.values()].map((service) => service.stop()))
    await Promise.all(this.serving.map((unit) => unit.stop()))
    for (const part of this.#running.toReversed()) await part.stop()
    for (const part of this.#closing) await part.close()
    await this.#environment.close()
  }
}
