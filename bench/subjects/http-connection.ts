import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

const endOfHead = Buffer.from('\r\n\r\n')
const nothing = Buffer.alloc(0)
const contentLength = /\r\ncontent-length: *(\d+)/i

/**
 * One keep-alive connection with one request at a time, on a bare socket: a driver must cost far
 * less than the server it drives, because both share the machine. It understands the answers of the
 * servers measured here (a `Content-Length`, no chunks) and refuses any other.
 */
export class HttpConnection {
  readonly #socket: Socket
  #received: Buffer = nothing
  #waiting: PromiseWithResolvers<number> | undefined
  #failure: Error | undefined

  static async open(port: number): Promise<HttpConnection> {
    const socket = connect({ host: '127.0.0.1', port, noDelay: true })
    await once(socket, 'connect')
    return new HttpConnection(socket)
  }

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.on('data', (bytes) => this.#receive(bytes))
    socket.on('error', (error) => this.#fail(error))
    socket.on('close', () => this.#fail(new Error('The server has closed the connection')))
  }

  /** Sends a whole request; resolves with the answer's status once all of it is here. */
  send(request: string): Promise<number> {
    const waiting = Promise.withResolvers<number>()
    if (this.#failure) waiting.reject(this.#failure)
    else {
      this.#waiting = waiting
      this.#socket.write(request, 'latin1')
    }
    return waiting.promise
  }

  close(): void {
    this.#socket.destroy()
  }

  #receive(bytes: Buffer): void {
    const all = this.#received.length === 0 ? bytes : Buffer.concat([this.#received, bytes])
    this.#received = all
    const end = all.indexOf(endOfHead)
    if (end < 0) return
    const head = all.toString('latin1', 0, end)
    const [, length] = contentLength.exec(head) ?? []
    if (length === undefined) this.#fail(new Error(`An answer without a length: ${head}`))
    else if (all.length >= end + endOfHead.length + Number(length)) {
      this.#received = nothing
      this.#waiting?.resolve(Number(head.slice('HTTP/1.1 '.length, 'HTTP/1.1 200'.length)))
    }
  }

  #fail(error: Error): void {
    this.#failure ??= error
    this.#waiting?.reject(this.#failure)
  }
}
