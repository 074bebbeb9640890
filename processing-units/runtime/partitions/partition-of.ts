import { ownInput } from '@spacegrid/grid/core/access'
import type { Space } from '@spacegrid/grid/core/definition'
import { GridError } from '@spacegrid/grid/core/errors'
import {
  hashBy,
  hashOfFields,
  hashOfId,
  type PartitionBy,
  partitionOfHash,
} from '@spacegrid/grid/core/partition'
import type { AnyCache } from '@spacegrid/grid/core/transaction'
import { checkFits } from '@spacegrid/grid/core/validation'

interface Asked {
  readonly name: string
  readonly input: Parameters<typeof checkFits>[0]
  readonly partitionBy?: PartitionBy | undefined
  readonly perCaller?: boolean | undefined
}

/**
 * The partition that a command or a query is about.
 * @throws GridError `invalid_input`
 */
export const partitionOfInput = ({ partitions = 1 }: Space, asked: Asked, input: unknown): number =>
  partitionOfHash(hashOfInput(asked, input), partitions)

/**
 * The hash of the partition key of a command or a query.
 * @throws GridError `invalid_input`
 */
export function hashOfInput(asked: Asked, input: unknown): number {
  const { name, input: schema, partitionBy } = asked
  try {
    return hashBy(partitionBy as PartitionBy, Object(input), name)
  } catch (error) {
    // What is wrong with it is said in full.
    checkFits(schema, ownInput(asked, input), name)
    throw error
  }
}

/** The partition of a value of a cache. */
export const partitionOfValue = (
  { partitions = 1 }: Space,
  { name, partitionBy }: AnyCache,
  value: unknown,
): number =>
  partitionOfHash(hashBy(partitionBy as PartitionBy, Object(value), `cache ${name}`), partitions)

/** Where an entry is, going by its key. */
export interface EntryPlace {
  readonly partition: number
  /** It can be nowhere else. */
  readonly isCertain: boolean
}

/** undefined: its key does not say. */
export function partitionOfKey(
  { partitions = 1 }: Space,
  { key: keyField, partitionBy }: AnyCache,
  key: string,
): EntryPlace | undefined {
  const isByKey = partitionBy?.fields.length === 1 && partitionBy.fields[0] === keyField
  const hash = isByKey ? hashOfFields(partitionBy, [key]) : hashOfId(key)
  if (hash === undefined) {
    if (isByKey) throw new GridError('not_found', `${JSON.stringify(key)} is no id of this space`)
    return undefined
  }
  // Ids are made in the partition that they name, but any text may look like one.
  return { partition: partitionOfHash(hash, partitions), isCertain: isByKey }
}
