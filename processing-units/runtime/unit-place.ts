import type { AnyCommand, CommandPart, Space } from '@spacegrid/grid/core/definition'
import { type Place, placedHash } from '@spacegrid/grid/core/place'
import { checkedParts } from './checked-parts.ts'
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
      const parts = checkedParts(this.#space, command, input, this.#faults)
      const hashes = parts.map((part) => this.#placed(part))
      return hashes[0]
    }
    return this.place && this.#placed({ command, input })
  }

  #placed({ command: { name, partitionBy }, input }: CommandPart): number | undefined {
    if (!this.place || !partitionBy) return undefined
    return placedHash(this.place, partitionBy, input, `command ${name}`)
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
