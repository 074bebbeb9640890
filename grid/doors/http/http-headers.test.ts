import type { AddressInfo } from 'node:net'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createHttpServer, type HttpServer } from './http-server.ts'
import { MemoryServing } from './test-support/memory-serving.ts'
import { bodyOf, RawClient, statusOf } from './test-support/raw-client.ts'
import { shop } from './test-support/shop-space.ts'

let app: HttpServer
let port: number
const unit = new MemoryServing('shop-1', shop)

beforeAll(async () => {
  app = createHttpServer([unit], { log: { error: () => {} } })
  await app.listen({ host: '127.0.0.1', port: 0 })
  port = (app.server.address() as AddressInfo).port
})

afterAll(() => app.close())

interface Once {
  readonly name: string
  readonly line: string
  readonly others: string
  readonly body: string
  readonly values: readonly string[]
}

const type = 'Content-Type: application/json\r\n'
const host = 'Host: x\r\n'
const command = { line: 'POST /shop/commands/putProduct', body: '{"id":"a","price":1}' }
const query = { line: 'GET /shop/queries/echo', body: '' }

/** Every header that may come once, with values that are right on their own. */
const once: readonly Once[] = [
  { name: 'Idempotency-Key', ...command, others: host + type, values: ['k', 'a,b', 'a, a', ', '] },
  {
    name: 'Content-Type',
    ...command,
    others: host,
    values: ['application/json', 'application/json; charset=utf-8'],
  },
  { name: 'Host', ...command, others: type, values: ['x', 'y:1'] },
  { name: 'Host', ...query, others: '', values: ['x', 'y:1'] },
  { name: 'Grid-Position', ...query, others: host, values: ['0', '1'] },
  { name: 'Grid-Consistency', ...query, others: host, values: ['latest', 'Latest'] },
  { name: 'Grid-Staleness', ...query, others: host, values: ['2s', '500ms'] },
  {
    name: 'Grid-Position',
    ...query,
    line: 'GET /shop/caches/products/a',
    others: host,
    values: ['1'],
  },
]

const manners = fc.constantFrom(
  (name: string) => name,
  (name: string) => name.toLowerCase(),
  (name: string) => name.toUpperCase(),
)

async function ask({ line, others, body }: Once, headers: string): Promise<string> {
  const client = new RawClient(port)
  const length = body === '' ? '' : `Content-Length: ${body.length}\r\n`
  client.send(`${line} HTTP/1.1\r\n${others}${headers}${length}Connection: close\r\n\r\n${body}`)
  return await client.untilClosed()
}

test('a header that may come once is refused when it comes again, whatever its values', () =>
  fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...once).chain((header) => {
        const one = fc.tuple(manners, fc.constantFrom(...header.values))
        return fc.tuple(fc.constant(header), fc.array(one, { minLength: 1, maxLength: 3 }))
      }),
      async ([header, given]) => {
        const before = unit.position
        const lines = given.map(([manner, value]) => `${manner(header.name)}: ${value}\r\n`)
        const answer = await ask(header, lines.join(''))
        if (given.length === 1) {
          expect(answer).not.toContain('invalid_header')
          return
        }
        expect(statusOf(answer)).toBe(400)
        const { code, detail } = JSON.parse(bodyOf(answer))
        expect(code).toBe('invalid_header')
        expect(detail).toContain(header.name)
        expect(unit.position).toBe(before)
      },
    ),
    { numRuns: 200 },
  ))
