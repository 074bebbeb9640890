import type { Value } from './data-types.ts'
import type { Space } from './definition.ts'
import { readablePart } from './readable-part.ts'

/** As a space declares it. */
export type DeclaredEvents = NonNullable<Space['readableEvents']>

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
  { readableEvents: declared }: Pick<Space, 'readableEvents'>,
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
