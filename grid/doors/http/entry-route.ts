import type { FastifyInstance } from 'fastify'
import type { AnyCache, Value } from '../../core/definition.ts'
import { checkKey } from '../../core/validation.ts'
import { versionTag } from './entity-tag.ts'
import { type Door, readOptionsOf, sendTagged } from './exchange.ts'
import { entrySchema } from './open-api.ts'
import type { ReadableFields } from './readable-caches.ts'
import type { UnitRotation } from './unit-rotation.ts'

/** `GET /{space}/caches/{cache}/{key}`. The body is the entry alone, the same from every unit: the tag is a strong one. */
export function addEntryRoute(
  app: FastifyInstance,
  door: Door,
  rotation: UnitRotation,
  cache: AnyCache,
  fields: ReadableFields,
): void {
  const { space } = rotation
  const { name } = cache
  const schema = entrySchema(space, cache, fields)
  app.get(`/${space.name}/caches/${name}/:key`, { config: { schema } }, async (request, reply) => {
    const unit = rotation.next()
    try {
      const options = readOptionsOf(request)
      const { key } = request.params as { readonly key: string }
      checkKey(key, `cache ${name}`)
      const { value, version, writtenAt, position } = await unit.entry(name, key, options)
      const write = () =>
        JSON.stringify({ key, value: readablePart(value, fields), version, writtenAt })
      sendTagged(door, request, reply, { position, tag: versionTag(version), write })
    } catch (error) {
      reply.header('grid-position', unit.position)
      throw error
    }
  })
}

function readablePart(value: Value, fields: ReadableFields): Value {
  if (fields === 'all') return value
  return Object.fromEntries(
    fields.filter((field) => Object.hasOwn(value, field)).map((field) => [field, value[field]]),
  )
}
