import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { HttpOptions } from './http-server.ts'
import { openDoor } from './test-support/open-door.ts'
import { bodyOf, RawClient, statusOf } from './test-support/raw-client.ts'

async function listen(options: Partial<HttpOptions> = {}) {
  const door = openDoor(options)
  await door.app.listen({ host: '127.0.0.1', port: 0 })
  const { server } = door.app
  const { port } = server.address() as AddressInfo
  const connect = () => {
    const client = new RawClient(port)
    onTestFinished(() => client.destroy())
    return client
  }
  return { ...door, server, port, connect }
}

const echo = 'GET /shop/queries/echo HTTP/1.1\r\nHost: x\r\n\r\n'
/** A command up to its body, which is to have ten bytes. */
const halfPost = [
  'POST /shop/commands/putProduct HTTP/1.1',
  'Host: x',
  'Content-Type: application/json',
  'Content-Length: 10',
  '\r\n',
].join('\r\n')

describe('closing', () => {
  test('answers what is in flight, ends its connection, and takes no new one', async () => {
    const { app, server, units, port, connect } = await listen()
    const gate = Promise.withResolvers<void>()
    for (const unit of units) unit.gate = gate.promise
    const arrived = once(server, 'request')
    const client = connect()
    client.send(echo)
    await arrived
    const closed = app.close()
    await expect.poll(() => server.listening).toBe(false)
    await expect(fetch(`http://127.0.0.1:${port}/`)).rejects.toThrow('fetch failed')
    gate.resolve()
    const response = await client.untilClosed()
    expect(statusOf(response)).toBe(200)
    expect(response.toLowerCase()).toContain('\r\nconnection: close\r\n')
    await closed
  })

  test('answers a problem in flight as well', async () => {
    const { app, server, units, connect } = await listen()
    const gate = Promise.withResolvers<void>()
    for (const unit of units) unit.gate = gate.promise
    const arrived = once(server, 'request')
    const client = connect()
    client.send('GET /shop/queries/product?id=x HTTP/1.1\r\nHost: x\r\n\r\n')
    await arrived
    const closed = app.close()
    await expect.poll(() => server.listening).toBe(false)
    gate.resolve()
    const response = await client.untilClosed()
    expect(statusOf(response)).toBe(404)
    expect(response.toLowerCase()).toContain('\r\nconnection: close\r\n')
    await closed
  })

  test('ends connections that wait for their next request', async () => {
    const { app, connect } = await listen()
    const client = connect()
    client.send(echo)
    await client.until('"position":1')
    await app.close()
    expect(statusOf(await client.untilClosed())).toBe(200)
  })

  test('cuts what does not end within the grace', async () => {
    const { app, server, connect } = await listen({ closeGraceMs: 50 })
    const connected = once(server, 'connection')
    const client = connect()
    client.send('POST /shop/commands/putProduct HTTP/1.1\r\nHost: x\r\nContent-Le')
    await connected
    await app.close()
    await client.untilClosed()
  })
})

describe('what is not a request', () => {
  test.each([
    ['bytes that are no HTTP', 'HELLO\r\n\r\n', 400, 'invalid_header'],
    [
      'a header that is too long',
      `GET / HTTP/1.1\r\nx: ${'y'.repeat(20_000)}\r\n`,
      431,
      'invalid_header',
    ],
    ['a path that is too long', `GET /${'y'.repeat(20_000)} HTTP/1.1\r\n`, 431, 'invalid_header'],
  ])('%s', async (_what, bytes, status, code) => {
    const { connect } = await listen()
    const client = connect()
    client.send(bytes)
    const response = await client.untilClosed()
    expect(statusOf(response)).toBe(status)
    expect(response).toContain('Content-Type: application/problem+json\r\n')
    expect(JSON.parse(bodyOf(response))).toMatchObject({ status, code })
  })

  test('a request that does not arrive in time', async () => {
    const { connect } = await listen({ requestTimeoutMs: 50 })
    const client = connect()
    client.send(`${halfPost}{`)
    const response = await client.untilClosed()
    expect(JSON.parse(bodyOf(response))).toMatchObject({ status: 408, code: 'request_timeout' })
  })

  test('a method that no route knows', async () => {
    const { connect } = await listen()
    const client = connect()
    client.send('PROPFIND /shop/queries/echo HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')
    const response = await client.untilClosed()
    expect(statusOf(response)).toBe(405)
  })

  test('a body that ends before its length is no fault of the server', async () => {
    const { faults, server, connect } = await listen()
    const arrived = once(server, 'request')
    const client = connect()
    client.send(`${halfPost}{`)
    await arrived
    client.destroy()
    await expect
      .poll(() => new Promise((count) => server.getConnections((_, n) => count(n))))
      .toBe(0)
    expect(faults).toEqual([])
  })
})

describe('a body that is too large', () => {
  const head =
    'POST /shop/commands/putProduct HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n'

  test('is refused at once, by name, while it is still being sent', async () => {
    const { connect } = await listen({ bodyBytesMax: 100 })
    const client = connect()
    client.send(`${head}Content-Length: 100000\r\n\r\n`)
    const refusal = await client.until('body_too_large')
    expect(statusOf(refusal)).toBe(413)
    client.send('x'.repeat(100_000) + echo)
    expect(await client.until('"position":1')).toContain('HTTP/1.1 200 OK')
  })

  test('is not asked for', async () => {
    const { connect } = await listen({ bodyBytesMax: 100 })
    const client = connect()
    client.send(`${head}Expect: 100-continue\r\nContent-Length: 100000\r\n\r\n`)
    expect(statusOf(await client.until('body_too_large'))).toBe(413)
  })

  test.each([
    ['bytes', { discardBytesMax: 1000 }, 'x'.repeat(1001)],
    ['time', { discardMs: 50 }, ''],
  ])('is thrown away within limits, of %s', async (_what, limits, sent) => {
    const { connect } = await listen({ bodyBytesMax: 100, ...limits })
    const client = connect()
    client.send(`${head}Content-Length: 100000\r\n\r\n${sent}`)
    expect(statusOf(await client.untilClosed())).toBe(413)
  })
})

describe('connections', () => {
  test('answer pipelined requests in order', async () => {
    const { connect } = await listen()
    const client = connect()
    const ask = (limit: number) =>
      `GET /shop/queries/echo?limit=${limit} HTTP/1.1\r\nHost: x\r\n\r\n`
    client.send(ask(1) + ask(2) + ask(3))
    const responses = await client.until('{"limit":3}')
    expect([...responses.matchAll(/"limit":(\d)/g)].map(([, limit]) => limit).join('')).toBe('123')
  })

  test('are told what the server takes at all', async () => {
    const { connect } = await listen()
    const client = connect()
    client.send('OPTIONS * HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')
    const response = await client.untilClosed()
    expect(statusOf(response)).toBe(204)
    expect(response.toLowerCase()).toContain('\r\nallow: get, head, post, options\r\n')
  })

  test('hear what a path takes before the body is there', async () => {
    const { connect } = await listen()
    const client = connect()
    client.send('OPTIONS /shop/queries/echo HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n')
    await client.until('\r\n\r\n')
    client.send(`0123456789${echo}`)
    const received = await client.until('"position"')
    expect(received).toMatch(/^HTTP\/1\.1 204 [\s\S]*?\r\n\r\nHTTP\/1\.1 200 /)
  })

  test('find the keys "." and "..", which URL parsers swallow', async () => {
    const { command, connect } = await listen()
    for (const id of ['.', '..']) {
      await command('putProduct', { id, price: 1 })
      const client = connect()
      client.send(
        `GET /shop/caches/products/${id} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`,
      )
      expect(JSON.parse(bodyOf(await client.untilClosed()))).toMatchObject({ key: id })
    }
  })

  test('two servers share one port', async () => {
    // Fastify hands it to node, but does not declare it.
    const shared: object = { reusePort: true }
    const first = openDoor()
    const second = openDoor()
    await first.app.listen({ host: '127.0.0.1', port: 0, ...shared })
    const { port } = first.app.server.address() as AddressInfo
    await second.app.listen({ host: '127.0.0.1', port, ...shared })
    await first.app.close()
    const answer = await fetch(`http://127.0.0.1:${port}/shop/queries/echo`)
    expect(answer.status).toBe(200)
    await answer.body?.cancel()
  })
})
