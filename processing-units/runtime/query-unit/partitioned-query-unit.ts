import type { Space } from '@spacegrid/grid/core/definition'
import type { CommandAnswer, ExecuteOptions } from '@spacegrid/grid/doors/request/serving'
import type { Readiness } from '@spacegrid/grid/engine/life/readiness'
import { criticalShare } from '@spacegrid/grid/engine/memory/memory-watch'
import type { PlacementStatus } from '@spacegrid/grid/engine/placement/placement-status'
import type { Memory } from '@spacegrid/grid/engine/ports/memory'
import type { KeepingPorts } from '../partitions/keeping.ts'
import { PartitionedUnit, type PartitionedUnitOptions } from '../partitions/partitioned-unit.ts'
import { defaultUnitOptions } from '../unit-options.ts'
import { CommandsElsewhere } from './commands-elsewhere.ts'
import { outOfMemory } from './query-unit.ts'

/**
 * As `QueryUnit`, of a space with several partitions: query units share them among themselves,
 * `copies` of each, apart from those that take commands. What query units lack is read from those.
 */
export class PartitionedQueryUnit extends PartitionedUnit {
  readonly #elsewhere: CommandsElsewhere
  readonly #memory: Memory | undefined

  constructor(
    name: string,
    space: Space,
    ports: KeepingPorts,
    options: PartitionedUnitOptions = {},
  ) {
    super(name, space, ports, { ...options, unit: { ...options.unit, takesCommands: false } })
    const limits = { ...defaultUnitOptions, ...options.unit }
    this.#memory = ports.memory
    this.#elsewhere = new CommandsElsewhere(space, ports.messaging, limits)
  }

  override async execute(
    name: string,
    input: unknown,
    options: ExecuteOptions = {},
  ): Promise<CommandAnswer<string>> {
    return (await this.#elsewhere.execute(name, input, options)) as CommandAnswer<string>
  }

  override readiness(): Readiness {
    const memory = this.#memory
    const share = memory ? memory.usedBytes() / memory.budgetBytes : 0
    return share >= criticalShare ? outOfMemory : super.readiness()
  }

  override placement(): PlacementStatus {
    const placement = super.placement()
    const { answered = 0, elsewhere = 0, unknown = 0 } = placement.passed ?? {}
    const { counts } = this.#elsewhere
    return {
      ...placement,
      passed: {
        answered: answered + counts.answered,
        elsewhere: elsewhere + counts.elsewhere,
        unknown: unknown + counts.unknown,
      },
    }
  }
}
