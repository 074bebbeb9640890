/** The key-value bucket in which managers of a grid meet, and leave what people read. */
export const scalingBucket = 'spacegrid_scaling'

/** @param spaces that the units serve */
export function scalingKeys(spaces: readonly string[]): {
  readonly lease: string
  readonly journal: string
} {
  const group = [...spaces].sort().join('_')
  return { lease: `${group}.lease`, journal: `${group}.journal` }
}
