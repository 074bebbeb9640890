import type { Space } from '@spacegrid/grid/core/definition'
import type { Place } from '@spacegrid/grid/core/place'

/** @throws TypeError when it is none of the space's partitions */
export function placeIn(
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
