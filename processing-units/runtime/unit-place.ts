import type { AnyCommand, CommandPart, Space } from '@spacegrid/grid/core/definition'
import { checkPartsOfSpace, partsOf } from '@spacegrid/grid/core/parts'
import { type Place, placedHash } from '@spacegrid/grid/core/place'
import { callbackOf } from './answers.ts'
import type { FaultDesk } from './fault-desk.ts'

/**
 * Where a unit is among the partitions of its space, and whether what it is asked belongs there.
 */
export class UnitPlace {
  /** undefined: the space has only one. */
  readonly place: Place | undefined
  readonly #space: Space
  readonly #faults: FaultDesk

  /** @throws TypeError when it is none of the space's partitions */
  constructor(space: Space, partition: number | undefined, faults: FaultDesk) {
    this.place = placeIn(space, partition)
    this.#space = space
    this.#faults = faults
  }

  /**
   * Of the command's partition key; of a command that consists of parts, that of the first one: all
   * of them are here.
   * @throws GridError `wrong_partition`, `application_fault`
   */
  hashOf(command: AnyCommand, input: unknown): number | undefined {
    if (command.parts) {
      const hashes = this.#partsOf(command, input).map((part) => this.#placed(part))
      return hashes[0]
    }
    return this.place && this.#placed({ command, input })
  }

  #placed({ command: { name, partitionBy }, input }: CommandPart): number | undefined {
    if (!this.place || !partitionBy) return undefined
    return placedHash(this.place, partitionBy, input, `command ${name}`)
  }

  /** What it would come to when it runs is told at once: parts are the same each time. */
  #partsOf(command: AnyCommand, input: unknown): readonly CommandPart[] {
    try {
      const parts = partsOf(command, input)
      checkPartsOfSpace(this.#space, parts)
      return parts
    } catch (thrown) {
      throw this.#faults.judge(callbackOf('command', command), thrown)
    }
  }
}

function placeIn(
  { name, partitions = 1 }: Space,
  partition: number | undefined,
): Place | undefined {
  if (partition === undefined && partitions === 1) return undefined
  if (partition !== undefined && partitions > 1 && partition >= 0 && partition < partitions)
    return { partition, partitions }
  throw new TypeError(
    `space ${name} has ${partitions} partitions: a unit keeps one of them, not ${partition}`,
  )
}
