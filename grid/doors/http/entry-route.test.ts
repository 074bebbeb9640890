import { describe, expect, test } from 'vitest'
import { openDoor } from './test-support/open-door.ts'

describe('GET /{space}/caches/{cache}/{key}', () => {
  test('answers the entry; its version is the tag', async () => {
    const { command, get } = openDoor()
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
    ['a slash', 'a/b'],
    ['a slash alone', '/'],
    ['a percent sign', '%'],
    ['what looks encoded', '%2F%25'],
    ['a space and a plus', 'a b+c'],
    ['what ends a path', 'a?b#c;d'],
    ['what separates parameters', 'a&b=c,d'],
    ['other scripts', 'ü/日本/🎫'],
    ['1,023 bytes', 'key'.repeat(341)],
    ['1,024 bytes, 3,072 encoded', 'ü'.repeat(512)],
  ])('finds a key with %s', async (_what, id) => {
    const { command, get } = openDoor()
    await command('putProduct', { id, price: 1 })
    const answer = await get(`/shop/caches/products/${encodeURIComponent(id)}`)
    expect(answer.json()).toMatchObject({ key: id, value: { id } })
  })

  test.each([
    ['nothing', '', 'must not be empty'],
    ['1,025 bytes', 'a'.repeat(1025), 'longer than 1024 bytes'],
    ['1,026 bytes in 513 characters', '%C3%BC'.repeat(513), 'longer than 1024 bytes'],
    ['9,000 bytes', 'a'.repeat(9000), 'longer than 1024 bytes'],
    ['U+0000', 'a%00b', 'U+0000'],
    ['a byte that is not UTF-8', '%ff', 'not percent-encoded UTF-8'],
    ['a lone surrogate', '%ED%A0%80', 'not percent-encoded UTF-8'],
    ['a percent sign alone', '%', 'not percent-encoded UTF-8'],
    ['no hex digits', '%zz', 'not percent-encoded UTF-8'],
  ])('refuses a key of %s', async (_what, key, detail) => {
    const { get } = openDoor()
    const answer = await get(`/shop/caches/products/${key}`)
    expect(answer.statusCode).toBe(400)
    expect(answer.json()).toMatchObject({
      code: 'invalid_key',
      detail: expect.stringContaining(detail),
    })
  })

  test('a missing entry is 404', async () => {
    const { get } = openDoor()
    expect((await get('/shop/caches/products/x')).json()).toMatchObject({ code: 'not_found' })
  })
})
