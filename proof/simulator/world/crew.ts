import { DataPump } from '@spacegrid/data-pump/data-pump'
import { DataReader } from '@spacegrid/data-reader/data-reader'
import { DataWriter } from '@spacegrid/data-writer/data-writer'
import { ApplicationFault } from '@spacegrid/grid/core/application-fault'
import type { Space } from '@spacegrid/grid/core/definition'
import { isGridError } from '@spacegrid/grid/core/errors'
import type { Readiness } from '@spacegrid/grid/engine/life/readiness'
import type { RoleEvent } from '@spacegrid/grid/engine/life/role-event'
import type { Messaging } from '@spacegrid/grid/engine/ports/messaging'
import { decodeFrame } from '@spacegrid/grid/engine/wire/frame-codec'
import type { HostLog } from '@spacegrid/grid/kit/host-log'
import type { ProcessingUnit } from '@spacegrid/runtime/processing-unit'
import { serveNewest } from '@spacegrid/runtime/query-unit/newest-service'
import { QueryUnit } from '@spacegrid/runtime/query-unit/query-unit'
import { compareReplica } from '../check/copies.ts'
import type { History } from '../check/history.ts'
import { WatchedUnit } from './watched-unit.ts'
import type { Connected, World } from './world.ts'

/** After so long a unit knows where the log ends, ms: it asks twice a second. */
const lagKnownMsMax = 700
/** Few clients collide seldom: every collision makes a key hot. */
const hotAtOnce = 0.5
/** What users ask for at once fits into a frame of this size. */
const uncutFrameBytes = 60 * 1024

export type Role = 'unit' | 'pump' | 'writer' | 'reader' | 'query-unit'

export interface Running extends Connected {
  readonly component: {
    start(): void
    stop(): Promise<void>
    readiness(): Readiness
  }
  readonly unit: ProcessingUnit | undefined
  readonly pump: DataPump | undefined
}

/** A place for a component: it holds one after the other. */
export class Slot {
  readonly role: Role
  readonly number: number
  /** Of the application, from the next start on. */
  version: 'older' | 'newer' = 'older'
  running: Running | undefined

  constructor(role: Role, number: number) {
    this.role = role
    this.number = number
  }

  get name(): string {
    return `${this.role}-${this.number}`
  }

  get unit(): ProcessingUnit | undefined {
    return this.running?.unit
  }
}

/** All components of a grid: starts them, lets them die, and looks at what they hold. */
export class Crew {
  readonly slots: readonly Slot[]
  /** Those in whose place another one runs. */
  readonly #zombies: { readonly slot: Slot; readonly running: Running }[] = []
  readonly #world: World
  readonly #spaceOf: (version: Slot['version']) => Space
  readonly #history: History

  constructor(world: World, spaceOf: (version: Slot['version']) => Space, history: History) {
    this.#world = world
    this.#history = history
    this.#spaceOf = spaceOf
    const { units, pumps, writers, readers, queryUnits = 0 } = world.settings
    const slots = (role: Role, count: number) =>
      Array.from({ length: count }, (_, number) => new Slot(role, number))
    this.slots = [
      ...slots('unit', units),
      ...slots('pump', pumps),
      ...slots('writer', writers),
      ...slots('reader', readers),
      ...slots('query-unit', queryUnits),
    ]
    for (const slot of this.units)
      if (world.settings.newerUnits[slot.number]) slot.version = 'newer'
  }

  get units(): readonly Slot[] {
    return this.slots.filter(({ role }) => role === 'unit')
  }

  /** Units that take no commands. */
  get queryUnits(): readonly Slot[] {
    return this.slots.filter(({ role }) => role === 'query-unit')
  }

  /** Another unit may do such a command. */
  hasAffinity(command: string): boolean {
    return this.#spaceOf('older').commands.get(command)?.affinity !== undefined
  }

  startMissing(): void {
    for (const slot of this.slots) this.start(slot)
  }

  start(slot: Slot): void {
    if (slot.running) return
    const connected = this.#world.connect(slot.name)
    this.#world.trace.note(`${slot.name} starts`)
    const running = { ...connected, ...this.#make(slot, connected) }
    slot.running = running
    connected.host.whenGone(() => {
      if (slot.running === running) slot.running = undefined
      this.#world.trace.note(`${slot.name} is gone`)
    })
    running.component.start()
  }

  /** Stands still from now on, and another one is started in its place. */
  supplant(slot: Slot): void {
    const { running } = slot
    if (!running) return
    running.host.pause()
    this.#zombies.push({ slot, running })
    slot.running = undefined
    this.start(slot)
  }

  bury(): void {
    for (const { running } of this.#zombies.splice(0)) running.host.crash()
  }

  /** Gracefully, as far as it can; it is gone when it has finished, or dies `msMax` later. */
  stop(slot: Slot, msMax: number): void {
    const { running } = slot
    if (!running) return
    slot.running = undefined
    const { host, component } = running
    host.deliver(() => void component.stop().then(() => host.crash()))
    this.#world.clock.after(msMax, () => host.crash())
  }

  /** Looks at every replica and every limit. architecture.md, invariants 9 and 10. */
  inspect(): void {
    const zombies = this.#zombies.filter(({ running }) => running.host.alive)
    const slots = this.slots.map((slot) => ({ slot, running: slot.running }))
    for (const { slot, running } of [...slots, ...zombies]) {
      const { unit, pump } = running ?? {}
      if (running && unit) this.#inspectUnit(slot, running, unit)
      if (pump) {
        const { pending } = pump
        const { reference, settings } = this.#world
        // One window that could not be published and the one behind it; a frame is melded as a
        // whole, whatever it brings.
        const max = 2 * (2 * settings.pumpOptions.windowChangesMax + reference.largestStep)
        if (pending > max)
          this.#world.fail('limit', `${slot.name} keeps ${pending} changes, not ${max}`)
      }
    }
  }

  #inspectUnit(slot: Slot, running: Running, unit: ProcessingUnit): void {
    const { state } = unit
    if (state && this.#world.tail !== 'losing') {
      for (const problem of compareReplica(state, this.#world.reference))
        this.#world.fail('replica', `${slot.name}: ${problem}`)
      this.#world.coverage.count('replicas compared in full')
    }
    const { affinity } = unit
    if (affinity && affinity.passed.answered > 0)
      this.#world.coverage.count('affinity: units that have passed commands on')
    const { pending } = unit
    const { pendingMax = Number.POSITIVE_INFINITY, expiryBatchMax = 0 } =
      this.#world.settings.unitOptions[slot.number] ?? {}
    // What expires is not asked for by anybody; it is bounded by itself.
    const max = pendingMax + expiryBatchMax * (unit.space.caches.length + 1)
    if (pending > max) this.#world.fail('limit', `${slot.name} has ${pending} pending`)
    this.#inspectLag(slot, running, unit)
  }

  /**
   * A unit learns a few times a second where the log ends; what a pause or a cut kept from it may
   * still be on its way.
   */
  #inspectLag({ name, number }: Slot, running: Running, unit: ProcessingUnit): void {
    const { clock, settings } = this.#world
    const { lagPositionsMax = Number.POSITIVE_INFINITY } = settings.unitOptions[number] ?? {}
    if (!unit.readiness().ready) return
    const { host, log } = running
    const since = clock.monotonic() - lagKnownMsMax
    if (host.paused || host.stalledAt > since || log.changedAt > since) return
    const lag = this.#world.logEnd(lagKnownMsMax) - unit.position
    if (lag > lagPositionsMax)
      this.#world.fail('limit', `${name} is ready, ${lag} positions behind the log`)
  }

  /**
   * Where no frame has to be cut, no more are on their way than may be: those that chain behind the
   * last one that came back.
   */
  #inspectFrames({ name, number }: Slot, unit: ProcessingUnit): (data: Uint8Array) => void {
    const { settings } = this.#world
    const { framesInFlightMax = Infinity, ...options } = settings.unitOptions[number] ?? {}
    const isUncut = this.#world.frameBytesMax(options) >= uncutFrameBytes
    if (!isUncut || this.#world.largeCommands) return () => undefined
    const previousOf = new Map<string, number>()
    return (data) => {
      const frame = decodeFrame(data)
      if (!('origin' in frame)) return
      const { origin, id, previous } = frame
      previousOf.set(`${origin}/${id}`, previous)
      const last = unit.state?.origins.get(origin)?.lastFrame
      let count = 0
      for (let at: number | undefined = id; at !== undefined && at !== last; count++)
        at = previousOf.get(`${origin}/${at}`)
      if (last !== undefined && count > framesInFlightMax)
        this.#world.fail('limit', `${name} has ${count} frames in flight, not ${framesInFlightMax}`)
    }
  }

  #make(slot: Slot, connected: Connected): Pick<Running, 'component' | 'unit' | 'pump'> {
    const { host, clock, random, log, changes, store } = connected
    const { settings, spaceName, network } = this.#world
    const image = settings.withImage ? { image: connected.image } : {}
    const ports = { log, changes, store, messaging: network.connect(host), clock, random, ...image }
    const report = (event: RoleEvent) => this.#componentReports(slot, event)
    const none = { unit: undefined, pump: undefined }
    switch (slot.role) {
      case 'unit': {
        const options = {
          ...settings.unitOptions[slot.number],
          hotPerSecond: hotAtOnce,
          report: (event: RoleEvent) => this.#unitReports(slot, log, event),
        }
        const space = this.#spaceOf(slot.version)
        const unit = new WatchedUnit(slot.name, space, ports, options, this.#history)
        log.appending = this.#inspectFrames(slot, unit)
        if (this.queryUnits.length > 0) this.#tellNewest(ports.messaging, unit)
        return { component: unit, unit, pump: undefined }
      }
      case 'query-unit': {
        const options = {
          ...settings.unitOptions[slot.number],
          report: (event: RoleEvent) => this.#unitReports(slot, log, event),
        }
        const unit = new QueryUnit(slot.name, this.#spaceOf(slot.version), ports, options)
        log.appending = () => this.#world.fail('query unit', `${slot.name} writes to the log`)
        return { component: unit, unit, pump: undefined }
      }
      case 'pump': {
        const options = { ...settings.pumpOptions, name: slot.name, report }
        const pump = new DataPump(spaceName, ports, options)
        return { component: pump, unit: undefined, pump }
      }
      case 'writer':
        return {
          ...none,
          component: new DataWriter(spaceName, ports, { ...settings.writerOptions, report }),
        }
      case 'reader':
        return {
          ...none,
          component: new DataReader(spaceName, ports, {
            auditIntervalMs: settings.auditIntervalMs,
            report,
          }),
        }
    }
  }

  /** As the doors of a process that takes commands do. */
  #tellNewest(messaging: Messaging, unit: ProcessingUnit): void {
    const error = (_: object, message: string) => this.#world.fail('failure', message)
    void serveNewest(messaging, this.#world.spaceName, unit, { error })
  }

  #unitReports(slot: Slot, log: HostLog, event: RoleEvent): void {
    const { trace, coverage, clock, image, tail } = this.#world
    const { kind, level, message, error } = event
    trace.note(`${slot.name} ${level}: ${message}`)
    switch (kind) {
      case 'rehydrated': {
        coverage.count(`rehydrated from ${event.details?.source}`)
        const { running } = slot
        clock.soon(() => {
          if (running?.unit && slot.running === running)
            this.#inspectUnit(slot, running, running.unit)
        })
        return
      }
      case 'rehydrating':
        coverage.count(`left service: ${message.replaceAll(/[\d#]+/g, 'N').slice(25, 85)}`)
        // Only what breaks the log's contract may be a surprise to a replica.
        if (isGridError(error, 'internal') && !log.wasGlitched)
          this.#world.fail('failure', `${slot.name} ${message} ${causeOf(error)}`)
        return
      case 'waiting':
        // That the copy is not used in the end does not excuse that it was wrong.
        if (isGridError(error, 'diverged') && !image.wasDamaged && tail === 'whole')
          this.#world.fail('snapshot', `${slot.name}: ${message}`)
        return
      case 'application_fault':
        // Whether the application was meant to make a mistake there is asked where its caller is
        // told.
        if (isFaultOfCommand(error)) coverage.count('application faults')
        else this.#fail(slot, event)
        return
      case 'failed':
        this.#fail(slot, event)
        return
      case 'clock':
        coverage.count('clocks: found not to agree')
        return
      case 'definition':
        coverage.count(`definitions: ${level}`)
        // All versions here can follow one another.
        if (level === 'error') this.#fail(slot, event)
        return
      default:
        // Nothing here damages a replica, so none may ever be suspected.
        if (level !== 'info' && tail === 'whole' && !(kind === 'log' && this.#world.strangersWrite))
          this.#world.fail('audit', `${slot.name}: ${message}`)
    }
  }

  #componentReports(slot: Slot, event: RoleEvent): void {
    const { trace, coverage, image, tail, strangersWrite } = this.#world
    const { kind, level, message } = event
    trace.note(`${slot.name} ${level}: ${message}`)
    if (kind === 'took_over') coverage.count(`${slot.role}: takes over`)
    if (kind === 'standing_by') coverage.count(`${slot.role}: superseded`)
    if (kind === 'image_rebuilding') coverage.count('image: rebuilt')
    if (kind === 'began_again') coverage.count(`${slot.role}: another life`)
    // Only one that has lost entries may be found wrong.
    if (kind === 'image_wrong' && image.wasDamaged) coverage.count('image: found wrong')
    else if (level === 'error' && tail === 'whole' && !strangersWrite) this.#fail(slot, event)
  }

  #fail({ name }: Slot, { message, error }: RoleEvent): void {
    const because = `${error?.stack ?? ''} ${causeOf(error)}`
    this.#world.fail('failure', `${name}: ${message} ${because}`)
  }
}

const causeOf = (error: Error | undefined): string =>
  error?.cause instanceof Error ? `because ${error.cause.stack}` : ''

const isFaultOfCommand = (error: Error | undefined): boolean =>
  error instanceof ApplicationFault && error.callback.kind === 'command'
