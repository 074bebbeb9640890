import type { Space } from '@spacegrid/grid/core/definition'
import type { CommandAnswer, ExecuteOptions } from '@spacegrid/grid/doors/request/serving'
import type { Readiness } from '@spacegrid/grid/engine/life/readiness'
import type { MemoryWatch } from '@spacegrid/grid/engine/memory/memory-watch'
import { ProcessingUnit } from '../processing-unit.ts'
import type { ProcessingUnitOptions } from '../processing-unit-options.ts'
import { defaultUnitOptions } from '../unit-options.ts'
import type { UnitPorts } from '../unit-ports.ts'
import { CommandsElsewhere } from './commands-elsewhere.ts'

export const outOfMemory: Readiness = {
  ready: false,
  reason: 'its memory is nearly full: give it as much as the units that take commands have',
}

/**
 * A unit of a space with one partition that answers queries, reads of entries, events and live
 * queries, and takes no commands: those that come to it all the same it passes on. It melds like
 * every replica, and never writes to the log: what it does or suffers changes nothing for those
 * that take commands, nor for what is stored. Docs: decisions/0054.
 */
export class QueryUnit extends ProcessingUnit {
  readonly #elsewhere: CommandsElsewhere
  readonly #memory: MemoryWatch | undefined

  constructor(name: string, space: Space, ports: UnitPorts, options: ProcessingUnitOptions = {}) {
    super(name, space, ports, { ...options, takesCommands: false })
    const limits = { ...defaultUnitOptions, ...options }
    this.#memory = ports.memory
    this.#elsewhere = new CommandsElsewhere(space, ports.messaging, limits)
  }

  /** Whoever does it turns it away. */
  override turnAway(): void {}

  /** What it has answered it also shows. */
  override async execute(
    name: string,
    input: unknown,
    options: ExecuteOptions = {},
  ): Promise<CommandAnswer<number>> {
    const answer = (await this.#elsewhere.execute(name, input, options)) as CommandAnswer<number>
    await this.reach(answer.position)
    return answer
  }

  /** It holds all that the others add, whether it has room for that or not. */
  override readiness(): Readiness {
    return this.#memory?.isCritical ? outOfMemory : super.readiness()
  }

  override status() {
    return { ...super.status(), passed: this.#elsewhere.counts }
  }
}
