import { connect, type Socket } from 'node:net'
import { connect as secure, type TLSSocket } from 'node:tls'
import { nkeyAuthenticator } from 'nats'

/** What has come of a list of lines: what the server has against them. */
export interface RawOutcome {
  /** Subjects on which it was not let publish, and those it was not let listen to. */
  readonly publish: ReadonlySet<string>
  readonly subscribe: ReadonlySet<string>
}

/**
 * A client that speaks NATS by itself, so that nothing but the server keeps it from anything: it
 * sends what it likes, and reads what the server has against it.
 */
export class RawNatsClient {
  readonly #socket: TLSSocket
  #text = ''
  #told: () => void = () => undefined

  /** @param seed of its nkey; undefined: it comes without */
  static async open(port: number, ca: string, seed?: string): Promise<RawNatsClient> {
    const plain = connect({ port, host: '127.0.0.1' })
    const { nonce = '' } = JSON.parse((await firstLine(plain)).slice('INFO '.length))
    const socket = secure({ socket: plain, ca, servername: 'localhost' })
    await new Promise((resolve, reject) => {
      socket.once('secureConnect', resolve)
      socket.once('error', reject)
    })
    const client = new RawNatsClient(socket)
    const own = seed === undefined ? {} : nkeyAuthenticator(new TextEncoder().encode(seed))(nonce)
    const said = { verbose: false, pedantic: false, headers: true, no_responders: true, ...own }
    client.send(`CONNECT ${JSON.stringify(said)}`)
    return client
  }

  private constructor(socket: TLSSocket) {
    this.#socket = socket
    socket.setEncoding('utf8')
    socket.on('data', (text: string) => {
      this.#text += text
      this.#told()
    })
    socket.on('error', () => this.#told())
    socket.on('close', () => this.#told())
  }

  send(line: string): void {
    this.#socket.write(`${line}\r\n`)
  }

  publish(subject: string, payload = '', reply = ''): void {
    this.send(`PUB ${subject} ${reply === '' ? '' : `${reply} `}${Buffer.byteLength(payload)}`)
    this.send(payload)
  }

  /** What the server has said to all that was sent since it was asked last. */
  async settled(): Promise<string> {
    const begun = this.#text.length
    await this.#answered()
    return this.#text.slice(begun)
  }

  async #answered(): Promise<void> {
    const pongs = this.#pongs
    this.send('PING')
    while (this.#pongs === pongs && !this.#socket.destroyed)
      await new Promise<void>((resolve) => {
        this.#told = resolve
      })
  }

  async tries(publish: readonly string[], subscribe: readonly string[]): Promise<RawOutcome> {
    for (const subject of publish) this.publish(subject)
    for (const [at, subject] of subscribe.entries()) {
      this.send(`SUB ${subject} s${at}`)
      this.send(`UNSUB s${at}`)
    }
    const text = await this.settled()
    const refused = (what: string) =>
      new Set(
        [
          ...text.matchAll(new RegExp(`-ERR 'Permissions Violation for ${what} to "(\\S+)"`, 'g')),
        ].map(([, subject = '']) => subject),
      )
    return { publish: refused('Publish'), subscribe: refused('Subscription') }
  }

  close(): void {
    this.#socket.destroy()
  }

  get #pongs(): number {
    return this.#text.split('PONG\r\n').length
  }
}

function firstLine(socket: Socket): Promise<string> {
  return new Promise((resolve, reject) => {
    socket.once('data', (bytes) => resolve(String(bytes)))
    socket.once('error', reject)
  })
}
