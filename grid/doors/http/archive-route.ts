import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { AnyCache, IndexRange, Scalar } from '../../core/definition.ts'
import { GridError } from '../../core/errors.ts'
import { typesOf } from '../../core/schema-check.ts'
import { checkKey } from '../../core/validation.ts'
import type { ReadableFields } from '../request/live.ts'
import type { ArchiveAsked, ArchivePage, ReadOptions, StoredAnswer } from '../request/serving.ts'
import { versionTag } from './entity-tag.ts'
import { type Door, sendJson, sendTagged } from './exchange.ts'
import { HttpRequest } from './http-request.ts'
import { archivedEntrySchema, archiveRangeSchema } from './open-api.ts'
import { readablePart } from './readable-caches.ts'
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
  const byKey = door.pipeline.stored(space.name, name)
  const schema = archivedEntrySchema(space, cache, fields)
  app.get(`/${space.name}/archive/${name}/:key`, { config: { schema } }, (request, reply) =>
    byKey.run(rotation.next(), new StoredRequest(request, reply, route)),
  )
  if (!cache.archive) return
  const byRange = door.pipeline.archive(space.name, name)
  const rangeSchema = archiveRangeSchema(space, cache, fields)
  app.get(`/${space.name}/archive/${name}`, { config: { schema: rangeSchema } }, (request, reply) =>
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
    return readArchiveAsked(
      this.#route.cache,
      (this.request.query as { readonly text: string }).text,
    )
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

const bounds = ['from', 'after', 'to', 'before'] as const
const once = ['index', ...bounds, 'reverse', 'limit', 'cursor'] as const

/**
 * What a URL asks of an index: `index`, `equals` for each of its leading fields, one of `from` and
 * `after`, one of `to` and `before` for the next one, `reverse`, `limit`, `cursor`.
 * @throws GridError `invalid_input`
 */
export function readArchiveAsked(cache: AnyCache, text: string): ArchiveAsked {
  const given = new URLSearchParams(text)
  for (const name of given.keys())
    if (name !== 'equals' && !(once as readonly string[]).includes(name))
      throw invalid(name, `is not known (known: ${[...once, 'equals'].join(', ')})`)
  for (const name of once)
    if (given.getAll(name).length > 1) throw invalid(name, 'is given more than once')
  const index = given.get('index')
  const names = Object.keys(cache.indexes)
  const fields = index === null ? undefined : cache.indexes[index]
  if (index === null || !fields)
    throw invalid('index', `must be one of ${names.join(', ') || 'none: the cache has no index'}`)
  const equals = given.getAll('equals')
  const isBounded = bounds.some((name) => given.has(name))
  if (equals.length + (isBounded ? 1 : 0) > fields.length)
    throw invalid('equals', `and bounds are more than the fields of ${index}: ${fields.join(', ')}`)
  const range: Record<string, unknown> = {
    equals: equals.map((value, at) => scalarOf(cache, fields[at] as string, 'equals', value)),
  }
  for (const name of bounds) {
    const bound = given.get(name)
    if (bound !== null) range[name] = scalarOf(cache, fields[equals.length] as string, name, bound)
  }
  const reverse = given.get('reverse')
  if (reverse !== null && reverse !== 'true' && reverse !== 'false')
    throw invalid('reverse', 'must be true or false')
  range.reverse = reverse === 'true'
  const limit = given.get('limit')
  if (limit !== null && !/^[1-9]\d{0,5}$/.test(limit)) throw invalid('limit', 'must be a count')
  const cursor = given.get('cursor')
  return {
    index,
    range: range as IndexRange,
    ...(limit === null ? {} : { limit: Number(limit) }),
    ...(cursor === null ? {} : { cursor }),
  }
}

/** A text as the type that the field has. */
function scalarOf(cache: AnyCache, field: string, name: string, text: string): Scalar {
  const types = typesOf(cache.schema.properties[field]) ?? new Set(['string'])
  if (types.has('string')) return text
  if (types.has('boolean') && (text === 'true' || text === 'false')) return text === 'true'
  const number = text.trim() === '' ? Number.NaN : Number(text)
  if (Number.isNaN(number))
    throw invalid(name, `must be what ${field} is: ${[...types].join(', ')}`)
  return number
}

const invalid = (path: string, message: string): GridError =>
  new GridError('invalid_input', `${path} ${message}`, { details: { errors: [{ path, message }] } })
