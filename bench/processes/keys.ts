/**
 * Spreads consecutive turns over all entries; a prime, so that each is met before one is met again.
 */
const stride = 7919

export const numberAt = (turn: number, entries: number): number => (turn * stride) % entries

export const keyAt = (turn: number, entries: number): string => `item-${numberAt(turn, entries)}`

/** So few entries that the processor's caches hold them, however many others there are. */
export const fewEntries = 10_000
