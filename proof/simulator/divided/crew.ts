import type { Space } from '@spacegrid/grid/core/definition'
import { partitionOf } from '@spacegrid/grid/core/log-name'
import type { RoleEvent } from '@spacegrid/grid/engine/life/role-event'
import { PartitionedUnit } from '@spacegrid/runtime/partitions/partitioned-unit'
import { compareReplica } from '../check/copies.ts'
import { compareProjections } from '../check/projections.ts'
import type { Reference } from '../check/reference.ts'
import type { Connected, DividedWorld } from './world.ts'

export interface Running extends Connected {
  readonly unit: PartitionedUnit
}

/** A place for a unit: it holds one after the other. */
export class Slot {
  readonly number: number
  running: Running | undefined
  /** It is not to be there. */
  isGone = false

  constructor(number: number) {
    this.number = number
  }

  get name(): string {
    return `unit-${this.number}`
  }
}

/** Longest time that a unit takes to stop. */
const stopMsMax = 12_000

/** The units of a divided space: starts them, lets them die, and looks at what they hold. */
export class Crew {
  readonly slots: Slot[]
  readonly #world: DividedWorld
  readonly #space: Space

  constructor(world: DividedWorld, space: Space) {
    this.#world = world
    this.#space = space
    this.slots = Array.from({ length: world.settings.units }, (_, number) => new Slot(number))
  }

  get running(): readonly Running[] {
    return this.slots.flatMap(({ running }) => running ?? [])
  }

  startMissing(): void {
    for (const slot of this.slots) this.start(slot)
  }

  /** One more than before. */
  join(): void {
    const slot = new Slot(this.slots.length)
    this.slots.push(slot)
    this.start(slot)
  }

  start(slot: Slot): void {
    if (slot.running) return
    const connected = this.#world.connect(slot.name)
    const { host, clock, random } = connected
    const messaging = this.#world.network.connect(host)
    const { settings } = this.#world
    const unit = new PartitionedUnit(
      slot.name,
      this.#space,
      {
        ...{ messaging, clock, random },
        open: async (partition) => {
          const log = connected.openLog(partition)
          return { log, messaging, clock, random, close: () => log.close() }
        },
      },
      {
        copies: settings.copies,
        relieveMsMax: 2000,
        unit: { ...settings.unitOptions, sources: ['peer', 'log'] },
        reportOf: (logName) => (event) => this.#reported(slot, logName, event),
      },
    )
    const running: Running = { ...connected, unit }
    slot.running = running
    this.#world.trace.note(`${slot.name} starts`)
    host.whenGone(() => {
      if (slot.running === running) slot.running = undefined
      this.#world.trace.note(`${slot.name} is gone`)
    })
    unit.start()
  }

  /** Gracefully; it is gone when it has finished, or dies a while later. */
  leave(slot: Slot): void {
    const { running } = slot
    if (!running) return
    slot.running = undefined
    const { host, unit } = running
    host.deliver(() => void unit.stop().then(() => host.crash()))
    this.#world.clock.after(stopMsMax, () => host.crash())
  }

  /** Looks at every replica. architecture.md, invariants 1, 8 and 9. */
  inspect(): void {
    for (const { name, running } of this.slots) {
      if (!running) continue
      for (const [logName, { state }] of running.unit.parts) {
        if (!state) continue
        const partition = partitionOf(logName) as number
        const reference = this.#world.references[partition] as Reference
        for (const problem of compareReplica(state, reference))
          this.#world.fail('replica', `${name}, partition ${partition}: ${problem}`)
        this.#world.coverage.count('replicas compared in full')
      }
      for (const part of running.unit.parts.values())
        for (const { projection, text } of compareProjections(part))
          this.#world.fail('projection', `${name}: ${projection.name}: ${text}`)
    }
  }

  #reported({ name }: Slot, logName: string, { kind, level, message, error }: RoleEvent): void {
    this.#world.trace.note(`${name} ${logName} ${level}: ${message}`)
    this.#world.coverage.count(`units: ${kind}`)
    if (level === 'error')
      this.#world.fail('failure', `${name} ${logName}: ${message} ${error?.stack ?? ''}`)
    // Nothing here damages a replica, so none may ever be suspected.
    if (kind === 'audit' && level !== 'info') this.#world.fail('audit', `${name}: ${message}`)
  }
}
