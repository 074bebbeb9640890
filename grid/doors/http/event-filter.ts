import { type TObject, Type } from 'typebox'
import type { AnyCache, IndexRange, Space } from '../../core/definition.ts'
import { GridError } from '../../core/errors.ts'
import { checkKey } from '../../core/validation.ts'
import type { EntryFilter, FollowFilter, ReadableFields } from '../request/live.ts'
import { QueryInput } from './query-input.ts'
import { type ReadableEvents, readableEvents } from './readable-events.ts'

const bounds = ['from', 'after', 'to', 'before'] as const
const text = Type.Optional(Type.String())

/** The parameters of a stream of events, as its documentation shows them. */
export const eventParameters = Type.Object({
  events: Type.Optional(
    Type.String({
      description: 'Names of domain events, comma-separated; none at all: all; empty: none',
    }),
  ),
  cache: Type.Optional(Type.String({ description: 'Changes of its entries, too' })),
  key: Type.Optional(Type.String({ description: 'Of this entry of the cache only' })),
  index: Type.Optional(Type.String({ description: 'Of entries in a range of this index only' })),
  equals: Type.Optional(
    Type.Array(Type.String(), { description: 'Values of its first fields, one parameter each' }),
  ),
  ...{ from: text, after: text, to: text, before: text },
  lastEventId: Type.Optional(
    Type.String({ description: 'For callers who cannot send the header Last-Event-ID' }),
  ),
})

type Parameters = {
  readonly [Name in
    | 'events'
    | 'cache'
    | 'key'
    | 'index'
    | 'lastEventId'
    | (typeof bounds)[number]]?: string
} & { readonly equals?: readonly string[] }

export interface AskedEvents {
  readonly filter: FollowFilter
  readonly lastEventId: string | undefined
}

/** Reads what a caller wants to hear of a space. */
export class EventFilters {
  readonly #input = new QueryInput(eventParameters as unknown as TObject)
  readonly #space: Space
  readonly #events: ReadableEvents
  readonly #readable: ReadonlyMap<string, ReadableFields>

  constructor(space: Space, readable: ReadonlyMap<string, ReadableFields>, undeclared: boolean) {
    this.#space = space
    this.#events = readableEvents(space, undeclared)
    this.#readable = readable
  }

  /** @throws GridError `invalid_input`, `unknown_cache`, `invalid_key` */
  parse(queryString: string): AskedEvents {
    const parameters = this.#input.parse(queryString) as Parameters
    const { events, cache, lastEventId } = parameters
    const names = this.#namesOf(events)
    const entries =
      cache === undefined ? this.#noEntries(parameters) : this.#entriesOf(cache, parameters)
    const filter = { ...(names ? { events: names } : {}), ...(entries ? { entries } : {}) }
    return { filter, lastEventId }
  }

  #namesOf(text: string | undefined): readonly string[] | undefined {
    const { names } = this.#events
    if (text === undefined) return names && [...names]
    const asked = text.split(',').filter((name) => name !== '')
    for (const name of asked)
      if (names && !names.has(name))
        throw invalid(
          'events',
          `names ${JSON.stringify(name)}; known: ${[...names].join(', ') || 'none'}`,
        )
    return [...new Set(asked)].sort()
  }

  #noEntries(parameters: Parameters): undefined {
    for (const name of ['key', 'index', 'equals', ...bounds] as const)
      if (parameters[name] !== undefined) throw invalid(name, 'is of a cache: name that, too')
    return undefined
  }

  #entriesOf(name: string, parameters: Parameters): EntryFilter {
    const fields = this.#readable.get(name)
    const cache = this.#space.caches.find((one) => one.name === name)
    if (!cache || !fields) {
      const known = [...this.#readable.keys()]
      const message = `No cache ${JSON.stringify(name.slice(0, 200))} that callers may read; known: ${known.join(', ') || 'none'}`
      throw new GridError('unknown_cache', message, { details: { known } })
    }
    const { key, index } = parameters
    if (key !== undefined) {
      checkKey(key, `cache ${name}`)
      if (index !== undefined) throw invalid('index', 'cannot be given together with a key')
    }
    if (index !== undefined) {
      const range = rangeOf(cache, fields, index, parameters)
      return { cache: name, fields, index, range }
    }
    for (const other of ['equals', ...bounds] as const)
      if (parameters[other] !== undefined) throw invalid(other, 'is of an index: name that, too')
    return { cache: name, fields, ...(key === undefined ? {} : { key }) }
  }
}

function rangeOf(
  cache: AnyCache,
  readable: ReadableFields,
  index: string,
  parameters: Parameters,
): IndexRange {
  const isOpen = (of: readonly string[]) =>
    readable === 'all' || of.every((field) => readable.includes(field))
  const known = Object.entries(cache.indexes as Record<string, readonly string[]>)
    .filter(([, of]) => isOpen(of))
    .map(([name]) => name)
  const fields = known.includes(index) ? (cache.indexes[index] as readonly string[]) : undefined
  if (!fields)
    throw invalid(
      'index',
      `is none of those whose fields callers may read: ${known.join(', ') || 'none'}`,
    )
  const { equals = [] } = parameters
  if (equals.length > fields.length)
    throw invalid('equals', `is given more often than ${index} has fields`)
  const range: Record<string, unknown> = {
    equals: equals.map((value, at) => fieldValue(cache, fields[at] as string, 'equals', value)),
  }
  for (const bound of bounds) {
    const value = parameters[bound]
    if (value === undefined) continue
    const field = fields[equals.length]
    if (field === undefined) throw invalid(bound, `has no field left in ${index}`)
    range[bound] = fieldValue(cache, field, bound, value)
  }
  return range
}

/** The text of a parameter as the field has it. */
function fieldValue(
  { schema }: AnyCache,
  field: string,
  parameter: string,
  value: string,
): unknown {
  const one = Type.Object({ [field]: schema.properties[field] ?? Type.Any() })
  try {
    return new QueryInput(one).parse(`${encodeURIComponent(field)}=${encodeURIComponent(value)}`)[
      field
    ]
  } catch (error) {
    if (error instanceof GridError) throw invalid(parameter, error.message)
    throw error
  }
}

const invalid = (path: string, message: string): GridError =>
  new GridError('invalid_input', `${path} ${message}`, { details: { errors: [{ path, message }] } })
