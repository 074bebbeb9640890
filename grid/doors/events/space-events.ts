import type { Space } from '../../core/definition.ts'
import { GridError } from '../../core/errors.ts'
import type { FollowFilter, Following, LiveServing } from '../request/live.ts'
import type { StreamTelemetry } from '../request/stream-telemetry.ts'
import { EventChannel } from './event-channel.ts'
import type { StreamReader } from './stream-reader.ts'
import type { Streams } from './streams.ts'

export interface SpaceEventsParts {
  readonly space: Space
  readonly streams: Streams
  /** A unit of the space that is ready, if there is one. */
  readonly unit: () => { readonly live?: LiveServing }
  readonly telemetry: StreamTelemetry
  readonly shown: (name: string, payload: Readonly<Record<string, unknown>>) => unknown
}

/**
 * The streams of events of one space: readers of the same filter are in one channel. Who comes back
 * to an earlier place has one of its own, with all who come back to that place, until it has caught
 * up with the others.
 */
export class SpaceEvents {
  readonly #parts: SpaceEventsParts
  readonly #channels = new Map<string, EventChannel>()

  constructor(parts: SpaceEventsParts) {
    this.#parts = parts
  }

  /**
   * @param after what the reader has been told last; undefined: from now on
   * @param open sends the headers, once it is certain that there is something to follow
   * @throws GridError `invalid_header`; what the unit cannot do just now
   */
  async join(
    filter: FollowFilter,
    after: string | undefined,
    open: () => StreamReader,
  ): Promise<void> {
    const channel = this.#channelAt(filter, after)
    await channel.ready()
    try {
      channel.join(open())
    } finally {
      channel.closeIfEmpty()
    }
  }

  #channelAt(filter: FollowFilter, after: string | undefined): EventChannel {
    const { space, streams, shown, telemetry } = this.#parts
    const main = JSON.stringify(filter)
    const name = after === undefined ? main : `${after} ${main}`
    const known = this.#channels.get(name)
    if (known) return known
    const channel: EventChannel = new EventChannel(
      {
        filter,
        shown,
        telemetry,
        heartbeatMs: streams.options.heartbeatMs,
        isDivided: (space.partitions ?? 1) > 1,
        follow: (from) => this.#follow(filter, from),
        emptied: () => {
          streams.delete(channel)
          for (const at of [name, main])
            if (this.#channels.get(at) === channel) this.#channels.delete(at)
        },
        advanced: () => {
          // Whoever comes back to that place from now on needs another one.
          if (name !== main && this.#channels.get(name) === channel) this.#channels.delete(name)
        },
        caughtUp: () => this.#merge(channel, main),
      },
      after,
    )
    this.#channels.set(name, channel)
    streams.add(channel)
    // What it fails with, those hear who wait for it to be ready.
    channel.start().catch(() => undefined)
    return channel
  }

  #follow(filter: FollowFilter, after: string | undefined): Following {
    const { live } = this.#parts.unit()
    if (!live) throw new GridError('unknown_route', 'This process has no streams of events')
    return live.follow(filter, after)
  }

  #merge(channel: EventChannel, main: string): void {
    const others = this.#channels.get(main)
    if (!others) this.#channels.set(main, channel)
    else if (others !== channel) channel.moveTo(others)
  }
}
