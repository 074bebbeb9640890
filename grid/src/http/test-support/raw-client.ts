import { connect, type Socket } from 'node:net'

/** A connection on which tests send any bytes, well-formed or not. */
export class RawClient {
  readonly #socket: Socket
  readonly #closed: Promise<void>
  #received = ''
  #awake: () => void = () => {}

  constructor(port: number) {
    this.#socket = connect({ port, host: '127.0.0.1' })
    this.#closed = new Promise((resolve) => this.#socket.once('close', () => resolve()))
    // The server may cut the connection while something is still being sent: an answer, not a fault.
    this.#socket.on('error', () => {})
    this.#socket.on('close', () => this.#awake())
    this.#socket.on('data', (data) => {
      this.#received += data.toString('latin1')
      this.#awake()
    })
  }

  send(bytes: string | Uint8Array): void {
    this.#socket.write(bytes)
  }

  /** Everything received from the start, once the server has ended the connection. */
  async untilClosed(): Promise<string> {
    await this.#closed
    return this.#received
  }

  /** Everything received from the start, once it contains a text. */
  async until(text: string): Promise<string> {
    while (!this.#received.includes(text)) {
      if (this.#socket.closed) throw new Error(`closed before ${text}: ${this.#received}`)
      await new Promise<void>((resolve) => {
        this.#awake = resolve
      })
    }
    return this.#received
  }

  destroy(): void {
    this.#socket.destroy()
  }
}

export const statusOf = (response: string): number => Number(response.slice(9, 12))

export const bodyOf = (response: string): string => response.slice(response.indexOf('\r\n\r\n') + 4)
