/** One change of a JSON document. */
export interface PatchOperation {
  readonly op: string
  readonly path: string
  readonly from?: string
  readonly value?: unknown
}

/**
 * What a JSON Patch makes of a document (RFC 6902), which stays as it was: only what lies on the
 * way to a change is copied.
 * @throws TypeError when it does not fit the document
 */
export function patched(document: unknown, patch: readonly PatchOperation[]): unknown {
  let result = document
  for (const { op, path, from, value } of patch) {
    const to = placesOf(path)
    if (op === 'add' || op === 'replace') result = changed(result, to, op, value)
    else if (op === 'remove') result = changed(result, to, op)
    else if (op === 'move' || op === 'copy') {
      const source = placesOf(String(from))
      const moved = found(result, source)
      if (op === 'move') result = changed(result, source, 'remove')
      result = changed(result, to, 'add', moved)
    } else if (op !== 'test') throw new TypeError(`a patch has the operation ${op}`)
  }
  return result
}

/** RFC 6901. */
function placesOf(pointer: string): readonly string[] {
  const [first, ...places] = pointer.split('/')
  if (first !== '') throw new TypeError(`${pointer} is no JSON Pointer`)
  return places.map((place) => place.replaceAll('~1', '/').replaceAll('~0', '~'))
}

function found(document: unknown, places: readonly string[]): unknown {
  let at = document
  for (const place of places) {
    if (!has(at, place)) throw nothingAt(place)
    at = at[place]
  }
  return at
}

function changed(
  document: unknown,
  [place, ...rest]: readonly string[],
  op: 'add' | 'replace' | 'remove',
  value?: unknown,
): unknown {
  if (place === undefined) return value
  if (rest.length > 0 || op !== 'add') {
    if (!has(document, place)) throw nothingAt(place)
    if (rest.length > 0)
      return withField(document, place, changed(document[place], rest, op, value))
    if (op === 'replace') return withField(document, place, value)
    if (Array.isArray(document)) return document.toSpliced(Number(place), 1)
    return Object.fromEntries(Object.entries(document).filter(([name]) => name !== place))
  }
  if (Array.isArray(document)) {
    const at = place === '-' ? document.length : Number(place)
    if (!Number.isInteger(at) || at < 0 || at > document.length) throw nothingAt(place)
    return document.toSpliced(at, 0, value)
  }
  if (Object(document) !== document) throw nothingAt(place)
  return withField(document as Readonly<Record<string, unknown>>, place, value)
}

type Container = Readonly<Record<string, unknown>>

const has = (document: unknown, place: string): document is Container =>
  Object(document) === document &&
  Object.hasOwn(document as object, place) &&
  // An array's own length is no element; a field of an object may be called so.
  !(place === 'length' && Array.isArray(document))

const withField = (document: Container, place: string, value: unknown): unknown =>
  Array.isArray(document)
    ? document.with(Number(place), value)
    : // Not an assignment: a field may be called __proto__.
      Object.fromEntries([...Object.entries(document), [place, value]])

const nothingAt = (place: string): TypeError =>
  new TypeError(`a patch changes ${JSON.stringify(place)}, which is not there`)
