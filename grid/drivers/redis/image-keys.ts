import type { LogName } from '../../core/log-name.ts'

/** Where a space's image is in Redis. */
export const positionKey = (logName: LogName): string => `spacegrid:${logName}:position`
export const checkpointKey = (logName: LogName): string => `spacegrid:${logName}:checkpoint`

/**
 * A hash: the entry's key → the entry. Caches that are called like one of the two keys above have
 * theirs elsewhere.
 */
export const entriesKey = (logName: LogName, cache: string): string =>
  cache === 'position' || cache === 'checkpoint'
    ? `spacegrid:${logName}:cache:${cache}`
    : `spacegrid:${logName}:${cache}`

/** Where the hash of a cache is being built, by one builder. */
export const buildingKey = (logName: LogName, cache: string, build: string): string =>
  `spacegrid:${logName}:building:${build}:${cache}`

export const allKeysPattern = (logName: LogName): string => `spacegrid:${logName}:*`
export const isBuildingKey = (logName: LogName, key: string): boolean =>
  key.startsWith(`spacegrid:${logName}:building:`)
