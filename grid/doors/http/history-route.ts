import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { type TObject, Type } from 'typebox'
import type { ReadableFields } from '../../core/readable-part.ts'
import type { AnyCache } from '../../core/transaction.ts'
import { checkKey } from '../../core/validation.ts'
import type { HistoryAsked, HistoryPage, ReadOptions } from '../request/serving.ts'
import { type HistoryOfKey, toldHistory } from '../request/told-history.ts'
import { type Door, sendJson } from './exchange.ts'
import { historySchema } from './history-schema.ts'
import { HttpRequest } from './http-request.ts'
import { pageOf, pageParameters, parsedWhole } from './page-parameters.ts'
import { QueryInput } from './query-input.ts'
import type { UnitRotation } from './unit-rotation.ts'

interface HistoryRoute {
  readonly door: Door
  readonly cache: string
  readonly fields: ReadableFields
}

/** `GET /{space}/caches/{cache}/{key}/history`: what has become of an entry, the newest first. */
export function addHistoryRoute(
  app: FastifyInstance,
  door: Door,
  rotation: UnitRotation,
  cache: AnyCache,
  fields: ReadableFields,
): void {
  const { space } = rotation
  const { name } = cache
  const route: HistoryRoute = { door, cache: name, fields }
  const path = door.pipeline.history(space.name, cache)
  const schema = historySchema(space, cache, fields)
  const url = `/${space.name}/caches/${name}/:key/history`
  app.get(url, { config: { schema, path } }, (request, reply) =>
    path.run(rotation.next(), new HistoryRequest(request, reply, route)),
  )
}

class HistoryRequest extends HttpRequest<ReadOptions, HistoryPage> {
  readonly #route: HistoryRoute

  constructor(request: FastifyRequest, reply: FastifyReply, route: HistoryRoute) {
    super(request, reply)
    this.#route = route
  }

  input(): HistoryOfKey {
    const { key } = this.request.params as { readonly key: string }
    checkKey(key, `cache ${this.#route.cache}`)
    return { key, ...readHistoryAsked((this.request.query as { readonly text: string }).text) }
  }

  answer(page: HistoryPage): void {
    const { door, fields } = this.#route
    const headers = ['grid-position', String(page.position), 'cache-control', 'no-cache']
    sendJson(door, this.reply, headers, JSON.stringify(toldHistory(page, fields)))
  }
}

const inputs = new QueryInput(Type.Object(pageParameters) as unknown as TObject)

/** @throws GridError `invalid_input` */
function readHistoryAsked(said: string): HistoryAsked {
  return pageOf(parsedWhole(inputs, said))
}
