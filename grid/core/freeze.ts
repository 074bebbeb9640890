/**
 * Deepest nesting that is frozen, and with that read from anywhere: more than `dataDepthMax`, for
 * what earlier versions took.
 */
const frozenDepthMax = 512

/** Of what is being frozen: objects and lists that there may still be. */
let room = 0
/** Of what has been frozen last, so far. */
let bytes = 0

/**
 * Freezes decoded data all the way down, in place: an entry that a handler could change would
 * differ from its replicas. Bytes and other arrays of numbers are left alone, for they cannot be
 * frozen. `objectsMax`: of data in which one object may stand in several places, or in itself, and
 * each place is gone through. Default: any number.
 * @throws RangeError when it is nested more deeply than 512 levels, or has more than `objectsMax`
 * objects and lists
 */
export function freezeDeeply<T>(data: T, objectsMax = Number.POSITIVE_INFINITY): T {
  room = objectsMax
  bytes = 1
  if (typeof data === 'object' && data !== null) freeze(data, frozenDepthMax)
  return data
}

/** Bytes of content in what was frozen last: characters and bytes, and one for everything else. */
export const frozenBytes = (): number => bytes

function freeze(data: object, depth: number): void {
  if (ArrayBuffer.isView(data)) {
    bytes += data.byteLength
    return
  }
  if (depth === 0) throw new RangeError(`data is nested more deeply than ${frozenDepthMax} levels`)
  if (--room < 0) throw new RangeError('data has too many objects and lists')
  if (Array.isArray(data)) {
    for (const item of data) freezeInside(item, depth)
  } else for (const name in data) freezeInside(data[name as keyof typeof data], depth)
  Object.freeze(data)
}

function freezeInside(member: unknown, depth: number): void {
  bytes += typeof member === 'string' ? member.length : 1
  if (typeof member === 'object' && member !== null) freeze(member, depth - 1)
}
