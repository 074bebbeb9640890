import { get, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Space } from '@spacegrid/grid/core/definition'
import { createHttpServer, type HttpOptions } from '@spacegrid/grid/doors/http/http-server'
import type { Serving } from '@spacegrid/grid/doors/request/serving'
import { InProcessMessaging } from '@spacegrid/grid/drivers/embedded/in-process-messaging'
import { SystemClock } from '@spacegrid/grid/drivers/system/system-clock'
import { SystemRandom } from '@spacegrid/grid/drivers/system/system-random'
import { SimulatedLog } from '@spacegrid/grid/kit/simulated-log'
import { SimulatedStream } from '@spacegrid/grid/kit/simulated-stream'
import { expect, onTestFinished } from 'vitest'
import { ProcessingUnit } from '../../processing-unit.ts'
import type { ProcessingUnitOptions } from '../../processing-unit-options.ts'

/** Units of one log in this process, each behind a door of its own, in real time. */
export class LiveDoors {
  readonly clock = new SystemClock()
  readonly stream = new SimulatedStream(this.clock)
  readonly messaging = new InProcessMessaging(this.clock)
  readonly #space: Space

  constructor(space: Space) {
    this.#space = space
  }

  async open(
    name: string,
    options: Partial<HttpOptions> = {},
    unitOptions: ProcessingUnitOptions = {},
  ): Promise<LiveDoor> {
    const { clock, messaging } = this
    const log = new SimulatedLog(clock, this.stream)
    const random = new SystemRandom()
    const ports = { log, messaging, clock, random }
    const settings = { sources: ['peer', 'log'] as const, ...unitOptions }
    const unit = new ProcessingUnit(name, this.#space, ports, settings)
    unit.start()
    await expect.poll(() => unit.readiness().ready, { timeout: 20_000, interval: 2 }).toBe(true)
    return await openDoorOf(unit, options)
  }
}

export interface LiveDoor<Unit extends Serving & { stop(): Promise<void> } = ProcessingUnit> {
  readonly unit: Unit
  readonly url: string
  close(): Promise<void>
}

export async function openDoorOf<Unit extends Serving & { stop(): Promise<void> }>(
  unit: Unit,
  options: Partial<HttpOptions> = {},
): Promise<LiveDoor<Unit>> {
  const app = createHttpServer([unit], { log: { error: () => undefined }, ...options })
  await app.listen({ port: 0, host: '127.0.0.1' })
  const { port } = app.server.address() as AddressInfo
  let closing: Promise<void> | undefined
  const close = () => {
    closing ??= app.close().then(() => unit.stop())
    return closing
  }
  onTestFinished(close)
  return { unit, url: `http://127.0.0.1:${port}`, close }
}

export interface StreamedEvent {
  readonly id: string | undefined
  readonly type: string
  readonly data: unknown
}

/** A reader of server-sent events, as plain as there can be one. */
export class StreamClient {
  readonly events: StreamedEvent[] = []
  /** Of the last event, or later. */
  id: string | undefined
  ended = false
  readonly #response: IncomingMessage
  #rest = ''

  constructor(response: IncomingMessage) {
    this.#response = response
    response.setEncoding('utf8')
    response.on('data', (text: string) => this.#read(text))
    response.on('error', () => undefined)
    response.once('close', () => {
      this.ended = true
    })
  }

  static async open(url: string, headers: Record<string, string> = {}): Promise<StreamClient> {
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      get(url, { headers, agent: false }, resolve).once('error', reject)
    })
    if (response.statusCode !== 200) {
      const body = (await response.setEncoding('utf8').toArray()).join('')
      throw Object.assign(new Error(`${response.statusCode} ${body}`), {
        status: response.statusCode,
        body,
      })
    }
    expect(response.headers['content-type']).toBe('text/event-stream; charset=utf-8')
    const client = new StreamClient(response)
    onTestFinished(() => client.leave())
    return client
  }

  pause(): void {
    this.#response.pause()
  }

  resume(): void {
    this.#response.resume()
  }

  leave(): void {
    this.#response.destroy()
  }

  /** Data of the events of a type, or of all but the grid's own. */
  data(type: string): unknown[] {
    return this.events.filter((event) => event.type === type).map(({ data }) => data)
  }

  async has(count: number): Promise<void> {
    await expect.poll(() => this.events.length, { timeout: 10_000, interval: 2 }).toBe(count)
  }

  #read(text: string): void {
    const blocks = (this.#rest + text).split('\n\n')
    this.#rest = blocks.pop() ?? ''
    for (const block of blocks) {
      const fields = new Map(
        block
          .split('\n')
          .filter((line) => !line.startsWith(':'))
          .map((line) => line.split(/: (.*)/s, 2) as [string, string]),
      )
      this.id = fields.get('id') ?? this.id
      const json = fields.get('data')
      if (json === undefined) continue
      this.events.push({
        id: fields.get('id'),
        type: fields.get('event') ?? 'message',
        data: JSON.parse(json),
      })
    }
  }
}
