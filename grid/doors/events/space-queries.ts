import { GridError } from '../../core/errors.ts'
import type { LiveServing } from '../request/live.ts'
import type { StreamTelemetry } from '../request/stream-telemetry.ts'
import { type KnownAnswer, QueryChannel } from './query-channel.ts'
import type { StreamReader } from './stream-reader.ts'
import type { Streams } from './streams.ts'

export interface SpaceQueriesParts {
  readonly streams: Streams
  /** A unit of the space that is ready, if there is one. */
  readonly unit: () => { readonly live?: LiveServing }
  readonly telemetry: StreamTelemetry
  readonly problem: (error: GridError) => object
}

/** The live queries of one space: readers of the same query and input are in one channel. */
export class SpaceQueries {
  readonly #parts: SpaceQueriesParts
  readonly #channels = new Map<string, QueryChannel>()

  constructor(parts: SpaceQueriesParts) {
    this.#parts = parts
  }

  /**
   * @param known what the reader has been told last
   * @param open sends the headers, once it is certain that there is an answer
   * @throws GridError as a query; `overloaded`
   */
  async join(
    query: string,
    input: unknown,
    known: KnownAnswer | undefined,
    open: () => StreamReader,
  ): Promise<void> {
    const channel = this.#channelOf(query, input)
    await channel.ready()
    try {
      if (known) await channel.reach(known)
      channel.join(open(), known)
    } finally {
      channel.closeIfEmpty()
    }
  }

  #channelOf(query: string, input: unknown): QueryChannel {
    const { streams, problem, unit, telemetry } = this.#parts
    const name = `${query} ${JSON.stringify(input)}`
    const existing = this.#channels.get(name)
    if (existing) return existing
    const channel: QueryChannel = new QueryChannel({
      ...{ query, input, problem, telemetry },
      heartbeatMs: streams.options.heartbeatMs,
      live: () => {
        const { live } = unit()
        if (live) return live
        throw new GridError('unknown_route', 'This process has no live queries')
      },
      emptied: () => {
        streams.delete(channel)
        if (this.#channels.get(name) === channel) this.#channels.delete(name)
      },
    })
    this.#channels.set(name, channel)
    streams.add(channel)
    // What it fails with, those hear who wait for it to be ready.
    channel.start().catch(() => undefined)
    return channel
  }
}
