/** Freezes plain data all the way down; bytes are left alone (a typed array cannot be frozen). */
export function freezeDeeply<T>(value: T): T {
  if (
    typeof value !== 'object' ||
    value === null ||
    Object.isFrozen(value) ||
    ArrayBuffer.isView(value)
  )
    return value
  Object.freeze(value)
  for (const child of Object.values(value)) freezeDeeply(child)
  return value
}
