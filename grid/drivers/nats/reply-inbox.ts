import { createInbox, type Msg } from 'nats'
import type { NatsConnection } from './nats-connection.ts'

/** Who waits for answers, and how it is told of each. */
export interface ReplyListener<Waiting> {
  answered(waiting: Waiting, message: Msg): void
  /**
   * No answer comes any more, whatever has become of what was sent.
   * @param cause why NATS lets no answers through. Left out: the connection was lost
   */
  lost(waiting: Waiting, cause?: Error): void
}

/**
 * Where the answers to all that one sender sends come in. The driver's own request costs a timer,
 * several promises, and an error with its stack trace for each one that is answered; here all share
 * one subscription and one counter of tokens, and how long each waits is its sender's to say.
 *
 * When the connection ends, everything that waits is lost at once: what was sent may have arrived,
 * and no answer to it comes any more.
 */
export class ReplyInbox<Waiting> {
  readonly #listener: ReplyListener<Waiting>
  readonly #prefix: string
  /** By the subject on which each is answered, oldest first. */
  readonly #waiting = new Map<string, Waiting>()
  readonly #unwatch: () => void
  readonly #replies: { unsubscribe(): void }
  #token = 0

  constructor(connection: NatsConnection, listener: ReplyListener<Waiting>) {
    this.#listener = listener
    this.#prefix = `${createInbox(connection.inboxPrefix)}.`
    this.#replies = connection.driver.subscribe(`${this.#prefix}*`, {
      callback: (error, message) => {
        if (error === null) this.#answered(message)
        else this.#lose(error)
      },
    })
    this.#unwatch = connection.watch((connected) => {
      if (!connected) this.#lose()
    })
  }

  /** The subject on which the answer is to come; nothing else is ever answered there. */
  expect(waiting: Waiting): string {
    const reply = this.#prefix + (++this.#token).toString(36)
    this.#waiting.set(reply, waiting)
    return reply
  }

  /** Nothing is awaited there any more. undefined: nothing was. */
  take(reply: string): Waiting | undefined {
    const waiting = this.#waiting.get(reply)
    this.#waiting.delete(reply)
    return waiting
  }

  /** All that wait, by the subject of the answer, oldest first; they may be taken meanwhile. */
  get waiting(): Iterable<readonly [reply: string, waiting: Waiting]> {
    return this.#waiting
  }

  /** Hears nothing any more. What waits is left to whoever closes it. */
  close(): void {
    this.#unwatch()
    this.#replies.unsubscribe()
  }

  #answered(message: Msg): void {
    const waiting = this.take(message.subject)
    // It comes after its time: whoever waited has been told already.
    if (waiting !== undefined) this.#listener.answered(waiting, message)
  }

  #lose(cause?: Error): void {
    for (const [reply, waiting] of this.#waiting) {
      this.#waiting.delete(reply)
      this.#listener.lost(waiting, cause)
    }
  }
}
