import { ApplicationFault } from '@spacegrid/grid/core/application-fault'
import type { RoleEvent } from '@spacegrid/grid/engine/life/role-event'
import type { Messaging } from '@spacegrid/grid/engine/ports/messaging'
import { ProcessingUnit } from '@spacegrid/runtime/processing-unit'
import { serveReactions } from '@spacegrid/runtime/reactions/react-request'
import { Places, type Slot } from '../divided/places.ts'
import type { Connected, DividedWorld } from '../divided/world.ts'
import type { ReactingApplication } from './application.ts'

export interface Running extends Connected {
  /** Of each space, by its log. */
  readonly units: readonly ProcessingUnit[]
}

/** Processes, each with a unit of each space, and a look at what they hold. */
export class Crew extends Places<Running> {
  readonly #application: ReactingApplication

  constructor(world: DividedWorld, application: ReactingApplication) {
    super(world)
    this.#application = application
  }

  protected make(slot: Slot<Running>, connected: Connected, messaging: Messaging): Running {
    const { host, clock, random, openLog } = connected
    const options = { ...this.world.settings.unitOptions, sources: ['peer', 'log'] as const }
    const units = this.#application.spaces(host).map((space, log) => {
      const ports = { log: openLog(log), messaging, clock, random }
      const report = (event: RoleEvent) => {
        if (event.error instanceof ApplicationFault) this.#application.faulty(log, event.error)
        else this.reported(slot, space.name, event)
      }
      return new ProcessingUnit(slot.name, space, ports, { ...options, report })
    })
    return { ...connected, units }
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
