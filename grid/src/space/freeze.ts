/** Deepest nesting that is frozen, and with that read from anywhere: more than `dataDepthMax`, for what earlier versions took. */
const frozenDepthMax = 512

/**
 * Freezes decoded data all the way down, in place: an entry that a handler could change would differ from its replicas. Bytes and other arrays of
 * numbers are left alone, for they cannot be frozen.
 * @throws RangeError when it is nested more deeply than 512 levels
 */
export function freezeDeeply<T>(data: T): T {
  if (typeof data === 'object' && data !== null) freeze(data, frozenDepthMax)
  return data
}

function freeze(data: object, depth: number): void {
  if (ArrayBuffer.isView(data)) return
  if (depth === 0) throw new RangeError(`data is nested more deeply than ${frozenDepthMax} levels`)
  if (Array.isArray(data)) {
    for (const item of data) if (typeof item === 'object' && item !== null) freeze(item, depth - 1)
  } else
    for (const name in data) {
      const member: unknown = data[name as keyof typeof data]
      if (typeof member === 'object' && member !== null) freeze(member, depth - 1)
    }
  Object.freeze(data)
}
