import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { type ReadableFields, readablePart } from '../../core/readable-part.ts'
import type { AnyCache } from '../../core/transaction.ts'
import { checkKey } from '../../core/validation.ts'
import type { EntryAnswer, ReadOptions } from '../request/serving.ts'
import { versionTag } from './entity-tag.ts'
import { entrySchema } from './entry-schema.ts'
import { type Door, sendTagged } from './exchange.ts'
import { HttpRequest } from './http-request.ts'
import type { UnitRotation } from './unit-rotation.ts'

/** What all requests for the entries of one cache share. */
interface EntryRoute {
  readonly door: Door
  readonly cache: string
  readonly fields: ReadableFields
}

/**
 * `GET /{space}/caches/{cache}/{key}`. The body is the entry alone, the same from every unit: the
 * tag is a strong one.
 */
export function addEntryRoute(
  app: FastifyInstance,
  door: Door,
  rotation: UnitRotation,
  cache: AnyCache,
  fields: ReadableFields,
): void {
  const { space } = rotation
  const { name } = cache
  const route: EntryRoute = { door, cache: name, fields }
  const path = door.pipeline.entry(space.name, cache)
  const schema = entrySchema(space, cache, fields)
  app.get(`/${space.name}/caches/${name}/:key`, { config: { schema, path } }, (request, reply) =>
    path.run(rotation.next(), new EntryRequest(request, reply, route)),
  )
}

class EntryRequest extends HttpRequest<ReadOptions, EntryAnswer> {
  readonly #route: EntryRoute

  constructor(request: FastifyRequest, reply: FastifyReply, route: EntryRoute) {
    super(request, reply)
    this.#route = route
  }

  input(): string {
    checkKey(this.#key, `cache ${this.#route.cache}`)
    return this.#key
  }

  answer({ value, version, writtenAt, position, ageMs }: EntryAnswer): void {
    const { door, fields } = this.#route
    const tag = versionTag(version)
    const write = () =>
      JSON.stringify({ key: this.#key, value: readablePart(value, fields), version, writtenAt })
    sendTagged(door, this.request, this.reply, { position, ageMs, tag, write })
  }

  get #key(): string {
    return (this.request.params as { readonly key: string }).key
  }
}
