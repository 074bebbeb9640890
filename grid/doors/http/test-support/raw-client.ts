import { connect, type Socket } from 'node:net'

/** A connection on which tests send any bytes, well-formed or not. */
export class RawClient {
  readonly #socket: Socket
  readonly #closed: Promise<void>
  #received = ''
  #awake: () => void = () => {}

  constructor(port: number) {
    this.#socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true })
    // The server has said all it has to say.
    this.#socket.once('end', () => this.#socket.end())
    this.#closed = new Promise((resolve) => this.#socket.once('close', () => resolve()))
    // The server may cut the connection while something is still being sent: an answer, not a
    // fault.
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

  /** Nothing more will be sent; answers are still read. */
  end(): void {
    this.#socket.end()
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

  /** Reads nothing any more. */
  pause(): void {
    this.#socket.pause()
  }

  destroy(): void {
    this.#socket.destroy()
  }
}

export const statusOf = (response: string): number => Number(response.slice(9, 12))

export const bodyOf = (response: string): string => response.slice(response.indexOf('\r\n\r\n') + 4)

const goOn = 'HTTP/1.1 100 Continue\r\n\r\n'

export interface Response {
  readonly status: number
  readonly head: string
  readonly body: string
}

/**
 * The responses, one after the other, without those that ask for the body; what is no whole
 * response fails.
 */
export function responsesIn(received: string): Response[] {
  const found: Response[] = []
  for (let rest = received; rest !== ''; ) {
    if (rest.startsWith(goOn)) {
      rest = rest.slice(goOn.length)
      continue
    }
    const head = /^HTTP\/1\.1 \d\d\d [\s\S]*?\r\n\r\n/.exec(rest)?.[0]
    const length = Number(/\r\ncontent-length: (\d+)\r\n/i.exec(head ?? '')?.[1])
    if (head === undefined || !(rest.length >= head.length + length))
      throw new Error(`not a whole response: ${rest}`)
    const body = rest.slice(head.length, head.length + length)
    found.push({ status: statusOf(head), head, body })
    rest = rest.slice(head.length + length)
  }
  return found
}
