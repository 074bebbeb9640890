import type { Space, Value } from '../../core/definition.ts'
import { readablePart } from '../../core/readable-part.ts'

export interface ReadableEvents {
  /** undefined: all there are. */
  readonly names: ReadonlySet<string> | undefined
  /** What callers may see of a domain event; undefined: nothing. */
  readonly shown: (name: string, payload: Value) => Value | undefined
}

/**
 * The domain events of a space that callers may follow. They are private to their space, as its
 * caches are, unless it says otherwise; where it says nothing, all of them are readable if
 * `undeclared` is, or none.
 */
export function readableEvents(
  { readableEvents: declared }: Space,
  undeclared: boolean,
): ReadableEvents {
  const readable = declared ?? undeclared
  if (readable === true) return { names: undefined, shown: (_, payload) => payload }
  if (readable === false) return { names: new Set(), shown: () => undefined }
  return {
    names: new Set(Object.keys(readable)),
    shown: (name, payload) => {
      const fields = Object.hasOwn(readable, name) ? readable[name] : undefined
      if (fields === undefined || fields === true) return fields && payload
      return readablePart(payload, fields)
    },
  }
}

/** What whoever starts a grid should know of a space that does not say it; undefined: it does. */
export function readableEventsNotice(
  { name, readableEvents: declared }: Space,
  undeclared: boolean,
): string | undefined {
  if (declared !== undefined) return undefined
  const means = undeclared
    ? 'anyone can follow them; in production nobody could'
    : 'nobody can follow them'
  return `The space ${name} does not say which of its domain events are readable: ${means} (GET /${name}/events). Declare it: defineSpace(…, { readableEvents: … })`
}
