import type { FastifyReply, FastifyRequest } from 'fastify'
import { readAnswerId } from '../events/query-channel.ts'
import type { SpaceQueries } from '../events/space-queries.ts'
import { resumeInvalid } from '../request/request-options.ts'
import type { Serving } from '../request/serving.ts'
import { enter, lastIdOf, openStream } from './event-route.ts'
import { type Door, headerOf } from './exchange.ts'
import type { QueryInput } from './query-input.ts'

/** Whether a query is to be answered by a stream: the answer, and then what changes of it. */
export const asksForStream = (request: FastifyRequest): boolean =>
  headerOf(request, 'accept')?.includes('text/event-stream') === true

/** `GET` of a query, or of rows of a projection, with `Accept: text/event-stream`. */
export class LiveQueryRoute {
  readonly #door: Door
  readonly #query: string
  readonly #inputs: QueryInput
  readonly #queries: SpaceQueries

  constructor(door: Door, query: string, inputs: QueryInput, queries: SpaceQueries) {
    this.#door = door
    this.#query = query
    this.#inputs = inputs
    this.#queries = queries
  }

  /**
   * @param given the query's input, where it is not that of the parameters
   * @throws GridError as a query; `invalid_header`, `overloaded`, `stopping`
   */
  async join(
    request: FastifyRequest,
    reply: FastifyReply,
    unit: Serving,
    given?: Record<string, unknown>,
  ): Promise<FastifyReply> {
    const { streams } = this.#door
    reply.header('grid-position', unit.position)
    const input = given ?? this.#inputs.parse((request.query as { readonly text: string }).text)
    const id = lastIdOf(request)
    const known = id === undefined ? undefined : readAnswerId(id)
    if (id !== undefined && !known) throw resumeInvalid()
    const leave = enter(streams, reply)
    try {
      await this.#queries.join(this.#query, ordered(input), known, () => openStream(reply, streams))
    } catch (error) {
      leave()
      throw error
    }
    return reply
  }
}

/** The order of parameters says nothing: the same input is one input. */
const ordered = (input: Record<string, unknown>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(input).sort(([one], [other]) => (one < other ? -1 : 1)))
