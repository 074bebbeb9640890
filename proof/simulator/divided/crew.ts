import type { Space } from '@spacegrid/grid/core/definition'
import { partitionOf } from '@spacegrid/grid/core/log-name'
import type { Messaging } from '@spacegrid/grid/engine/ports/messaging'
import { PartitionedUnit } from '@spacegrid/runtime/partitions/partitioned-unit'
import { compareProjections } from '../check/projections.ts'
import { Places, type Slot } from './places.ts'
import type { Connected, DividedWorld } from './world.ts'

export interface Running extends Connected {
  readonly unit: PartitionedUnit
}

/** The units of a divided space, and a look at what they hold. */
export class Crew extends Places<Running> {
  readonly #space: Space

  constructor(world: DividedWorld, space: Space) {
    super(world)
    this.#space = space
  }

  protected make(slot: Slot<Running>, connected: Connected, messaging: Messaging): Running {
    const { clock, random } = connected
    const { settings } = this.world
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
        reportOf: (logName) => (event) => this.reported(slot, logName, event),
      },
    )
    return { ...connected, unit }
  }

  protected begin(_slot: Slot<Running>, { unit }: Running): void {
    unit.start()
  }

  protected stop({ unit }: Running): Promise<void> {
    return unit.stop()
  }

  /** Looks at every replica. */
  inspect(): void {
    for (const { name, running } of this.slots) {
      if (!running) continue
      for (const [logName, { state }] of running.unit.parts) {
        if (!state) continue
        const partition = partitionOf(logName) as number
        this.compare(`${name}, partition ${partition}`, partition, state)
      }
      for (const part of running.unit.parts.values())
        for (const { projection, text } of compareProjections(part))
          this.world.fail('projection', `${name}: ${projection.name}: ${text}`)
    }
  }
}
