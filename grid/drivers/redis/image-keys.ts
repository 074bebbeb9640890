/** Where a space's image is in Redis. */
export const positionKey = (space: string): string => `spacegrid:${space}:position`
export const checkpointKey = (space: string): string => `spacegrid:${space}:checkpoint`

/**
 * A hash: the entry's key → the entry. Caches that are called like one of the two keys above have
 * theirs elsewhere.
 */
export const entriesKey = (space: string, cache: string): string =>
  cache === 'position' || cache === 'checkpoint'
    ? `spacegrid:${space}:cache:${cache}`
    : `spacegrid:${space}:${cache}`

/** Where the hash of a cache is being built, by one builder. */
export const buildingKey = (space: string, cache: string, build: string): string =>
  `spacegrid:${space}:building:${build}:${cache}`

export const allKeysPattern = (space: string): string => `spacegrid:${space}:*`
export const isBuildingKey = (space: string, key: string): boolean =>
  key.startsWith(`spacegrid:${space}:building:`)
