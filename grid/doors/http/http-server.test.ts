import { describe, expect, test } from 'vitest'
import type { Origin } from '../request/caller.ts'
import { RequestPipeline } from '../request/request-pipeline.ts'
import { openDoor } from './test-support/open-door.ts'
import { shop } from './test-support/shop-space.ts'

describe('what does not exist', () => {
  test.each([
    ['POST', '/market/commands/buy', 'unknown_space', { known: ['shop', 'depot'] }],
    ['POST', '/shop/commands/buy', 'unknown_command', { known: [...shop.commands.keys()] }],
    ['GET', '/shop/queries/find?x=1', 'unknown_query', { known: [...shop.queries.keys()] }],
    ['GET', '/depot/queries/find', 'unknown_query', { known: [] }],
    ['GET', '/shop/caches/orders/1', 'unknown_cache', { known: ['products'] }],
    ['GET', '/shop/caches/constructor/1', 'unknown_cache', { known: ['products'] }],
    ['GET', '/__proto__/queries/x', 'unknown_space', {}],
    ['GET', '/shop', 'unknown_route', {}],
    ['GET', '/shop/queries/echo/', 'unknown_route', {}],
    ['GET', '/SHOP/queries/echo', 'unknown_space', {}],
    ['GET', '/shop/caches/products/a/b', 'unknown_route', {}],
    ['GET', '//shop/queries/echo', 'unknown_route', {}],
    ['PUT', '/shop/commands/buy', 'unknown_command', {}],
  ] as const)('%s %s: %s', async (method, url, code, error) => {
    const { app } = openDoor()
    const answer = await app.inject({ method, url })
    expect(answer.statusCode).toBe(404)
    expect(answer.headers['content-type']).toBe('application/problem+json')
    expect(answer.json()).toMatchObject({ code, error: { code, ...error } })
  })

  test.each([
    ['GET', '/shop/commands/putProduct', 'POST, OPTIONS'],
    ['PUT', '/shop/commands/putProduct', 'POST, OPTIONS'],
    ['HEAD', '/shop/commands/putProduct', 'POST, OPTIONS'],
    ['PUT', '/shop/queries/echo', 'GET, HEAD, POST, OPTIONS'],
    ['GET', '/shop/queries', 'POST, OPTIONS'],
    ['DELETE', '/shop/caches/products/a', 'GET, HEAD, OPTIONS'],
    ['POST', '/openapi.json', 'GET, HEAD, OPTIONS'],
    ['POST', '/', 'GET, HEAD, OPTIONS'],
    ['POST', '/docs/static/index.css', 'GET, HEAD, OPTIONS'],
  ] as const)('%s %s: 405, allowed is %s', async (method, url, allow) => {
    const { app } = openDoor()
    // A body that could not be read either must not hide what is wrong first.
    const headers = { 'content-type': 'text/nonsense' }
    const answer = await app.inject({ method, url, headers, payload: '{' })
    expect(answer.statusCode).toBe(405)
    expect(answer.headers).toMatchObject({ allow })
  })
})

// Who opens the address in a browser is told where to go.
test('GET /: a page that says what this is and where to go', async () => {
  const { app } = openDoor({ title: 'Shop <1>' })
  const answer = await app.inject({ method: 'GET', url: '/' })
  expect(answer.statusCode).toBe(200)
  expect(answer.headers['content-type']).toBe('text/html; charset=utf-8')
  expect(answer.body).toContain('<title>Shop &#60;1&#62; ')
  for (const known of ['<code>/shop</code>', '<code>/depot</code>', '/docs', '/openapi.json'])
    expect(answer.body).toContain(known)
})

describe('OPTIONS', () => {
  test.each([
    ['/shop/commands/putProduct', 'POST, OPTIONS'],
    ['/shop/queries/echo?limit=x', 'GET, HEAD, POST, OPTIONS'],
    ['/shop/queries', 'POST, OPTIONS'],
    ['/shop/caches/products/a', 'GET, HEAD, OPTIONS'],
    ['/openapi.json', 'GET, HEAD, OPTIONS'],
    ['/docs', 'GET, HEAD, OPTIONS'],
  ])('%s: %s', async (url, allow) => {
    for (const corsOrigins of [[], ['*']]) {
      const { app } = openDoor({ corsOrigins })
      const headers = { 'content-type': 'text/nonsense' }
      const answer = await app.inject({ method: 'OPTIONS', url, headers, payload: '{' })
      expect(answer.statusCode).toBe(204)
      expect(answer.body).toBe('')
      expect(answer.headers).toMatchObject({ allow, 'x-request-id': expect.any(String) })
    }
  })

  test('of what does not exist is 404', async () => {
    const { app } = openDoor()
    const answer = await app.inject({ method: 'OPTIONS', url: '/shop/commands/buy' })
    expect(answer.json()).toMatchObject({ status: 404, code: 'unknown_command' })
  })
})

test('HEAD says what GET would, without the body', async () => {
  const { app, get, command } = openDoor()
  await command('putProduct', { id: 'a', price: 1 })
  for (const url of ['/shop/queries/echo?limit=1', '/shop/caches/products/a', '/openapi.json']) {
    const head = await app.inject({ method: 'HEAD', url })
    const got = await get(url)
    expect(head.body).toBe('')
    const { date, 'x-request-id': id, traceparent, ...same } = got.headers
    expect(head).toMatchObject({ statusCode: 200, headers: same })
  }
})

test('who asks is found out by where the request comes from and what it shows', async () => {
  const origins: Origin[] = []
  const pipeline = new RequestPipeline({
    identify: async (origin) => {
      origins.push(origin)
      return { name: 'ann', origin }
    },
  })
  const { get, command } = openDoor({ pipeline })
  expect((await get('/shop/queries/echo', { authorization: 'Bearer x' })).statusCode).toBe(200)
  expect((await command('putProduct', { id: 'a', price: 1 })).statusCode).toBe(200)
  expect(origins.map(({ door, address, credential }) => [door, address, credential])).toEqual([
    ['http', '127.0.0.1', 'Bearer x'],
    ['http', '127.0.0.1', undefined],
  ])
})

test('of forwarded addresses those that trusted proxies have appended are believed', async () => {
  const addresses: (string | undefined)[] = []
  const pipeline = new RequestPipeline({
    identify: (origin) => {
      addresses.push(origin.address)
      return { name: undefined, origin }
    },
  })
  const forwarded = { 'x-forwarded-for': '6.6.6.6, 203.0.113.9, 10.0.0.7' }
  const trustedProxies = ['loopback', 'linklocal', 'uniquelocal', '10.0.0.0/8', 'fd00::/8', '::1']
  const { get } = openDoor({ pipeline, trustedProxies })
  await get('/shop/queries/echo', forwarded)
  await get('/shop/queries/echo')
  const untold = openDoor({ pipeline })
  await untold.get('/shop/queries/echo', forwarded)
  expect(addresses).toEqual(['203.0.113.9', '127.0.0.1', '127.0.0.1'])
})

describe('documentation', () => {
  test('/openapi.json describes every route', async () => {
    const { get } = openDoor({ title: 'Shop', version: '1.2.3' })
    const document = (await get('/openapi.json')).json()
    expect(document.openapi).toBe('3.1.0')
    expect(document.info).toMatchObject({ title: 'Shop', version: '1.2.3' })
    expect(Object.keys(document.paths)).toEqual([
      '/shop/commands/putProduct',
      '/shop/commands/raisePrice',
      '/shop/commands/misbehave',
      '/shop/queries/product',
      '/shop/queries/echo',
      '/shop/queries',
      '/shop/caches/products/{key}',
      '/shop/caches/products/{key}/history',
      '/shop/archive/products/{key}',
      '/shop/events',
      '/depot/caches/boxes/{key}',
      '/depot/caches/boxes/{key}/history',
      '/depot/archive/boxes/{key}',
      '/depot/events',
    ])
    const { post } = document.paths['/shop/commands/putProduct']
    expect(post.operationId).toBe('shop.putProduct')
    expect(post.requestBody.content['application/json']).toEqual({
      schema: { $ref: '#/components/schemas/shop.putProduct.input' },
      example: { id: 'id', price: 0 },
    })
    const { schemas } = document.components
    expect(schemas['shop.putProduct.input']).toMatchObject({
      required: ['id', 'price'],
      additionalProperties: false,
    })
    expect(schemas['shop.products'].required).toEqual(['id', 'price', 'tags'])
    const problem = post.responses[503].content['application/problem+json']
    expect(problem.schema).toEqual({ $ref: '#/components/schemas/Problem503' })
    expect(schemas.Problem503.allOf[1].properties.code.enum).toContain('overloaded')
    expect(Object.keys(post.responses[503].headers)).toEqual([
      'X-Request-Id',
      'Traceparent',
      'Grid-Position',
      'Retry-After',
    ])
    const responses = (route: string, method: string) =>
      Object.keys(document.paths[route][method].responses).map(Number)
    expect(responses('/shop/commands/putProduct', 'post')).toEqual([
      200, 400, 409, 413, 415, 422, 500, 503, 504, 507,
    ])
    expect(responses('/shop/queries/echo', 'get')).toEqual([
      200, 304, 400, 403, 404, 410, 413, 414, 500, 503, 504, 507,
    ])
    expect(responses('/shop/queries/echo', 'post')).toEqual([
      200, 400, 403, 404, 410, 413, 414, 415, 500, 503, 504, 507,
    ])
    const { parameters } = document.paths['/shop/queries/product'].get
    expect(parameters).toContainEqual(
      expect.objectContaining({ in: 'query', name: 'id', required: true }),
    )
  })

  test('/docs is a page of its own, with everything it needs from here', async () => {
    const { get } = openDoor({ title: 'Shop' })
    const page = await get('/docs')
    expect(page.headers['content-type']).toMatch('text/html')
    const sources = [...page.body.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, source]) => source)
    expect(sources.length).toBeGreaterThan(2)
    expect(page.body).toContain('<title>Shop – API</title>')
    for (const source of sources) expect((await get(`${source}`)).statusCode).toBe(200)
  })
})
