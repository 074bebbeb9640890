/** The key-value bucket in which managers of a grid meet, and leave what people read. */
export const scalingBucket = 'spacegrid_scaling'

const betweenSpaces = '_'
const journalEnd = '.journal'

/** @param spaces that the units serve */
export function scalingKeys(spaces: readonly string[]): {
  readonly lease: string
  readonly journal: string
} {
  const group = [...spaces].sort().join(betweenSpaces)
  return { lease: `${group}.lease`, journal: `${group}${journalEnd}` }
}

/** Whose journal that is; undefined: it is none. No name of a space has a dot or an underscore. */
export const spacesOfJournal = (key: string): readonly string[] | undefined =>
  key.endsWith(journalEnd) ? key.slice(0, -journalEnd.length).split(betweenSpaces) : undefined
