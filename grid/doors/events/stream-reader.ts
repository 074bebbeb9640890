import type { Socket } from 'node:net'
import type { StreamEnd } from '../request/stream-telemetry.ts'
import { eventText, retryText } from './event-text.ts'

/** How long a reader that is told goodbye has to take what is on its way, ms. */
const goodbyeMs = 5000
const nothing = Buffer.alloc(0)

/** Why a reader is to connect again. */
export type ReconnectReason = Exclude<StreamEnd, 'left'>

/**
 * One reader of a stream: the connection on which it listens, its headers sent. The same bytes go
 * to all readers of a channel, so what waits for one that is slow is not held for it alone.
 */
export class StreamReader {
  readonly #socket: Socket
  readonly #bytesMax: number
  #closed: (() => void) | undefined
  #end: StreamEnd = 'left'
  /** Of a live query: number of the answer that it has been told last. */
  version = 0

  /** @param bytesMax that may wait for it; beyond, it is told to connect again */
  constructor(socket: Socket, bytesMax: number) {
    this.#socket = socket
    this.#bytesMax = bytesMax
    socket.once('close', () => this.#closed?.())
    // Who has sent all there is to send may wait for an answer; of a stream there is no end.
    socket.once('end', () => socket.destroySoon())
  }

  /** Called once, when the connection is over. */
  set whenClosed(closed: () => void) {
    this.#closed = closed
    if (this.#socket.destroyed) closed()
  }

  /** Why its connection is over, once it is. */
  get end(): StreamEnd {
    return this.#end
  }

  get isOver(): boolean {
    return this.#socket.destroyed
  }

  /** Something that was sent has not been taken. */
  get isBehind(): boolean {
    return this.#socket.writableLength > 0
  }

  /** A reader that does not keep up is told so, and hears nothing more. */
  send(bytes: Uint8Array): void {
    const socket = this.#socket
    if (socket.writableEnded || socket.destroyed) return
    // Whatever its size, one thing may wait.
    if (socket.writableLength > this.#bytesMax) {
      this.reconnect('slow')
      return
    }
    socket.write(bytes)
  }

  /** Calls when everything that was sent has been taken, or the connection is over. */
  whenTaken(then: () => void): void {
    if (this.#socket.writable) this.#socket.write(nothing, then)
    else then()
  }

  /** Says goodbye: it is to connect again, here or to another unit, and go on where it was. */
  reconnect(reason: ReconnectReason, retryMs = 1000): void {
    const socket = this.#socket
    if (socket.writableEnded || socket.destroyed) return
    this.#end = reason
    const goodbye = eventText('reconnect', undefined, JSON.stringify({ reason }))
    socket.end(retryText(retryMs) + goodbye)
    const cut = setTimeout(() => socket.destroy(), goodbyeMs)
    cut.unref()
    socket.once('close', () => clearTimeout(cut))
  }
}
