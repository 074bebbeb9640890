/** Whether two pieces of plain data are equal; fields that are undefined are not there. */
export function same(a: unknown, b: unknown): boolean {
  if (a === b) return true
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null)
    return Number.isNaN(a) && Number.isNaN(b)
  if (Array.isArray(a) || ArrayBuffer.isView(a)) return sameLists(a as Lists, b as Lists)
  const left = a as Record<string, unknown>
  const right = b as Record<string, unknown>
  for (const name in left) if (!same(left[name], right[name])) return false
  for (const name in right) if (right[name] !== undefined && !(name in left)) return false
  return true
}

/** What each value was found equal to: both can no longer change. */
const found = new WeakMap<object, object>()

/**
 * The same for the values of entries. They are compared again and again, but looked through only
 * once: what is frozen stays equal.
 */
export function sameValue(a: unknown, b: unknown): boolean {
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return same(a, b)
  if (found.get(a) === b) return true
  if (!same(a, b)) return false
  if (isFrozenDeeply(a) && isFrozenDeeply(b)) found.set(a, b)
  return true
}

function isFrozenDeeply(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return true
  return Object.isFrozen(value) && Object.values(value).every(isFrozenDeeply)
}

type Lists = ArrayLike<unknown>

function sameLists(a: Lists, b: Lists): boolean {
  if (!Array.isArray(b) && !ArrayBuffer.isView(b)) return false
  if (a.length !== b.length) return false
  for (let at = 0; at < a.length; at++) if (!same(a[at], b[at])) return false
  return true
}
