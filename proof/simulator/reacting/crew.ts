import type { RoleEvent } from '@spacegrid/grid/engine/life/role-event'
import type { Messaging } from '@spacegrid/grid/engine/ports/messaging'
import { ProcessingUnit } from '@spacegrid/runtime/processing-unit'
import { serveReactions } from '@spacegrid/runtime/reactions/react-request'
import { Places, type Slot } from '../divided/places.ts'
import type { Connected, DividedWorld } from '../divided/world.ts'
import type { Bank } from './bank.ts'
import { makeShop, office } from './spaces.ts'

export interface Running extends Connected {
  /** Of the space that reacts, and of the one that it reacts on: by their logs. */
  readonly units: readonly [shop: ProcessingUnit, office: ProcessingUnit]
}

/** Processes, each with a unit of either space, and a look at what they hold. */
export class Crew extends Places<Running> {
  readonly #bank: Bank

  constructor(world: DividedWorld, bank: Bank) {
    super(world)
    this.#bank = bank
  }

  protected make(slot: Slot<Running>, connected: Connected, messaging: Messaging): Running {
    const { host, clock, random, openLog } = connected
    const options = { ...this.world.settings.unitOptions, sources: ['peer', 'log'] as const }
    const [shop, target] = [makeShop(host, this.#bank), office].map((space, log) => {
      const ports = { log: openLog(log), messaging, clock, random }
      const report = (event: RoleEvent) => this.reported(slot, space.name, event)
      return new ProcessingUnit(slot.name, space, ports, { ...options, report })
    }) as [ProcessingUnit, ProcessingUnit]
    return { ...connected, units: [shop, target] }
  }

  protected begin({ name }: Slot<Running>, { units }: Running, messaging: Messaging): void {
    const log = {
      error: (details: object, message: string) =>
        this.world.fail('failure', `${name}: ${message} ${JSON.stringify(details)}`),
    }
    for (const unit of units) {
      unit.start()
      void serveReactions(messaging, unit.reactions, log)
    }
  }

  protected stop({ units }: Running): Promise<unknown> {
    return Promise.all(units.map((unit) => unit.stop()))
  }

  /** Looks at every replica. */
  inspect(): void {
    for (const { name, running } of this.slots)
      for (const [log, unit] of running?.units.entries() ?? [])
        if (unit.state) this.compare(`${name}, ${unit.space.name}`, log, unit.state)
  }
}
