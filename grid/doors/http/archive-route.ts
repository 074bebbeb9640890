import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { type TObject, Type } from 'typebox'
import { type ReadableFields, readableIndexes, readablePart } from '../../core/readable-part.ts'
import type { AnyCache } from '../../core/transaction.ts'
import { checkKey, invalidField } from '../../core/validation.ts'
import type { ArchiveAsked, ArchivePage, ReadOptions, StoredAnswer } from '../request/serving.ts'
import { archivedEntrySchema, archiveRangeSchema } from './archive-schema.ts'
import { versionTag } from './entity-tag.ts'
import { type Door, sendJson, sendTagged } from './exchange.ts'
import { HttpRequest } from './http-request.ts'
import { type RangeParameters, rangeOf, rangeParameters } from './index-range.ts'
import { type PageParameters, pageOf, pageParameters, parsedWhole } from './page-parameters.ts'
import { QueryInput } from './query-input.ts'
import type { UnitRotation } from './unit-rotation.ts'

interface ArchiveRoute {
  readonly door: Door
  readonly cache: AnyCache
  readonly fields: ReadableFields
}

/**
 * `GET /{space}/archive/{cache}/{key}`: an entry as the store has it, in memory or not. And, of a
 * cache whose entries may leave memory, `GET /{space}/archive/{cache}?index=…`: those that have.
 */
export function addArchiveRoutes(
  app: FastifyInstance,
  door: Door,
  rotation: UnitRotation,
  cache: AnyCache,
  fields: ReadableFields,
): void {
  const { space } = rotation
  const { name } = cache
  const route: ArchiveRoute = { door, cache, fields }
  const byKey = door.pipeline.stored(space.name, cache)
  const schema = archivedEntrySchema(space, cache, fields)
  const url = `/${space.name}/archive/${name}`
  app.get(`${url}/:key`, { config: { schema, path: byKey } }, (request, reply) =>
    byKey.run(rotation.next(), new StoredRequest(request, reply, route)),
  )
  if (!cache.archive) return
  const byRange = door.pipeline.archive(space.name, cache)
  const config = { schema: archiveRangeSchema(space, cache, fields), path: byRange }
  app.get(url, { config }, (request, reply) =>
    byRange.run(rotation.next(), new RangeRequest(request, reply, route)),
  )
}

class StoredRequest extends HttpRequest<ReadOptions, StoredAnswer> {
  readonly #route: ArchiveRoute

  constructor(request: FastifyRequest, reply: FastifyReply, route: ArchiveRoute) {
    super(request, reply)
    this.#route = route
  }

  input(): string {
    const { key } = this.request.params as { readonly key: string }
    checkKey(key, `cache ${this.#route.cache.name}`)
    return key
  }

  answer({ key, value, version, writtenAt, archived, position }: StoredAnswer): void {
    const { door, fields } = this.#route
    const write = () =>
      JSON.stringify({ key, value: readablePart(value, fields), version, writtenAt, archived })
    const tag = versionTag(version)
    sendTagged(door, this.request, this.reply, { position, ageMs: undefined, tag, write })
  }
}

class RangeRequest extends HttpRequest<ReadOptions, ArchivePage> {
  readonly #route: ArchiveRoute

  constructor(request: FastifyRequest, reply: FastifyReply, route: ArchiveRoute) {
    super(request, reply)
    this.#route = route
  }

  input(): ArchiveAsked {
    const { cache, fields } = this.#route
    return readArchiveAsked(cache, fields, (this.request.query as { readonly text: string }).text)
  }

  answer({ entries, next, position }: ArchivePage): void {
    const { door, fields } = this.#route
    const told = entries.map(({ key, value, version, writtenAt }) => ({
      ...{ key, value: readablePart(value, fields), version, writtenAt },
    }))
    const body = JSON.stringify({ entries: told, next: next ?? null, position })
    const headers = ['grid-position', String(position), 'cache-control', 'no-cache']
    sendJson(door, this.reply, headers, body)
  }
}

const text = Type.Optional(Type.String())

const archiveParameters = Type.Object({
  index: text,
  ...rangeParameters,
  reverse: text,
  ...pageParameters,
})

type Parameters = RangeParameters &
  PageParameters & {
    readonly [Name in 'index' | 'reverse']?: string
  }

const inputs = new QueryInput(archiveParameters as unknown as TObject)

/**
 * What a URL asks of an index: `index`, `equals` for each of its leading fields, one of `from` and
 * `after`, one of `to` and `before` for the next one, `reverse`, `limit`, `cursor`.
 * @throws GridError `invalid_input`
 */
export function readArchiveAsked(
  cache: AnyCache,
  fields: ReadableFields,
  text: string,
): ArchiveAsked {
  const parameters = parsedWhole(inputs, text) as Parameters
  const { index, reverse } = parameters
  if (index === undefined)
    throw invalidField(
      'index',
      `must be one of ${[...readableIndexes(cache.indexes, fields).keys()]}`,
    )
  const range = rangeOf(cache, fields, index, parameters)
  if (reverse !== undefined && reverse !== 'true' && reverse !== 'false')
    throw invalidField('reverse', 'must be true or false')
  const page = pageOf(parameters)
  return {
    index,
    range: { ...range, reverse: reverse === 'true' },
    ...page,
  }
}
