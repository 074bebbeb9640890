import type { AddressInfo } from 'node:net'
import { setImmediate as turn } from 'node:timers/promises'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createHttpServer, type HttpServer } from './http-server.ts'
import { MemoryServing } from './test-support/memory-serving.ts'
import { RawClient, type Response, responsesIn } from './test-support/raw-client.ts'
import { shop } from './test-support/shop-space.ts'

// A caller on one connection tells answers apart by counting them. So whatever is sent: one answer
// each, in order, and what was answered 200 is what was committed.

const bodyBytesMax = 2000
const unit = new MemoryServing('shop-1', shop)
const faults: unknown[] = []
let app: HttpServer
let port: number

beforeAll(async () => {
  const log = { error: (fields: object) => void faults.push(fields) }
  app = createHttpServer([unit], { log, bodyBytesMax, discardBytesMax: 1_000_000 })
  await app.listen({ host: '127.0.0.1', port: 0 })
  port = (app.server.address() as AddressInfo).port
})

afterAll(() => app.close())

/** A request and what its answer must be. */
interface Part {
  readonly bytes: string
  readonly status: number
  /** Stands in the answer's body. */
  readonly says: string
  /** The product that it creates. */
  readonly creates?: string
}

const post = (body: string, chunked: boolean, more = '') => {
  const head = `POST /shop/commands/putProduct HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n${more}`
  if (!chunked) return `${head}Content-Length: ${body.length}\r\n\r\n${body}`
  const middle = body.length >> 1
  const chunks = [body.slice(0, middle), body.slice(middle)].filter((chunk) => chunk !== '')
  const sent = chunks.map((chunk) => `${chunk.length.toString(16)}\r\n${chunk}\r\n`)
  return `${head}Transfer-Encoding: chunked\r\n\r\n${sent.join('')}0\r\n\r\n`
}

let products = 0

const command = fc.tuple(fc.boolean(), fc.boolean()).map(([chunked, expects]): Part => {
  const id = `product-${products++}`
  const expect = expects ? 'Expect: 100-continue\r\n' : ''
  const bytes = post(JSON.stringify({ id, price: 1 }), chunked, expect)
  return { bytes, status: 200, says: `"id":"${id}"`, creates: id }
})

const query = fc.integer({ min: 1, max: 999 }).map(
  (limit): Part => ({
    bytes: `GET /shop/queries/echo?limit=${limit} HTTP/1.1\r\nHost: x\r\n\r\n`,
    status: 200,
    says: `"limit":${limit}`,
  }),
)

const refused = fc.tuple(fc.boolean(), fc.integer({ min: 2001, max: 300_000 })).chain(
  ([chunked, length]): fc.Arbitrary<Part> =>
    fc.constantFrom<Part>(
      { bytes: post('{"id":', chunked), status: 400, says: 'invalid_json' },
      { bytes: post('x'.repeat(length), chunked), status: 413, says: 'body_too_large' },
      {
        bytes: post('x'.repeat(length), chunked).replace('/json', '/xml'),
        status: 415,
        says: 'unsupported_media_type',
      },
      {
        bytes: post('x'.repeat(length), chunked).replace('putProduct', 'nothing'),
        status: 404,
        says: 'unknown_command',
      },
      {
        bytes: post('x'.repeat(length), chunked, 'Expect: 100-continue\r\n'),
        status: 413,
        says: 'body_too_large',
      },
      {
        bytes: post('{}', chunked, 'Expect: something\r\n'),
        status: 417,
        says: 'invalid_header',
      },
      {
        bytes: post('{}', chunked, 'Content-Encoding: gzip\r\n'),
        status: 415,
        says: 'unsupported_media_type',
      },
      { bytes: 'GET /shop/queries/echo HTTP/1.1\r\n\r\n', status: 400, says: 'Host' },
    ),
)

/**
 * How it ends: bytes that are no request, or half of one, and the status of the one answer to them;
 * none: no answer.
 */
interface Ending {
  readonly bytes: string
  readonly status: number | undefined
  /** The caller closes its side when all is sent. */
  readonly closes: boolean
}

const broken = (bytes: string, status = 400): Ending => ({ bytes, status, closes: false })
const late = post('{"id":"never","price":1}', false)
const endings = fc.constantFrom<Ending>(
  { bytes: '', status: undefined, closes: true },
  broken('@@@\r\n\r\n'),
  broken(`@@@\r\n\r\n${late}`),
  broken(`${'@'.repeat(300_000)}${late}`),
  broken(`GET / HTTP/9.9\r\nHost: x\r\n\r\n${late}`),
  broken(`GET / HTTP/1.1\r\nHost: x\r\nbad header\r\n\r\n${late}`),
  broken(`GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n${late}`),
  broken(`GET / HTTP/1.1\r\nx: ${'y'.repeat(20_000)}\r\n\r\n${late}`, 431),
  broken(`PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n${late}`),
  broken(`CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n${late}`, 405),
  broken(`${late.replace('Content-Length: 24', 'Transfer-Encoding: chunked')}zz\r\n`),
  broken(
    `${late.replace('Content-Length: 24', 'Transfer-Encoding: chunked').replace('{"id', `bb8\r\n${'x'.repeat(3000)}zz`)}`,
    413,
  ),
  { bytes: 'POST /shop/comm', status: 400, closes: true },
  { bytes: 'GET / HTTP/1.1\r\nHo', status: 400, closes: true },
  { bytes: late.slice(0, -5), status: 400, closes: true },
)

async function converse(
  parts: readonly Part[],
  ending: Ending,
  cuts: readonly number[],
): Promise<Response[]> {
  const client = new RawClient(port)
  const bytes = Buffer.from(parts.map((part) => part.bytes).join('') + ending.bytes, 'latin1')
  const places = [...new Set(cuts.map((cut) => cut % (bytes.length + 1)))].sort((a, b) => a - b)
  let from = 0
  for (const place of [...places, bytes.length]) {
    client.send(bytes.subarray(from, place))
    from = place
    await turn()
  }
  if (ending.closes) client.end()
  return responsesIn(await client.untilClosed())
}

async function holds(
  parts: readonly Part[],
  ending: Ending,
  cuts: readonly number[],
  slow: boolean,
) {
  const gate = Promise.withResolvers<void>()
  unit.gate = slow ? gate.promise : undefined
  const answers = converse(parts, ending, cuts)
  for (let turns = 0; turns < 5; turns++) await turn()
  gate.resolve()
  const seen = await answers
  const expected = [...parts.map(({ status }) => status), ...(ending.status ? [ending.status] : [])]
  expect(seen.map(({ status }) => status)).toEqual(expected)
  for (const [index, part] of parts.entries()) {
    expect(seen[index]?.body).toContain(part.says)
    if (part.creates !== undefined)
      expect(unit.grid.entries.has(`products/${part.creates}`)).toBe(true)
  }
  for (const { status, head } of seen)
    if (status >= 400)
      expect(head.toLowerCase()).toContain('content-type: application/problem+json')
  expect(unit.grid.entries.has('products/never')).toBe(false)
  expect(faults).toEqual([])
}

const part = fc.oneof({ weight: 3, arbitrary: command }, query, refused)

test('every request of a pipeline has its answer, in order, whatever follows it', () =>
  fc.assert(
    fc.asyncProperty(
      fc.array(part, { maxLength: 5 }),
      endings,
      fc.array(fc.nat(), { maxLength: 4 }),
      fc.boolean(),
      holds,
    ),
    { numRuns: 300 },
  ))

test('split at every byte, the answers are the same', async () => {
  const [first, second] = fc.sample(command, 2) as [Part, Part]
  const length = first.bytes.length + second.bytes.length + 7
  for (let cut = 0; cut <= length; cut++)
    await holds([first, second], broken('@@@\r\n\r\n'), [cut], false)
})
