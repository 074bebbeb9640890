import type { AddressInfo } from 'node:net'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createHttpServer, type HttpServer } from './http-server.ts'
import { MemoryServing } from './test-support/memory-serving.ts'
import { bodyOf, RawClient, statusOf } from './test-support/raw-client.ts'
import { depot, shop } from './test-support/shop-space.ts'

const faults: unknown[] = []
let app: HttpServer
let port: number

beforeAll(async () => {
  const units = [new MemoryServing('shop-1', shop), new MemoryServing('depot-1', depot)]
  const log = { error: (fields: object) => void faults.push(fields) }
  app = createHttpServer(units, { log, bodyBytesMax: 2000 })
  await app.listen({ host: '127.0.0.1', port: 0 })
  port = (app.server.address() as AddressInfo).port
})

afterAll(() => app.close())

/**
 * Sends one request over a connection of its own and holds the answer to what every answer must be.
 */
async function ask(line: string, headers: string, body: Uint8Array = new Uint8Array(0)) {
  const client = new RawClient(port)
  const length = body.length > 0 ? `Content-Length: ${body.length}\r\n` : ''
  client.send(Buffer.from(`${line} HTTP/1.1\r\nHost: x\r\n${headers}${length}`, 'latin1'))
  client.send(Buffer.concat([Buffer.from('Connection: close\r\n\r\n'), body]))
  const response = await client.untilClosed()
  const status = statusOf(response)
  expect(response).toMatch(/^HTTP\/1\.1 (?:[234]\d\d|503) /)
  if (status >= 400) {
    expect(response.toLowerCase()).toContain('content-type: application/problem+json\r\n')
    const problem = JSON.parse(Buffer.from(bodyOf(response), 'latin1').toString())
    expect(problem).toMatchObject({
      status,
      detail: expect.any(String),
      error: { code: problem.code },
    })
    // Of a position that was never reached, or of a staleness.
    if (status === 503) expect(problem.code).toBeOneOf(['position_timeout', 'too_stale'])
  }
  expect(faults).toEqual([])
}

/** Any character that may stand in a header or a request line, as the byte it is sent as. */
const anyText = (maxLength: number) =>
  fc.string({
    unit: fc.integer({ min: 0x21, max: 0xff }).map((byte) => String.fromCharCode(byte)),
    maxLength,
  })

const json = 'Content-Type: application/json\r\n'
const put = 'POST /shop/commands/putProduct'
const numRuns = 150

describe('whatever is sent, the answer is a result or says what is wrong with it', () => {
  test('any bytes as a body', () =>
    fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 2100 }), (body) => ask(put, json, body)),
      { numRuns },
    ))

  test('any JSON as a body', () => {
    const product = fc.record(
      {
        id: fc.oneof(fc.string({ unit: 'binary' }), fc.jsonValue()),
        price: fc.oneof(fc.nat(), fc.double(), fc.jsonValue()),
        tags: fc.jsonValue(),
        more: fc.jsonValue(),
      },
      { requiredKeys: [] },
    )
    return fc.assert(
      fc.asyncProperty(
        fc.oneof(
          fc.json(),
          product.map((value) => JSON.stringify(value)),
        ),
        (text) => ask(put, json, Buffer.from(text)),
      ),
      { numRuns },
    )
  })

  test('any header', () => {
    const names = [
      'Idempotency-Key',
      'Prefer',
      'Grid-Position',
      'Grid-Consistency',
      'If-None-Match',
      'Content-Type',
      'Content-Encoding',
      'Accept',
      'Accept-Version',
      'Expect',
      'Range',
    ]
    const header = fc.tuple(fc.constantFrom(...names), anyText(300))
    const lines = ['GET /shop/queries/echo', 'GET /shop/caches/products/a', put]
    return fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...lines),
        fc.array(header, { maxLength: 4 }),
        (line, headers) =>
          ask(line, headers.map(([name, value]) => `${name}: ${value}\r\n`).join('')),
      ),
      { numRuns },
    )
  })

  test('any path and any parameters', () => {
    const part = fc.oneof(
      anyText(30),
      fc.constantFrom('shop', 'queries', 'caches', 'commands', 'products', 'echo', '..', '%2F', ''),
      fc.string({ unit: 'binary' }).map((text) => encodeURIComponent(text.toWellFormed())),
    )
    const path = fc.oneof(
      fc.array(part, { maxLength: 6 }).map((parts) => `/${parts.join('/')}`),
      part.map((key) => `/shop/caches/products/${key}`),
      fc.array(part).map((parts) => `/shop/queries/echo?${parts.join('&')}`),
      fc
        .tuple(fc.constantFrom('limit', 'open', 'ids', 'box', 'most'), part)
        .map(([name, text]) => `/shop/queries/echo?${name}=${text}`),
      anyText(50),
    )
    const method = fc.constantFrom('GET', 'POST', 'PUT', 'HEAD', 'OPTIONS', 'DELETE', 'TRACE')
    return fc.assert(
      fc.asyncProperty(method, path, async (verb, url) => {
        // HEAD's errors have no body to look at.
        await ask(`${verb === 'HEAD' ? 'GET' : verb} ${url}`, '')
      }),
      { numRuns: 2 * numRuns },
    )
  })
})
