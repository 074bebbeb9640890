import type { AnyCommand } from '@spacegrid/grid/core/definition'
import { hashOfFields, type PartitionScalar, partitionHash } from '@spacegrid/grid/core/partition'
import type { AffinityKey } from './hot-keys.ts'

/**
 * The affinity key of a command; undefined: it has none, or its input does not say. Commands with
 * the same values have the same key, whatever the fields are called.
 */
export function affinityKeyOf({ affinity }: AnyCommand, input: unknown): AffinityKey | undefined {
  if (!affinity) return undefined
  const values: PartitionScalar[] = []
  for (const field of affinity.fields) {
    const value: unknown = Object(input)[field]
    if (typeof value !== 'string' && typeof value !== 'boolean' && !Number.isSafeInteger(value))
      return undefined
    values.push(value as PartitionScalar)
  }
  // Ids of a space with one partition carry no hash: what they are is their own.
  const hash = affinity.isId ? undefined : hashOfFields(affinity, values)
  return { hash: hash ?? partitionHash(values), text: values.join(', ') }
}
