import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { connect } from 'node:net'
import { json } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  checkConfiguration,
  isHaproxyInstalled,
  RunningGateway,
} from '@spacegrid/proof/gateway/haproxy'
import { NameServer } from '@spacegrid/proof/gateway/name-server'
import { freeUnitPorts, StandInUnit, type UnitPorts } from '@spacegrid/proof/gateway/stand-in-units'
import { waitFor } from '@spacegrid/proof/support/wait-for'
import { it as base, describe, expect } from 'vitest'

// Two addresses with the same ports, as two containers have them. Linux answers on all of
// 127.0.0.0/8.
const addresses = ['127.0.0.11', '127.0.0.12'] as const
const canRun = process.platform === 'linux' && isHaproxyInstalled(process.env)

/** A gateway of one test's own, with the name server that it asks and the units that it finds. */
class GatewayUnderTest implements AsyncDisposable {
  readonly gateway: RunningGateway
  readonly #nameServer: NameServer
  readonly #ports: UnitPorts
  readonly #units: StandInUnit[] = []

  private constructor(gateway: RunningGateway, nameServer: NameServer, ports: UnitPorts) {
    this.gateway = gateway
    this.#nameServer = nameServer
    this.#ports = ports
  }

  static async start(): Promise<GatewayUnderTest> {
    const nameServer = new NameServer('processing-unit')
    nameServer.addresses = addresses
    const ports = await freeUnitPorts(addresses)
    const environment = {
      GATEWAY_RESOLVER: `127.0.0.1:${await nameServer.start()}`,
      GATEWAY_UNITS: `processing-unit:${ports.port}`,
      GATEWAY_UNIT_ADMIN_PORT: String(ports.adminPort),
      GATEWAY_IDLE_TIMEOUT: '3s',
      GATEWAY_STOP_TIMEOUT: '5s',
      GATEWAY_UNIT_REQUESTS_MAX: '50',
      GATEWAY_QUEUE_MAX: '10',
      GATEWAY_QUEUE_TIMEOUT: '500ms',
    }
    const gateway = await RunningGateway.start(environment, process.env)
    return new GatewayUnderTest(gateway, nameServer, ports)
  }

  /** What the name of the units stands for. */
  set addresses(found: readonly string[]) {
    this.#nameServer.addresses = found
  }

  async startUnit(name: string, address: string): Promise<StandInUnit> {
    const unit = await StandInUnit.start(name, address, this.#ports)
    this.#units.push(unit)
    return unit
  }

  async startBoth(first = 'one', second = 'two'): Promise<[StandInUnit, StandInUnit]> {
    const pair = await Promise.all([
      this.startUnit(first, addresses[0]),
      this.startUnit(second, addresses[1]),
    ])
    await this.gateway.waitForUnits(2)
    return pair
  }

  async where(query = ''): Promise<string> {
    const response = await fetch(`${this.gateway.url}/where${query}`)
    if (!response.ok) throw new Error(`HTTP ${response.status}`)
    return ((await response.json()) as { unit: string }).unit
  }

  send(path: string, headers: Record<string, string> = {}): Promise<Response> {
    return fetch(`${this.gateway.url}${path}`, { method: 'POST', body: '{}', headers })
  }

  /**
   * On a connection of its own: on one that has had a request before, HAProxy closes instead of
   * answering 502.
   */
  async sendAlone(path: string): Promise<{ status: number | undefined; body: unknown }> {
    const sent = request(`${this.gateway.url}${path}`, { method: 'POST', agent: false }).end('{}')
    const [response] = (await once(sent, 'response')) as [IncomingMessage]
    return { status: response.statusCode, body: await json(response) }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.gateway.stop()
    await Promise.all(this.#units.map((unit) => unit.kill()))
    await this.#nameServer.stop()
  }
}

const it = base.extend<{ own: GatewayUnderTest }>({
  // biome-ignore lint/correctness/noEmptyPattern: it needs nothing of the others
  own: async ({}, use) => {
    await using own = await GatewayUnderTest.start()
    await use(own)
  },
})

// At once: they wait for health checks and timeouts, each at a gateway of its own.
// Skipped: without HAProxy, or loopback addresses other than 127.0.0.1, there is nothing to test;
// said loudly above.
describe.skipIf(!canRun)('the gateway', { timeout: 60_000, concurrent: true }, () => {
  it('has a configuration that HAProxy accepts without a warning', () => {
    expect(checkConfiguration(process.env)).not.toMatch(/warning/i)
  })

  it('spreads requests over the units it finds by name', async ({ own }) => {
    await own.startBoth()
    // Long enough that they overlap on any machine: who has fewer open requests gets the next one.
    // A unit that has just come takes its full share after a few seconds.
    const leastShare = async () => {
      const answers = await Promise.all(Array.from({ length: 40 }, () => own.where('?ms=500')))
      return Math.min(...['one', 'two'].map((name) => answers.filter((a) => a === name).length))
    }
    await expect.poll(leastShare, { timeout: 20_000 }).toBeGreaterThan(8)
  })

  it('finds a unit that is added, and forgets one whose name is gone', async ({ own }) => {
    own.addresses = [addresses[0]]
    await own.startUnit('one', addresses[0])
    await own.startUnit('two', addresses[1])
    await own.gateway.waitForUnits(1)
    own.addresses = addresses
    await own.gateway.waitForUnits(2)
    own.addresses = [addresses[1]]
    await own.gateway.waitForUnits(1)
    expect(new Set([await own.where(), await own.where(), await own.where()])).toEqual(
      new Set(['two']),
    )
  })

  it('drops a killed unit without a failed query, and takes it back', async ({ own }) => {
    const [first] = await own.startBoth()
    let failures = 0
    let stopped = false
    const seen = new Set<string>()
    const users = Array.from({ length: 8 }, async () => {
      while (!stopped) {
        await own
          .where('?ms=2')
          .then((unit) => seen.add(unit))
          .catch(() => {
            failures += 1
          })
      }
    })
    await sleep(300)
    await first.kill()
    await own.gateway.waitForUnits(1)
    seen.clear()
    await sleep(200)
    expect(seen).toEqual(new Set(['two']))
    await own.startUnit('again', addresses[0])
    await own.gateway.waitForUnits(2)
    await expect.poll(() => seen, { timeout: 10_000 }).toContain('again')
    stopped = true
    await Promise.all(users)
    expect(failures).toBe(0)
  })

  it('takes a unit that is not ready out of service, and leaves its open requests alone', async ({
    own,
  }) => {
    const [first, second] = await own.startBoth()
    const open = Array.from({ length: 6 }, () => own.where('?ms=2500'))
    await waitFor(async () => (await first.open()) + (await second.open()) === open.length, {
      what: 'both to have all of them',
    })
    await first.setReady(false)
    await own.gateway.waitForUnits(1)
    expect(new Set([await own.where(), await own.where(), await own.where()])).toEqual(
      new Set(['two']),
    )
    expect(new Set(await Promise.all(open))).toEqual(new Set(['one', 'two']))
    await second.setReady(false)
    await own.gateway.waitForUnits(0)
    const response = await own.send('/ticketing/commands/buy', { 'idempotency-key': 'k' })
    expect(response.status).toBe(503)
    expect(response.headers.get('retry-after')).toBe('1')
    expect(response.headers.get('content-type')).toBe('application/problem+json')
    expect(await response.json()).toMatchObject({ status: 503, code: 'not_ready' })
    expect((await fetch(`${own.gateway.adminUrl}/health/ready`)).status).toBe(503)
  })

  // architecture.md, section 2: a retry is safe with an idempotency key. The gateway does nothing
  // unsafe.
  it('repeats a command on another unit only with an idempotency key', async ({ own }) => {
    await own.startBoth('dropping', 'two')
    const path = '/ticketing/commands/drop'
    const keyed = await Promise.all(
      Array.from({ length: 12 }, (_, index) => own.send(path, { 'idempotency-key': `${index}` })),
    )
    expect(keyed.map(({ status }) => status)).toEqual(new Array(12).fill(200))
    const bare = await Promise.all(Array.from({ length: 12 }, () => own.sendAlone(path)))
    expect(new Set(bare.map(({ status }) => status))).toEqual(new Set([200, 504]))
    const lost = bare.find(({ status }) => status === 504)
    expect(lost?.body).toMatchObject({ status: 504, code: 'outcome_unknown' })
  })

  // interfaces.md: 503 promises that nothing has happened; 504 does not.
  it('does not promise that nothing happened once a unit has had the command', async ({ own }) => {
    await own.startBoth('dropping-one', 'dropping-two')
    const response = await own.send('/ticketing/commands/drop', { 'idempotency-key': 'k' })
    expect(response.status).toBe(504)
    expect(await response.json()).toMatchObject({ status: 504, code: 'outcome_unknown' })
  })

  it('lets nothing wait for long that no unit takes, and not much', async ({ own }) => {
    own.addresses = [addresses[0]]
    await own.startUnit('one', addresses[0])
    await own.gateway.waitForUnits(1)
    // Fifty are done, ten wait in vain, and there is no hope for the others.
    const refusals = async () => {
      const answers = Array.from({ length: 70 }, async () => {
        const response = await fetch(`${own.gateway.url}/where?ms=1500`)
        const { code } = (await response.json()) as { code?: string }
        if (code !== undefined)
          expect([response.status, response.headers.get('retry-after')]).toEqual([503, '1'])
        return code
      })
      return [...new Set(await Promise.all(answers))]
    }
    await expect
      .poll(refusals, { timeout: 30_000 })
      .toEqual(expect.arrayContaining([undefined, 'overloaded', 'not_ready']))
    expect((await fetch(`${own.gateway.url}/where`)).status).toBe(200)
  })

  it('promises that nothing happened to whoever has never been sent anywhere', async ({ own }) => {
    own.addresses = [addresses[0]]
    await own.startUnit('one', addresses[0])
    await own.gateway.waitForUnits(1)
    // Fifty are done, ten wait in vain.
    const refusals = async () => {
      const answers = Array.from({ length: 60 }, async (_, index) => {
        const response = await own.send('/ticketing/commands/buy?ms=1500', {
          'idempotency-key': `${index}`,
        })
        return `${response.status} ${((await response.json()) as { code?: string }).code}`
      })
      const told = new Set(await Promise.all(answers))
      expect(told).not.toContain('504 outcome_unknown')
      return [...told]
    }
    await expect
      .poll(refusals, { timeout: 30_000 })
      .toEqual(expect.arrayContaining(['200 undefined', '503 not_ready']))
  })

  it('does not promise it when the command was lost before it waited in vain', async ({ own }) => {
    own.addresses = [addresses[0]]
    await own.startUnit('dropping', addresses[0])
    await own.gateway.waitForUnits(1)
    const lost = own.send('/ticketing/commands/drop?ms=300', { 'idempotency-key': 'lost' })
    await sleep(100)
    const others = Array.from({ length: 58 }, () => own.send('/ticketing/commands/buy?ms=1500'))
    const response = await lost
    expect([response.status, await response.json()]).toMatchObject([
      504,
      { status: 504, code: 'outcome_unknown' },
    ])
    await Promise.all(others)
  })

  it('passes a unit’s refusal on and does not ask the next unit', async ({ own }) => {
    await own.startBoth('overloaded', 'overloaded-too')
    const response = await own.send('/ticketing/commands/buy', { 'idempotency-key': 'k' })
    expect(response.status).toBe(503)
    expect(await response.json()).toEqual({ code: 'overloaded' })
    expect(await own.gateway.metrics()).toMatch(
      /haproxy_backend_retry_warnings_total\{proxy="units"\} 0\n/,
    )
  })

  it('takes a refusal for no promise when another unit has had the command before', async ({
    own,
  }) => {
    await own.startBoth('dropping', 'overloaded')
    const responses = await Promise.all(
      Array.from({ length: 12 }, (_, index) =>
        own.send('/ticketing/commands/drop', { 'idempotency-key': `${index}` }),
      ),
    )
    const codes = await Promise.all(
      responses.map(async (response) => [
        response.status,
        ((await response.json()) as { code: string }).code,
      ]),
    )
    expect(new Set(codes.map(String))).toEqual(new Set(['503,overloaded', '504,outcome_unknown']))
  })

  it.for([
    ['/ticketing/events', '*/*'],
    ['/ticketing/queries/seatMap?eventId=concert', 'text/event-stream'],
  ])(
    'passes events of %s on as they happen, and keeps a silent stream open',
    async ([path, accept], { own }) => {
      await own.startBoth()
      const response = await fetch(`${own.gateway.url}${path}`, { headers: { accept } })
      const reader = response.body!.getReader()
      const first = await reader.read()
      expect(new TextDecoder().decode(first.value)).toMatch(/^data: (one|two)\n\n$/)
      // Longer than the idle timeout of ordinary requests.
      const next = await Promise.race([reader.read(), sleep(4000, 'still open')])
      expect(next).toBe('still open')
      await reader.cancel()
    },
  )

  it('ends the streams of a unit that leaves service, so that they move to another', async ({
    own,
  }) => {
    const [first, second] = await own.startBoth()
    await first.kill()
    await own.gateway.waitForUnits(1)
    const survivor = await fetch(`${own.gateway.url}/ticketing/events`)
    const reader = survivor.body!.getReader()
    expect(new TextDecoder().decode((await reader.read()).value)).toBe('data: two\n\n')
    await second.setReady(false)
    const ended = await reader.read().catch(() => ({ done: true }))
    expect(ended.done).toBe(true)
  })

  it('passes WebSockets through', async ({ own }) => {
    await own.startBoth()
    const socket = connect(own.gateway.port, '127.0.0.1')
    const handshake = [
      'GET /live HTTP/1.1',
      'Host: grid',
      'Connection: Upgrade',
      'Upgrade: websocket',
      'Sec-WebSocket-Version: 13',
      'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
    ]
    socket.write(`${handshake.join('\r\n')}\r\n\r\n`)
    const [head] = (await once(socket, 'data')) as [Buffer]
    expect(head.toString()).toMatch(/^HTTP\/1\.1 101 /)
    await sleep(3500)
    socket.write('still here')
    const [echo] = (await once(socket, 'data')) as [Buffer]
    expect(echo.toString()).toBe('still here')
    socket.destroy()
  })

  it('says who asks, whatever the user claims', async ({ own }) => {
    await own.startBoth()
    const response = await fetch(`${own.gateway.url}/where`, {
      headers: { 'x-forwarded-for': '203.0.113.9' },
    })
    expect(await response.json()).toMatchObject({ forwardedFor: '127.0.0.1' })
  })

  it('lets open requests end when it is stopped', async ({ own }) => {
    await own.startBoth()
    const open = own.where('?ms=1000')
    await sleep(200)
    own.gateway.process.kill('SIGUSR1')
    expect(['one', 'two']).toContain(await open)
    if (own.gateway.process.exitCode === null) await once(own.gateway.process, 'exit')
    expect(own.gateway.process.exitCode).toBe(0)
  })

  it('keeps metrics and statistics off the public port', async ({ own }) => {
    await own.startBoth()
    expect(await own.gateway.metrics()).toContain('haproxy_frontend_http_requests_total')
    expect((await fetch(`${own.gateway.adminUrl}/stats`)).status).toBe(200)
    const publicly = await fetch(`${own.gateway.url}/metrics`)
    expect(await publicly.text()).not.toContain('haproxy')
  })
})
