import type { AddressInfo } from 'node:net'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { HttpOptions } from './http-server.ts'
import { openDoor } from './test-support/open-door.ts'
import { bodyOf, RawClient, statusOf } from './test-support/raw-client.ts'

async function listen(options: Partial<HttpOptions> = {}) {
  const door = openDoor(options)
  await door.app.listen({ host: '127.0.0.1', port: 0 })
  const { port } = door.app.server.address() as AddressInfo
  const connect = () => {
    const client = new RawClient(port)
    onTestFinished(() => client.destroy())
    return client
  }
  return { ...door, connect }
}

const echo = 'GET /shop/queries/echo HTTP/1.1\r\nHost: x\r\n\r\n'
const head =
  'POST /shop/commands/putProduct HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n'

describe('who keeps on sending a body that is too large', () => {
  const piece = 'x'.repeat(64 * 1024)

  test.each([
    ['with its length', `${head}Content-Length: ${64 * piece.length}\r\n\r\n`, piece],
    ['in chunks', `${head}Transfer-Encoding: chunked\r\n\r\n`, `10000\r\n${piece}\r\n`],
  ])('%s hears 413, and is served again on the same connection', async (_how, begin, sent) => {
    const { connect } = await listen({ bodyBytesMax: 1024 })
    const client = connect()
    client.send(begin)
    // Much more than the buffers between the two hold: somebody has to read it.
    for (let count = 0; count < 64; count++) client.send(sent)
    if (begin.includes('chunked')) client.send('0\r\n\r\n')
    client.send(echo)
    const received = await client.until('"position":1')
    expect(statusOf(received)).toBe(413)
    expect(received).toContain('body_too_large')
    expect(received).toContain('HTTP/1.1 200 OK')
  })
})

describe('the head of a request', () => {
  const get = (url: string, headers = '') => `GET ${url} HTTP/1.1\r\nHost: x\r\n${headers}\r\n`

  test('has a URL of 8,192 characters at most', async () => {
    const { connect } = await listen()
    const client = connect()
    const urlOf = (length: number) => '/shop/queries/echo?limit='.padEnd(length, '1')
    client.send(get(urlOf(8193)) + get('/shop/queries/echo?limit=7'))
    const received = await client.until('"limit":7')
    expect(statusOf(received)).toBe(414)
    expect(received).toContain('The URL may have at most 8192 characters')
    client.send(get(urlOf(8192)))
    expect(await client.until('HTTP/1.1 400')).toContain('invalid_input')
  })

  test('has 100 headers at most', async () => {
    const { connect } = await listen()
    const headers = (count: number) =>
      Array.from({ length: count }, (_, at) => `x-${at}: y\r\n`).join('')
    const client = connect()
    // One more is `Host`.
    client.send(get('/shop/queries/echo', headers(100)))
    expect(statusOf(await client.until('at most 100 headers'))).toBe(431)
    client.send(get('/shop/queries/echo', headers(99)))
    await client.until('"position":1')
    const many = connect()
    many.send(get('/shop/queries/echo', headers(2500)))
    const refused = await many.untilClosed()
    expect(JSON.parse(bodyOf(refused))).toMatchObject({ status: 431, code: 'invalid_header' })
  })
})

test('beyond so many connections the next one is closed, and the others go on', async () => {
  const { connect } = await listen({ connectionsMax: 2 })
  const [one, other] = [connect(), connect()]
  for (const client of [one, other]) {
    client.send(echo)
    await client.until('"position":1')
  }
  const third = connect()
  third.send(echo)
  expect(await third.untilClosed()).toBe('')
  other.send(echo.replace('echo', 'echo?limit=3'))
  await other.until('"limit":3')
  one.destroy()
})

test('who does not read what it has asked for is cut off', async () => {
  const { app, connect } = await listen({ connectionTimeoutMs: 300 })
  const client = connect()
  client.pause()
  // More than the buffers of both ends hold.
  const question = 'GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n'
  client.send(question.repeat(500))
  const connections = () =>
    new Promise<number>((count) => app.server.getConnections((_, number) => count(number)))
  await expect.poll(connections).toBe(1)
  await expect.poll(connections, { timeout: 20_000 }).toBe(0)
})

describe('a rate limit', () => {
  test('is none unless it is set', async () => {
    const { get } = openDoor()
    for (let count = 0; count < 50; count++)
      expect((await get('/shop/queries/echo')).statusCode).toBe(200)
  })

  test('refuses what one caller asks beyond, says until when, and leaves others alone', async () => {
    const rateLimit = { requests: 3, withinMs: 60_000 }
    const { app } = openDoor({ rateLimit })
    const ask = (remoteAddress: string, authorization: string) =>
      app.inject({ url: '/shop/queries/echo', remoteAddress, headers: { authorization } })
    for (let count = 0; count < 3; count++)
      expect((await ask('10.0.0.1', `Bearer ${count}`)).statusCode).toBe(200)
    const refused = await ask('10.0.0.1', 'Bearer another')
    expect(refused.statusCode).toBe(429)
    expect(refused.json()).toMatchObject({
      ...{ code: 'rate_limited', error: { limit: 3, withinMs: 60_000 } },
    })
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0)
    expect((await ask('10.0.0.2', 'Bearer 1')).statusCode).toBe(200)
  })
})

test('pages say what they may do, answers to programs are left alone', async () => {
  const { get } = openDoor()
  for (const url of ['/', '/docs', '/docs/static/index.css']) {
    const { headers } = await get(url)
    expect(headers['content-security-policy'], url).toContain(
      "default-src 'none';script-src 'self'",
    )
    expect(headers['content-security-policy'], url).toContain("frame-ancestors 'none'")
    expect(headers['x-content-type-options'], url).toBe('nosniff')
    expect(headers['referrer-policy'], url).toBe('no-referrer')
    expect(headers['x-frame-options'], url).toBeDefined()
  }
  const { headers } = await get('/shop/queries/echo')
  expect(headers['content-security-policy']).toBeUndefined()
})
