import { once } from 'node:events'
import { createServer, type IncomingMessage, request } from 'node:http'
import { connect } from 'node:net'
import { createHttpServer } from '@spacegrid/grid/doors/http/http-server'
import { MemoryServing } from '@spacegrid/grid/doors/http/test-support/memory-serving'
import { shop } from '@spacegrid/grid/doors/http/test-support/shop-space'
import { isHaproxyInstalled, RunningGateway } from '@spacegrid/proof/gateway/haproxy'
import { NameServer } from '@spacegrid/proof/gateway/name-server'
import { freeUnitPorts } from '@spacegrid/proof/gateway/stand-in-units'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const address = '127.0.0.31'
const canRun = process.platform === 'linux' && isHaproxyInstalled(process.env)

// Skipped: without HAProxy, or loopback addresses other than 127.0.0.1, there is nothing to test;
// said loudly above.
describe.skipIf(!canRun)('the door behind the gateway', { timeout: 60_000 }, () => {
  const running = new AsyncDisposableStack()
  let gateway: RunningGateway

  beforeAll(async () => {
    const { port, adminPort } = await freeUnitPorts([address])
    const nameServer = new NameServer('processing-unit')
    const nameServerPort = await nameServer.start()
    running.defer(() => nameServer.stop())
    nameServer.addresses = [address]
    const door = createHttpServer([new MemoryServing('shop-1', shop)], {
      log: { error: () => {} },
      bodyBytesMax: 100_000,
      compressionLengthMin: 500,
      corsOrigins: ['https://shop.example'],
    })
    running.defer(() => door.close())
    await door.listen({ host: address, port })
    const administration = createServer((_request, response) => response.end())
    running.defer(() => void administration.close())
    administration.listen(adminPort, address)
    await once(administration, 'listening')
    const environment = {
      GATEWAY_RESOLVER: `127.0.0.1:${nameServerPort}`,
      GATEWAY_UNITS: `processing-unit:${port}`,
      GATEWAY_UNIT_ADMIN_PORT: String(adminPort),
    }
    gateway = await RunningGateway.start(environment, process.env)
    running.defer(() => gateway.stop())
    await gateway.waitForUnits(1)
  })

  afterAll(() => running.disposeAsync())

  /** A client that reads nothing until all is sent, as the simplest do. */
  async function sendThenRead(head: string, body: Buffer): Promise<string> {
    const socket = connect(gateway.port, '127.0.0.1').pause()
    await once(socket, 'connect')
    socket.write(
      `POST /shop/commands/putProduct HTTP/1.1\r\nHost: x\r\nConnection: close\r\n${head}\r\n`,
    )
    await new Promise<void>((sent, failed) => {
      socket.write(body, (error) => (error ? failed(error) : sent()))
    })
    const chunks = await socket.resume().toArray()
    return Buffer.concat(chunks).toString()
  }

  const chunked = (body: Buffer) =>
    Buffer.concat([
      Buffer.from(`${body.length.toString(16)}\r\n`),
      body,
      Buffer.from('\r\n0\r\n\r\n'),
    ])

  it.each([
    ['a length', 200_000],
    ['a length', 10_000_000],
    ['chunks', 200_000],
    ['chunks', 10_000_000],
  ])('a body with %s, of %d bytes, is 413 and no broken pipe', async (how, bytes) => {
    const body = Buffer.alloc(bytes, 'x')
    const type = 'Content-Type: application/json\r\n'
    const answer =
      how === 'chunks'
        ? await sendThenRead(`${type}Transfer-Encoding: chunked\r\n`, chunked(body))
        : await sendThenRead(`${type}Content-Length: ${bytes}\r\n`, body)
    expect(answer).toMatch(/^HTTP\/1\.1 413 /)
    expect(answer).toContain('body_too_large')
  })

  it('a compressed answer arrives as the unit has sent it', async () => {
    const url = `${gateway.url}/shop/queries/echo?text=${'seat'.repeat(500)}`
    const plain = await fetch(url, { headers: { 'accept-encoding': 'identity' } })
    for (const coding of ['zstd', 'br', 'gzip']) {
      const answer = await new Promise<IncomingMessage>((resolve) =>
        request(url, { headers: { 'accept-encoding': coding } }, resolve).end(),
      )
      const bytes = Buffer.concat(await answer.toArray())
      expect(answer.headers['content-encoding']).toBe(coding)
      expect(answer.headers['content-length']).toBe(String(bytes.length))
      expect(bytes.length).toBeLessThan(300)
      expect(answer.headers.etag).toBe(plain.headers.get('etag'))
    }
  })

  it('ids, traces and what pages of other origins need pass both ways', async () => {
    const headers = {
      origin: 'https://shop.example',
      'x-request-id': 'order-7',
      traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
    }
    const answer = await fetch(`${gateway.url}/shop/queries/echo`, { headers })
    expect(answer.headers.get('x-request-id')).toBe('order-7')
    expect(answer.headers.get('traceparent')).toMatch(/^00-4bf92f3577b34da6a3ce929d0e0e4736-.*-01$/)
    expect(answer.headers.get('access-control-allow-origin')).toBe('https://shop.example')
    const asked = await new Promise<IncomingMessage>((resolve) =>
      request(
        `${gateway.url}/shop/commands/putProduct`,
        { method: 'OPTIONS', headers: { ...headers, 'access-control-request-method': 'POST' } },
        resolve,
      ).end(),
    )
    expect(asked.statusCode).toBe(204)
    expect(asked.headers['access-control-allow-methods']).toContain('POST')
  })

  it('a body of another type is 415, however large', async () => {
    const body = Buffer.alloc(1_000_000, 'x')
    const answer = await sendThenRead(
      `Content-Type: text/plain\r\nContent-Length: ${body.length}\r\n`,
      body,
    )
    expect(answer).toMatch(/^HTTP\/1\.1 415 /)
  })
})
