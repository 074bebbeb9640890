import { brotliDecompressSync, gunzipSync, zstdDecompressSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { BodyCompression } from './body-compression.ts'
import { openDoor } from './test-support/open-door.ts'

const read = { zstd: zstdDecompressSync, br: brotliDecompressSync, gzip: gunzipSync }
const text = 'seat '.repeat(200)
const url = `/shop/queries/echo?text=${encodeURIComponent(text)}`

describe('a long answer', () => {
  test.each([
    ['gzip, deflate, br, zstd', 'zstd'],
    ['gzip, deflate, br', 'br'],
    ['GZIP', 'gzip'],
    ['br;q=0.5, gzip', 'gzip'],
    ['gzip;q=0.5, identity;q=0.1', 'gzip'],
    ['zstd;q=0, br;q=0, *', 'gzip'],
  ] as const)('to who accepts %s goes by %s', async (accepted, coding) => {
    const { get } = openDoor({ compressionLengthMin: 500 })
    const plain = await get(url)
    const answer = await get(url, { 'accept-encoding': accepted })
    expect(answer.headers).toMatchObject({
      'content-encoding': coding,
      'content-length': String(answer.rawPayload.length),
      vary: 'accept-encoding',
      etag: plain.headers.etag,
    })
    expect(answer.rawPayload.length).toBeLessThan(plain.rawPayload.length / 5)
    expect(read[coding](answer.rawPayload).toString()).toBe(plain.body)
  })

  test.each(['', 'identity', 'deflate', 'gzip;q=0', 'gzip;q=0.5, identity', 'x, ;;, q=1'])(
    'to who accepts %j goes as it is',
    async (accepted) => {
      const { get } = openDoor({ compressionLengthMin: 500 })
      const answer = await get(url, { 'accept-encoding': accepted })
      expect(answer.headers).not.toHaveProperty('content-encoding')
      expect(answer.headers.vary).toBe('accept-encoding')
      expect(answer.json().result).toEqual({ text })
    },
  )

  test('goes as it is where compression is off', async () => {
    const { get } = openDoor({ compressionLengthMin: 0 })
    const answer = await get(url, { 'accept-encoding': 'gzip' })
    expect(answer.headers).not.toHaveProperty('content-encoding')
    expect(answer.headers).not.toHaveProperty('vary')
  })
})

test('a short answer goes as it is', async () => {
  const { get } = openDoor()
  const answer = await get('/shop/queries/echo?limit=1', { 'accept-encoding': 'gzip' })
  expect(answer.headers).not.toHaveProperty('content-encoding')
  expect(answer.json().result).toEqual({ limit: 1 })
})

test("a compressed entry's tag is weak, and names the entry all the same", async () => {
  const { command, get } = openDoor({ compressionLengthMin: 500 })
  await command('putProduct', { id: 'a', price: 1, tags: Array(100).fill('warm') })
  const plain = await get('/shop/caches/products/a')
  const gzip = { 'accept-encoding': 'gzip' }
  const answer = await get('/shop/caches/products/a', gzip)
  expect(answer.headers.etag).toBe(`W/${plain.headers.etag}`)
  for (const tag of [plain.headers.etag, answer.headers.etag] as string[]) {
    const again = await get('/shop/caches/products/a', { ...gzip, 'if-none-match': tag })
    expect(again.statusCode).toBe(304)
    expect(again.headers.vary).toBe('accept-encoding')
  }
})

test('the OpenAPI document is compressed too', async () => {
  const { get } = openDoor()
  const answer = await get('/openapi.json', { 'accept-encoding': 'br' })
  expect(answer.headers['content-encoding']).toBe('br')
  expect(JSON.parse(brotliDecompressSync(answer.rawPayload).toString()).openapi).toMatch(/^3\.1/)
})

test('what many ask for at once is compressed once', async () => {
  const compression = new BodyCompression(1)
  const first = compression.compress(text, 'br')
  expect(compression.compress(`${text.slice(1)}x`, 'br')).not.toBe(first)
  expect(compression.compress(text, 'gzip')).not.toBe(first)
  expect(compression.compress([...text].join(''), 'br')).toBe(first)
  // A bounded number is kept.
  for (let other = 0; other < 8; other++) compression.compress(`${text}${other}`, 'br')
  expect(compression.compress(text, 'br')).not.toBe(first)
  expect(await compression.compress(text, 'br')).toEqual(await first)
})

test('beyond 64 MiB at once bodies go as they are, until there is room', async () => {
  const compression = new BodyCompression(1)
  const large = 'x'.repeat(33 * 1024 * 1024)
  const both = [compression.compress(large, 'zstd'), compression.compress(large, 'zstd')]
  expect(compression.codingFor('zstd')).toBeUndefined()
  await Promise.all(both)
  expect(compression.codingFor('zstd')).toBe('zstd')
})
