import type { Caller } from './caller.ts'

/** No door takes a key with it in it: nobody can write the key of another. */
const mark = '\u203a'
const idLength = 22
/** What a caller's own key becomes longer by. */
export const callersKeyLength = idLength + mark.length

/**
 * An idempotency key belongs to whoever has sent it: two callers may use the same, and neither sees
 * what the other has done. Whoever has not said who it is shares the keys of all who have not.
 */
export const callersKey = (key: string, caller: Caller | undefined): string =>
  caller?.identity ? `${caller.identity.id}${mark}${key}` : key

/** The key as its caller has sent it. */
export const ownKey = (key: string): string =>
  key[idLength] === mark ? key.slice(callersKeyLength) : key
