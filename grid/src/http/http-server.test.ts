import { createHash } from 'node:crypto'
import { describe, expect, onTestFinished, test } from 'vitest'
import { GridError } from '../errors.ts'
import { createHttpServer, type HttpOptions } from './http-server.ts'
import { MemoryGrid, MemoryServing } from './test-support/memory-serving.ts'
import { depot, shop } from './test-support/shop-space.ts'

/** Two units of `shop` on one grid and one of `depot`, behind one door. */
function open(options: Partial<HttpOptions> = {}) {
  const grid = new MemoryGrid()
  const units = ['shop-1', 'shop-2'].map((name) => new MemoryServing(name, shop, grid))
  const faults: Record<string, unknown>[] = []
  const log = { error: (fields: object) => void faults.push({ ...fields }) }
  const all = [...units, new MemoryServing('depot-1', depot)]
  const app = createHttpServer(all, { log, ...options })
  onTestFinished(() => app.close())
  const command = (name: string, body: unknown, headers: Record<string, string> = {}) =>
    app.inject({
      method: 'POST',
      url: `/shop/commands/${name}`,
      headers: { 'content-type': 'application/json', ...headers },
      payload: typeof body === 'string' ? body : JSON.stringify(body),
    })
  const get = (url: string, headers: Record<string, string> = {}) => app.inject({ url, headers })
  return { app, units, grid, faults, command, get }
}

describe('POST /{space}/commands/{name}', () => {
  test('answers result, position and version', async () => {
    const { command } = open()
    const answer = await command('putProduct', { id: 'a', price: 1 })
    expect(answer.statusCode).toBe(200)
    expect(answer.headers).toMatchObject({
      'content-type': 'application/json; charset=utf-8',
      'grid-position': '2',
    })
    expect(answer.headers).not.toHaveProperty('preference-applied')
    expect(answer.json()).toEqual({ result: { id: 'a', tags: 0 }, position: 2, version: 1001 })
  })

  test('answers null when the handler returns nothing', async () => {
    const { command } = open()
    await command('putProduct', { id: 'a', price: 1 })
    const answer = await command('raisePrice', { id: 'a', by: 2 })
    expect(answer.json()).toEqual({ result: null, position: 3, version: 1002 })
  })

  test('a business rejection is 409 with its reason, for programs and as a problem document', async () => {
    const { command } = open()
    const answer = await command('raisePrice', { id: 'none', by: 1 })
    expect(answer.statusCode).toBe(409)
    expect(answer.headers).toMatchObject({
      'content-type': 'application/problem+json',
      'grid-position': '1',
    })
    expect(answer.json()).toEqual({
      type: 'urn:spacegrid:error:rejected',
      title: 'The command was refused',
      status: 409,
      code: 'rejected',
      detail: 'Refused: no_such_product',
      error: { code: 'rejected', reason: 'no_such_product', id: 'none' },
    })
  })

  test('an idempotency key brings the first result again, from any unit', async () => {
    const { command, grid } = open()
    const headers = { 'idempotency-key': 'order-7' }
    const first = await command('putProduct', { id: 'a', price: 1 }, headers)
    const again = await command('putProduct', { id: 'a', price: 1 }, headers)
    expect(first.headers).not.toHaveProperty('idempotency-replayed')
    expect(again.headers).toMatchObject({ 'idempotency-replayed': 'true' })
    expect(again.body).toBe(first.body)
    expect(grid.position).toBe(2)
    expect((await command('raisePrice', { id: 'a', by: 1 }, headers)).json()).toMatchObject({
      status: 422,
      code: 'idempotency_key_reused',
    })
  })

  test('Prefer sets the acknowledgement level, and the answer says which was applied', async () => {
    const { command } = open()
    const body = { id: 'a', price: 1 }
    const answer = await command('putProduct', body, { prefer: 'ack=persisted' })
    expect(answer.headers).toMatchObject({ 'preference-applied': 'ack=persisted' })
    const refused = await command('putProduct', body, { prefer: 'ack=sometimes' })
    expect(refused.statusCode).toBe(400)
    expect(refused.json()).toMatchObject({
      code: 'invalid_header',
      error: { header: 'Prefer', allowed: 'ack=accepted, ack=committed, ack=persisted' },
    })
  })

  test.each(['', 'x'.repeat(256), 'ü'])('refuses the idempotency key %j', async (key) => {
    const { command } = open()
    const body = { id: 'a', price: 1 }
    const answer = await command('putProduct', body, { 'idempotency-key': key })
    expect(answer.json()).toMatchObject({ status: 400, code: 'invalid_header' })
  })

  test('names the fields that do not fit and why', async () => {
    const { command } = open()
    const answer = await command('putProduct', { id: 5, price: 1.5 })
    expect(answer.statusCode).toBe(400)
    const errors = [
      { path: 'id', message: 'must be string' },
      { path: 'price', message: 'must be integer' },
    ]
    expect(answer.json()).toMatchObject({
      code: 'invalid_input',
      detail: 'id: must be string; price: must be integer',
      errors,
      error: { code: 'invalid_input', errors },
    })
  })

  test.each([
    ['{"id":"a",}', 'invalid_json', 'Line 1, column 11'],
    ['', 'invalid_json', 'empty'],
    ['[]', 'invalid_input', 'must be object'],
    ['{"id":"a","price":9007199254740993}', 'invalid_input', 'price: must lie between'],
    ['{"id":"a","price":1e400}', 'invalid_input', 'price: must lie between'],
    ['{"id":"\\ud800","price":1}', 'invalid_input', 'id: must be well-formed'],
    ['{"id":"a","price":1,"__proto__":{}}', 'invalid_input', '__proto__: is a reserved name'],
    ['{"id":"a","price":1,"constructor":{}}', 'invalid_input', 'constructor: is a reserved name'],
  ])('refuses the body %s', async (body, code, detail) => {
    const { command } = open()
    const answer = await command('putProduct', body)
    expect(answer.statusCode).toBe(400)
    expect(answer.json()).toMatchObject({ code, detail: expect.stringContaining(detail) })
    expect(answer.headers).toMatchObject({ connection: 'keep-alive' })
  })

  test('refuses other content types and compressed bodies with 415', async () => {
    const { app, command } = open()
    const post = (headers: Record<string, string>) =>
      app.inject({ method: 'POST', url: '/shop/commands/putProduct', headers, payload: '{}' })
    for (const headers of [
      {},
      { 'content-type': 'text/plain' },
      { 'content-type': 'application/jsonx' },
      { 'content-type': 'nonsense' },
      { 'content-type': 'application/json', 'content-encoding': 'gzip' },
    ] as Record<string, string>[]) {
      const answer = await post(headers)
      expect(answer.json()).toMatchObject({ status: 415, code: 'unsupported_media_type' })
      expect(answer.headers).toMatchObject({ 'grid-position': '1' })
    }
    const type = { 'content-type': 'Application/JSON; charset=utf-8' }
    expect((await command('putProduct', { id: 'a', price: 1 }, type)).statusCode).toBe(200)
  })

  test('refuses a body over the limit with 413', async () => {
    const { command } = open({ bodyBytesMax: 100 })
    const answer = await command('putProduct', { id: 'x'.repeat(100), price: 1 })
    expect(answer.json()).toMatchObject({ status: 413, error: { bytesMax: 100 } })
  })

  test('a fault inside is answered with an id and nothing else', async () => {
    const { command, faults, units } = open()
    const answer = await command('misbehave', { how: 'throw' })
    expect(answer.statusCode).toBe(500)
    expect(answer.body).not.toContain('secret')
    const { error } = answer.json<{ error: { id: string } }>()
    expect(error).toEqual({ code: 'internal', id: expect.any(String) })
    expect(faults).toEqual([{ err: expect.any(TypeError), id: error.id }])
    for (const unit of units) unit.failure = new GridError('fenced', 'by unit-2 at nats://host')
    const between = await command('putProduct', { id: 'a', price: 1 })
    expect(between.json()).toMatchObject({ status: 500, code: 'internal' })
    expect(between.body).not.toContain('nats://')
  })

  test('a result that does not fit its schema is sent as it is: the command is committed', async () => {
    const { command, faults } = open()
    expect((await command('misbehave', {})).json()).toMatchObject({ result: { other: 1 } })
    await command('misbehave', {})
    expect(faults).toHaveLength(1)
  })

  test('Retry-After comes with whatever may be sent again', async () => {
    const { command, units } = open()
    const failWith = async (failure: GridError) => {
      for (const unit of units) unit.failure = failure
      return command('putProduct', { id: 'a', price: 1 })
    }
    const busy = await failWith(new GridError('overloaded', 'Busy', { retryAfterMs: 2400 }))
    expect(busy.statusCode).toBe(503)
    expect(busy.headers).toMatchObject({ 'retry-after': '3' })
    const full = await failWith(new GridError('log_full', 'Full'))
    expect([full.statusCode, full.headers['retry-after']]).toEqual([507, '1'])
    const unknown = await failWith(new GridError('outcome_unknown', 'Unknown'))
    expect([unknown.statusCode, unknown.headers['retry-after']]).toEqual([504, '1'])
    const large = await failWith(new GridError('transaction_too_large', 'Large'))
    expect([large.statusCode, large.headers['retry-after']]).toEqual([413, undefined])
  })
})

describe('GET /{space}/queries/{name}', () => {
  test('answers result and position; text becomes the declared types', async () => {
    const { get } = open()
    const answer = await get('/shop/queries/echo?limit=3&open=true&text=7&ids=a&ids=b')
    expect(answer.statusCode).toBe(200)
    expect(answer.headers).toMatchObject({ 'grid-position': '1', 'cache-control': 'no-cache' })
    const result = { limit: 3, open: true, text: '7', ids: ['a', 'b'] }
    expect(answer.json()).toEqual({ result, position: 1 })
  })

  test('refuses what cannot be read, and lets the unit refuse what does not fit', async () => {
    const { get } = open()
    const unreadable = await get('/shop/queries/echo?limit=abc')
    const errors = [{ path: 'limit', message: 'must be integer' }]
    expect(unreadable.json()).toMatchObject({
      status: 400,
      detail: 'limit: must be integer',
      errors,
    })
    const unfit = await get('/shop/queries/echo?limit=0')
    expect(unfit.json()).toMatchObject({ status: 400, code: 'invalid_input' })
    const missing = await get('/shop/queries/product')
    expect(missing.json()).toMatchObject({ detail: 'id: is required' })
  })

  test('not found is 404', async () => {
    const { get } = open()
    const answer = await get('/shop/queries/product?id=x')
    expect(answer.json()).toMatchObject({ status: 404, code: 'not_found', detail: 'No product x' })
  })

  test('the tag stays while the result stays, on every unit and at every position', async () => {
    const { command, get } = open()
    await command('putProduct', { id: 'a', price: 1 })
    const url = '/shop/queries/product?id=a'
    const tag = (await get(url)).headers.etag as string
    await command('putProduct', { id: 'b', price: 1 })
    for (let turn = 0; turn < 2; turn++) {
      const unchanged = await get(url, { 'if-none-match': tag })
      expect(unchanged.statusCode).toBe(304)
      expect(unchanged.body).toBe('')
      expect(unchanged.headers).toMatchObject({ etag: tag, 'grid-position': '3' })
    }
    await command('raisePrice', { id: 'a', by: 1 })
    const changed = await get(url, { 'if-none-match': tag })
    expect(changed.statusCode).toBe(200)
    expect(changed.headers.etag).not.toBe(tag)
  })

  test('HEAD answers the headers of GET', async () => {
    const { app, get } = open()
    const url = '/shop/queries/echo?limit=3'
    const head = await app.inject({ method: 'HEAD', url })
    const { etag, 'content-length': length } = (await get(url)).headers
    expect(head.body).toBe('')
    expect(head.headers).toMatchObject({ etag, 'content-length': length })
  })

  test('waits for a position, and says when it was not reached', async () => {
    const { get } = open()
    const reached = await get('/shop/queries/echo', { 'grid-position': '1' })
    expect(reached.statusCode).toBe(200)
    const late = await get('/shop/queries/echo', { 'grid-position': '9' })
    expect(late.json()).toMatchObject({ status: 503, code: 'position_timeout' })
    expect(late.headers).toMatchObject({ 'retry-after': '2', 'grid-position': '1' })
  })

  test.each([
    ['grid-position', 'abc'],
    ['grid-position', '-1'],
    ['grid-position', '0'],
    ['grid-consistency', 'eventual'],
  ])('refuses %s: %s', async (header, value) => {
    const { get } = open()
    for (const url of ['/shop/queries/echo', '/shop/caches/products/a'])
      expect((await get(url, { [header]: value })).json()).toMatchObject({
        status: 400,
        code: 'invalid_header',
      })
  })
})

describe('GET /{space}/caches/{cache}/{key}', () => {
  test('answers the entry; its version is the tag', async () => {
    const { command, get } = open()
    await command('putProduct', { id: 'a', price: 1, tags: ['new'] })
    await command('putProduct', { id: 'b', price: 1 })
    const answer = await get('/shop/caches/products/a')
    expect(answer.headers).toMatchObject({ etag: '"1001"', 'grid-position': '3' })
    const value = { id: 'a', price: 1, tags: ['new'] }
    expect(answer.json()).toEqual({ key: 'a', value, version: 1001, writtenAt: 2 })
    const again = await get('/shop/caches/products/a', { 'if-none-match': '"7", "1001"' })
    expect([again.statusCode, again.body]).toEqual([304, ''])
  })

  test.each([
    'a/b',
    '/',
    '%',
    '%2F',
    'a b+c',
    '?#&=;,',
    'ü/日本/🎫',
    '..',
    '%25',
    'A-1-1',
    'key'.repeat(341),
    'ü'.repeat(512),
  ])('finds the key %s', async (id) => {
    const { command, get } = open()
    await command('putProduct', { id, price: 1 })
    const answer = await get(`/shop/caches/products/${encodeURIComponent(id)}`)
    expect(answer.json()).toMatchObject({ key: id, value: { id } })
  })

  test.each([
    ['', 'must not be empty'],
    ['a'.repeat(1025), 'longer than 1024 bytes'],
    ['%C3%BC'.repeat(513), 'longer than 1024 bytes'],
    ['a'.repeat(9000), 'longer than 1024 bytes'],
    ['a%00b', 'U+0000'],
    ['%ff', 'not percent-encoded UTF-8'],
    ['%ED%A0%80', 'not percent-encoded UTF-8'],
    ['%', 'not percent-encoded UTF-8'],
    ['%zz', 'not percent-encoded UTF-8'],
  ])('refuses the key %s', async (key, detail) => {
    const { get } = open()
    const answer = await get(`/shop/caches/products/${key}`)
    expect(answer.statusCode).toBe(400)
    expect(answer.json()).toMatchObject({
      code: 'invalid_key',
      detail: expect.stringContaining(detail),
    })
  })

  test('a missing entry is 404', async () => {
    const { get } = open()
    expect((await get('/shop/caches/products/x')).json()).toMatchObject({ code: 'not_found' })
  })
})

describe('what does not exist', () => {
  test.each([
    ['POST', '/market/commands/buy', 'unknown_space', { known: ['shop', 'depot'] }],
    ['POST', '/shop/commands/buy', 'unknown_command', { known: [...shop.commands.keys()] }],
    ['GET', '/shop/queries/find?x=1', 'unknown_query', { known: [...shop.queries.keys()] }],
    ['GET', '/depot/queries/find', 'unknown_query', { known: [] }],
    ['GET', '/shop/caches/orders/1', 'unknown_cache', { known: ['products'] }],
    ['GET', '/shop/caches/constructor/1', 'unknown_cache', { known: ['products'] }],
    ['GET', '/__proto__/queries/x', 'unknown_space', {}],
    ['GET', '/', 'unknown_route', {}],
    ['GET', '/shop', 'unknown_route', {}],
    ['GET', '/shop/queries', 'unknown_route', {}],
    ['GET', '/shop/queries/echo/', 'unknown_route', {}],
    ['GET', '/SHOP/queries/echo', 'unknown_space', {}],
    ['GET', '/shop/caches/products/a/b', 'unknown_route', {}],
    ['GET', '//shop/queries/echo', 'unknown_route', {}],
    ['PUT', '/shop/commands/buy', 'unknown_command', {}],
  ] as const)('%s %s: %s', async (method, url, code, error) => {
    const { app } = open()
    const answer = await app.inject({ method, url })
    expect(answer.statusCode).toBe(404)
    expect(answer.headers['content-type']).toBe('application/problem+json')
    expect(answer.json()).toMatchObject({ code, error: { code, ...error } })
  })

  test.each([
    ['GET', '/shop/commands/putProduct', 'POST'],
    ['PUT', '/shop/commands/putProduct', 'POST'],
    ['OPTIONS', '/shop/commands/putProduct', 'POST'],
    ['HEAD', '/shop/commands/putProduct', 'POST'],
    ['POST', '/shop/queries/echo', 'GET, HEAD'],
    ['DELETE', '/shop/caches/products/a', 'GET, HEAD'],
    ['POST', '/openapi.json', 'GET, HEAD'],
  ] as const)('%s %s: 405, allowed is %s', async (method, url, allow) => {
    const { app } = open()
    // A body that could not be read either must not hide what is wrong first.
    const headers = { 'content-type': 'text/nonsense' }
    const answer = await app.inject({ method, url, headers, payload: '{' })
    expect(answer.statusCode).toBe(405)
    expect(answer.headers).toMatchObject({ allow })
  })
})

describe('documentation', () => {
  test('/openapi.json describes every route', async () => {
    const { get } = open({ title: 'Shop', version: '1.2.3' })
    const document = (await get('/openapi.json')).json()
    expect(document.openapi).toBe('3.1.0')
    expect(document.info).toEqual({ title: 'Shop', version: '1.2.3' })
    expect(Object.keys(document.paths)).toEqual([
      '/shop/commands/putProduct',
      '/shop/commands/raisePrice',
      '/shop/commands/misbehave',
      '/shop/queries/product',
      '/shop/queries/echo',
      '/shop/caches/products/{key}',
      '/depot/caches/boxes/{key}',
    ])
    const { post } = document.paths['/shop/commands/putProduct']
    expect(post.operationId).toBe('shop.putProduct')
    expect(post.requestBody.content['application/json'].schema).toMatchObject({
      required: ['id', 'price'],
      additionalProperties: false,
    })
    expect(post.responses[409].content).toEqual({
      'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } },
    })
    const { parameters } = document.paths['/shop/queries/product'].get
    expect(parameters).toContainEqual(
      expect.objectContaining({ in: 'query', name: 'id', required: true }),
    )
  })

  test('/docs is a page with everything it needs from here', async () => {
    const { get } = open()
    const page = await get('/docs')
    expect(page.headers['content-type']).toMatch('text/html')
    const sources = [...page.body.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, source]) => source)
    expect(sources.length).toBeGreaterThan(2)
    for (const source of sources) expect((await get(`${source}`)).statusCode).toBe(200)
  })
})

test('a large result is answered whole', async () => {
  const { command, get } = open({ bodyBytesMax: 8_000_000 })
  const tags = Array.from({ length: 200_000 }, (_, index) => `tag-${index}`)
  await command('putProduct', { id: 'a', price: 1, tags })
  const answer = await get('/shop/queries/product?id=a')
  const digest = (value: unknown) => createHash('sha1').update(JSON.stringify(value)).digest('hex')
  expect(digest(answer.json().result)).toBe(digest({ id: 'a', price: 1, tags }))
})
