import type { FastifyReply, FastifyRequest } from 'fastify'
import { askedWith } from '../../core/access.ts'
import type { AnyQuery } from '../../core/definition.ts'
import { readAnswerId } from '../events/query-channel.ts'
import type { SpaceQueries } from '../events/space-queries.ts'
import { resumeInvalid } from '../request/request-options.ts'
import type { RequestPath, StreamOptions } from '../request/request-pipeline.ts'
import type { Serving } from '../request/serving.ts'
import { type Door, headerOf } from './exchange.ts'
import type { QueryInput } from './query-input.ts'
import { admitReader, type StreamAsked, StreamRequest } from './stream-request.ts'

type Input = Readonly<Record<string, unknown>>

/** Whether a query is to be answered by a stream: the answer, and then what changes of it. */
export const asksForStream = (request: FastifyRequest): boolean =>
  headerOf(request, 'accept')?.includes('text/event-stream') === true

/** `GET` of a query, or of rows of a projection, with `Accept: text/event-stream`. */
export class LiveQueryRoute {
  readonly #inputs: QueryInput
  readonly #path: RequestPath<StreamOptions, void>

  constructor(
    { pipeline, streams }: Door,
    space: string,
    query: AnyQuery,
    inputs: QueryInput,
    queries: SpaceQueries,
  ) {
    this.#inputs = inputs
    this.#path = pipeline.stream<StreamAsked<Input>>(
      space,
      'queries',
      async ({ position }, { what: input, reply }, asked) => {
        const { lastEventId: id, caller } = asked
        const known = id === undefined ? undefined : readAnswerId(id)
        if (id !== undefined && !known) throw resumeInvalid()
        await admitReader(streams, reply, { position, caller }, (open) =>
          queries.join(
            query.name,
            askedWith(query, ordered(input), pipeline.by(asked)),
            known,
            open,
          ),
        )
      },
      { query: query.name, inputOf: ({ what }) => what },
    )
  }

  /**
   * @param given the query's input, where it is not that of the parameters
   * @throws GridError as a query; `invalid_header`, `overloaded`, `stopping`
   */
  join(request: FastifyRequest, reply: FastifyReply, unit: Serving, given?: Input): Promise<void> {
    return this.#path.run(unit, new LiveQueryRequest(request, reply, this.#inputs, given))
  }
}

class LiveQueryRequest extends StreamRequest<Input> {
  readonly #inputs: QueryInput
  readonly #given: Input | undefined

  constructor(
    request: FastifyRequest,
    reply: FastifyReply,
    inputs: QueryInput,
    given: Input | undefined,
  ) {
    super(request, reply)
    this.#inputs = inputs
    this.#given = given
  }

  protected what(): Input {
    return this.#given ?? this.#inputs.parse(this.text)
  }
}

/** The order of parameters says nothing: the same input is one input. */
const ordered = (input: Input): Input =>
  Object.fromEntries(Object.entries(input).sort(([one], [other]) => (one < other ? -1 : 1)))
