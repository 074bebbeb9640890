import type { RoleEvent } from '@spacegrid/grid/engine/life/role-event'
import { ProcessingUnit } from '@spacegrid/runtime/processing-unit'
import { serveReactions } from '@spacegrid/runtime/reactions/react-request'
import { compareReplica } from '../check/copies.ts'
import type { Reference } from '../check/reference.ts'
import type { Connected, DividedWorld } from '../divided/world.ts'
import type { Bank } from './bank.ts'
import { makeShop, office } from './spaces.ts'

export interface Running extends Connected {
  /** Of the space that reacts, and of the one that it reacts on: by their logs. */
  readonly units: readonly [shop: ProcessingUnit, office: ProcessingUnit]
}

/** A place for a process: it holds one after the other. */
export class Slot {
  readonly name: string
  running: Running | undefined

  constructor(number: number) {
    this.name = `unit-${number}`
  }
}

const stopMsMax = 12_000

/** Processes, each with a unit of either space: starts them, lets them die, looks at them. */
export class Crew {
  readonly slots: Slot[]
  readonly #world: DividedWorld
  readonly #bank: Bank

  constructor(world: DividedWorld, bank: Bank) {
    this.#world = world
    this.#bank = bank
    this.slots = Array.from({ length: world.settings.units }, (_, number) => new Slot(number))
  }

  get running(): readonly Running[] {
    return this.slots.flatMap(({ running }) => running ?? [])
  }

  startMissing(): void {
    for (const slot of this.slots) this.start(slot)
  }

  join(): void {
    const slot = new Slot(this.slots.length)
    this.slots.push(slot)
    this.start(slot)
  }

  start(slot: Slot): void {
    if (slot.running) return
    const connected = this.#world.connect(slot.name)
    const { host, clock, random, openLog } = connected
    const messaging = this.#world.network.connect(host)
    const options = { ...this.#world.settings.unitOptions, sources: ['peer', 'log'] as const }
    const [shop, target] = [makeShop(host, this.#bank), office].map((space, log) => {
      const ports = { log: openLog(log), messaging, clock, random }
      const report = (event: RoleEvent) => this.#reported(slot, space.name, event)
      return new ProcessingUnit(slot.name, space, ports, { ...options, report })
    }) as [ProcessingUnit, ProcessingUnit]
    const running: Running = { ...connected, units: [shop, target] }
    slot.running = running
    this.#world.trace.note(`${slot.name} starts`)
    host.whenGone(() => {
      if (slot.running === running) slot.running = undefined
      this.#world.trace.note(`${slot.name} is gone`)
    })
    const log = {
      error: (details: object, message: string) =>
        this.#world.fail('failure', `${slot.name}: ${message} ${JSON.stringify(details)}`),
    }
    for (const unit of running.units) {
      unit.start()
      void serveReactions(messaging, unit.reactions, log)
    }
  }

  leave(slot: Slot): void {
    const { running } = slot
    if (!running) return
    slot.running = undefined
    const { host, units } = running
    host.deliver(() => void Promise.all(units.map((unit) => unit.stop())).then(() => host.crash()))
    this.#world.clock.after(stopMsMax, () => host.crash())
  }

  inspect(): void {
    for (const { name, running } of this.slots)
      for (const [log, unit] of running?.units.entries() ?? []) {
        if (!unit.state) continue
        const reference = this.#world.references[log] as Reference
        for (const problem of compareReplica(unit.state, reference))
          this.#world.fail('replica', `${name}, ${unit.space.name}: ${problem}`)
        this.#world.coverage.count('replicas compared in full')
      }
  }

  #reported({ name }: Slot, space: string, { kind, level, message, error }: RoleEvent): void {
    this.#world.trace.note(`${name} ${space} ${level}: ${message}`)
    this.#world.coverage.count(`units: ${kind}`)
    if (level === 'error')
      this.#world.fail('failure', `${name} ${space}: ${message} ${error?.stack ?? ''}`)
    if (kind === 'audit' && level !== 'info') this.#world.fail('audit', `${name}: ${message}`)
  }
}
