import { describe, expect, test } from 'vitest'
import { openDoor } from './test-support/open-door.ts'

const shop = 'https://shop.example'
const other = 'https://other.example'
const asks = (origin: string) => ({
  origin,
  'access-control-request-method': 'POST',
  'access-control-request-headers': 'content-type,idempotency-key,authorization',
})

describe('pages of an origin that is allowed', () => {
  const options = { corsOrigins: [shop, 'http://127.0.0.1:3000'] }

  test('may ask before they send', async () => {
    const { app } = openDoor(options)
    const url = '/shop/commands/putProduct'
    const answer = await app.inject({ method: 'OPTIONS', url, headers: asks(shop) })
    expect(answer.statusCode).toBe(204)
    expect(answer.headers).toMatchObject({
      'access-control-allow-origin': shop,
      'access-control-allow-methods': 'GET, HEAD, POST, OPTIONS',
      'access-control-allow-headers': 'content-type,idempotency-key,authorization',
      'access-control-max-age': '7200',
    })
    expect(answer.headers).not.toHaveProperty('access-control-allow-credentials')
  })

  test('may read every answer, and its headers', async () => {
    const { command, get } = openDoor({ ...options, compressionLengthMin: 10 })
    const origin = { origin: shop }
    const answers = [
      await command('putProduct', { id: 'a', price: 1 }, origin),
      await command('putProduct', { id: 'a' }, origin),
      await command('raisePrice', { id: 'none', by: 1 }, origin),
      await command('raisePrice', '{', { ...origin, 'content-type': 'text/plain' }),
      await get('/shop/queries/echo', { ...origin, 'accept-encoding': 'gzip' }),
      await get('/shop/queries/echo', { ...origin, 'if-none-match': '*' }),
      await get('/shop/caches/products/a', origin),
      await get('/nowhere', origin),
      await get('/openapi.json', origin),
    ]
    expect(answers.map(({ statusCode }) => statusCode)).toEqual([
      200, 400, 409, 415, 200, 304, 200, 404, 200,
    ])
    for (const { headers } of answers) {
      expect(headers).toMatchObject({ 'access-control-allow-origin': shop })
      expect(String(headers['access-control-expose-headers'])).toContain('Grid-Position')
      expect(String(headers.vary)).toContain('Origin')
    }
  })

  test('others hear nothing of it', async () => {
    const { app, get } = openDoor(options)
    expect((await get('/shop/queries/echo', { origin: other })).headers).not.toHaveProperty(
      'access-control-allow-origin',
    )
    const url = '/shop/commands/putProduct'
    const answer = await app.inject({ method: 'OPTIONS', url, headers: asks(other) })
    expect(answer.headers).not.toHaveProperty('access-control-allow-origin')
  })
})

test('pages of all origins may, if that is said', async () => {
  const { get } = openDoor({ corsOrigins: ['*'] })
  for (const headers of [{ origin: shop }, { origin: other }])
    expect((await get('/shop/queries/echo', headers)).headers).toMatchObject({
      'access-control-allow-origin': '*',
    })
})

test('none may when nothing is said', async () => {
  const { app, get } = openDoor()
  const { headers } = await get('/shop/queries/echo', { origin: shop })
  const answer = await app.inject({
    method: 'OPTIONS',
    url: '/shop/commands/putProduct',
    headers: asks(shop),
  })
  expect(answer.headers.allow).toBe('POST, OPTIONS')
  for (const name of [...Object.keys(headers), ...Object.keys(answer.headers)])
    expect(name).not.toMatch(/^access-control/)
})
