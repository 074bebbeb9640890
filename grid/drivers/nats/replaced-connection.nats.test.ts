import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { waitFor } from '@spacegrid/proof/support/wait-for'
import { expect, inject, onTestFinished, test } from 'vitest'
import { NatsConnection } from './nats-connection.ts'

/**
 * A way to the server that can freeze: whoever comes is taken, and hears nothing until it goes on.
 */
class Way {
  readonly #server: Server
  readonly #nats: URL
  /** Of the clients that came this way: those whose connection is open at this end. */
  readonly open = new Set<Socket>()
  readonly #held: Socket[] = []
  #frozen = false
  #closed = false

  private constructor(natsUrl: string) {
    this.#nats = new URL(natsUrl)
    this.#server = createServer((client) => this.#take(client))
  }

  static async to(natsUrl: string): Promise<Way> {
    const way = new Way(natsUrl)
    await once(way.#server.listen(0, '127.0.0.1'), 'listening')
    onTestFinished(() => {
      way.#server.close()
      for (const client of way.open) client.destroy()
    })
    return way
  }

  get url(): string {
    return `nats://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  get held(): number {
    return this.#held.length
  }

  freeze(): void {
    this.#frozen = true
  }

  /**
   * As a server does that was frozen: says who it is to those who had come, and has no patience
   * left with them. Resolves when the last of them is gone.
   */
  async thaw(): Promise<void> {
    this.#frozen = false
    const gone = this.#held.splice(0).map(async (client) => {
      if (client.closed) return
      const nats = this.#reach()
      nats.once('data', (info) => client.end(info, () => nats.destroy()))
      await once(client, 'close')
    })
    await Promise.all(gone)
  }

  /** Ends every connection, and takes none until it is let in again. */
  cut(): void {
    this.#closed = true
    for (const client of this.open) client.destroy()
  }

  letIn(): void {
    this.#closed = false
  }

  #take(client: Socket): void {
    if (this.#closed) return void client.destroy()
    this.open.add(client)
    client.on('close', () => this.open.delete(client)).on('error', () => undefined)
    if (this.#frozen) {
      this.#held.push(client)
      client.resume()
      return
    }
    const nats = this.#reach()
    client.on('close', () => nats.destroy())
    nats.on('close', () => client.destroy())
    client.pipe(nats).pipe(client)
  }

  #reach(): Socket {
    return connect(Number(this.#nats.port), this.#nats.hostname).on('error', () => undefined)
  }
}

// decision 13; the way it came about, without a look inside of the driver
test('a server that was given up while it was frozen takes no connection away once it goes on', async () => {
  const ways = [await Way.to(inject('natsUrl')), await Way.to(inject('natsUrl'))] as const
  const connection = await NatsConnection.open(ways.map(({ url }) => url).join(), {
    name: 'given up',
  })
  onTestFinished(() => connection.close())
  const { driver } = connection
  driver.subscribe('echo.given.up', { callback: (_error, message) => void message.respond('here') })
  await driver.flush()
  const [used, other] = ways[0].open.size > 0 ? ways : ([ways[1], ways[0]] as const)
  other.freeze()
  used.cut()
  await waitFor(() => other.held > 0, { what: 'an attempt at the frozen server' })
  used.letIn()
  await waitFor(() => connection.connected && used.open.size > 0, { what: 'the connection' })
  await driver.flush()
  await other.thaw()
  await waitFor(() => connection.connected, { what: 'a connection' })
  await driver.flush()
  const answer = await driver.request('echo.given.up', '', { timeout: 3000 })
  expect(answer.string()).toBe('here')
  expect(used.open.size + other.open.size, 'connections').toBe(1)
})
