import { GridError } from '@spacegrid/grid/core/errors'
import type { EventMessage, EventStream } from '@spacegrid/grid/engine/ports/event-stream'
import { SeededRandom } from '@spacegrid/grid/kit/seeded-random'

type Readable = true | Record<string, true | readonly string[]>

/**
 * What a server keeps of events; it loses acknowledgements, and messages on their way to it, or
 * takes them in another order.
 */
export class UnreliableStream implements EventStream {
  readable: Readable | undefined
  readonly messages: EventMessage[] = []
  /** Of so many steps about one goes wrong. 0: all goes well, and in order. */
  faultyOf = 0
  readonly #random: SeededRandom
  messageBytesMax = 1000

  constructor(seed: number, readable: Readable | undefined) {
    this.#random = new SeededRandom(seed)
    this.readable = readable
  }

  async look() {
    await this.#later()
    const { readable, messages, messageBytesMax } = this
    if (readable === undefined) return undefined
    return { readable, last: messages.length, messageBytesMax }
  }

  async newest() {
    await this.#later()
    const newest = this.messages.at(-1)
    return newest && { id: newest.id, number: this.messages.length }
  }

  async append(message: EventMessage, after: number): Promise<number> {
    await this.#later()
    if (this.readable === undefined) throw new GridError('log_unavailable', 'no stream')
    if (after !== this.messages.length) throw new GridError('fenced', 'another one is there')
    this.messages.push(message)
    await this.#later()
    return this.messages.length
  }

  async #later(): Promise<void> {
    if (this.faultyOf === 0) return
    for (let turns = this.#random.integer() % 4; turns > 0; turns--) await Promise.resolve()
    if (this.#random.integer() % this.faultyOf === 0)
      throw new GridError('log_unavailable', 'as it happens')
  }
}
