import { type TObject, Type } from 'typebox'
import type { Space } from '../../core/definition.ts'
import { GridError } from '../../core/errors.ts'
import { type ReadableEvents, readableEvents } from '../../core/readable-events.ts'
import type { ReadableFields } from '../../core/readable-part.ts'
import { checkKey, invalidField } from '../../core/validation.ts'
import type { EntryFilter, FollowFilter } from '../request/live.ts'
import { bounds, type RangeParameters, rangeOf, rangeParameters } from './index-range.ts'
import { QueryInput } from './query-input.ts'

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
  ...rangeParameters,
  lastEventId: Type.Optional(
    Type.String({ description: 'For callers who cannot send the header Last-Event-ID' }),
  ),
})

type Parameters = RangeParameters & {
  readonly [Name in 'events' | 'cache' | 'key' | 'index' | 'lastEventId']?: string
}

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
        throw invalidField(
          'events',
          `names ${JSON.stringify(name)}; known: ${[...names].join(', ') || 'none'}`,
        )
    return [...new Set(asked)].sort()
  }

  #noEntries(parameters: Parameters): undefined {
    for (const name of ['key', 'index', 'equals', ...bounds] as const)
      if (parameters[name] !== undefined) throw invalidField(name, 'is of a cache: name that, too')
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
      if (index !== undefined) throw invalidField('index', 'cannot be given together with a key')
    }
    if (index !== undefined) {
      const range = rangeOf(cache, fields, index, parameters)
      return { cache: name, fields, index, range }
    }
    for (const other of ['equals', ...bounds] as const)
      if (parameters[other] !== undefined)
        throw invalidField(other, 'is of an index: name that, too')
    return { cache: name, fields, ...(key === undefined ? {} : { key }) }
  }
}
