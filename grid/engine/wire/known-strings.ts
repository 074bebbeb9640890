/** Longer strings are seldom alike. */
const lengthMax = 24
const slots = 4096

/**
 * One string for equal short ones (a status, a section, a customer's id): decoding makes a new one
 * each time, and a space of a million entries would hold a million of each. A table in which the
 * latest string of a slot stays, so that it needs no upkeep and no bound but its size.
 */
const known: string[] = new Array(slots).fill('')

export function knownString(text: string): string {
  const { length } = text
  if (length === 0 || length > lengthMax) return text
  const ends = text.charCodeAt(0) * 31 + text.charCodeAt(length - 1)
  const slot = ((ends * 31 + text.charCodeAt(length >>> 1)) * 31 + length) & (slots - 1)
  const before = known[slot] as string
  if (before === text) return before
  known[slot] = text
  return text
}
