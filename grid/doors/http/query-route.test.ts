import { createHash } from 'node:crypto'
import { gunzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { RequestPipeline } from '../request/request-pipeline.ts'
import { ResultTags } from './entity-tag.ts'
import { openDoor } from './test-support/open-door.ts'

describe('GET /{space}/queries/{name}', () => {
  test('answers result and position; text becomes the declared types', async () => {
    const { get } = openDoor()
    const answer = await get('/shop/queries/echo?limit=3&open=true&text=7&ids=a&ids=b')
    expect(answer.statusCode).toBe(200)
    expect(answer.headers).toMatchObject({ 'grid-position': '1', 'cache-control': 'no-cache' })
    const result = { limit: 3, open: true, text: '7', ids: ['a', 'b'] }
    expect(answer.json()).toEqual({ result, position: 1 })
  })

  test('refuses what cannot be read, and lets the unit refuse what does not fit', async () => {
    const { get } = openDoor()
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

  test('what is not fresh says its age, and a staleness that is not kept is 503', async () => {
    const { get, units } = openDoor()
    const url = '/shop/queries/echo'
    expect((await get(url)).headers).not.toHaveProperty('grid-age')
    expect((await get(url, { 'grid-staleness': '2s' })).headers['grid-age']).toBe('0ms')
    for (const unit of units) unit.ageMs = 15_000
    const old = await get(url)
    expect(old.headers['grid-age']).toBe('15000ms')
    const { etag } = old.headers
    const same = await get(url, { 'if-none-match': etag as string })
    expect(same.statusCode).toBe(304)
    expect(same.headers['grid-age']).toBe('15000ms')
    const refused = await get(url, { 'grid-staleness': '2s' })
    expect(refused.json()).toMatchObject({
      status: 503,
      code: 'too_stale',
      error: { ageMs: 15_000, stalenessMs: 2000 },
    })
    expect(refused.headers['retry-after']).toBe('1')
    expect((await get(url, { 'grid-staleness': 'soon' })).json()).toMatchObject({
      status: 400,
      code: 'invalid_header',
    })
  })

  test('not found is 404', async () => {
    const { get } = openDoor()
    const answer = await get('/shop/queries/product?id=x')
    expect(answer.json()).toMatchObject({ status: 404, code: 'not_found', detail: 'No product x' })
  })

  test('the tag stays while the result stays, on every unit and at every position', async () => {
    const { command, get } = openDoor()
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

  test('POST takes the input as JSON, and answers as GET does', async () => {
    const { app, get } = openDoor()
    const input = { limit: 3, open: true, ids: ['a', 'b'], text: '7' }
    const post = (payload: unknown, url = '/shop/queries/echo', headers = {}) =>
      app.inject({
        method: 'POST',
        url,
        headers: { 'content-type': 'application/json', ...headers },
        payload: typeof payload === 'string' ? payload : JSON.stringify(payload),
      })
    const answer = await post(input)
    const got = await get('/shop/queries/echo?limit=3&open=true&ids=a&ids=b&text=7')
    expect(answer.body).toBe(got.body)
    for (const name of ['etag', 'grid-position', 'content-type', 'cache-control'])
      expect(answer.headers[name]).toBe(got.headers[name])
    const large = 'x'.repeat(100_000)
    expect((await post({ text: large })).json()).toMatchObject({ result: { text: large } })
    const statuses = async (...given: Parameters<typeof post>) => {
      const { status, code } = (await post(...given)).json()
      return [status, code]
    }
    expect(await statuses('{"limit":')).toEqual([400, 'invalid_json'])
    expect(await statuses('')).toEqual([400, 'invalid_json'])
    expect(await statuses({ limit: 'x' })).toEqual([400, 'invalid_input'])
    expect(await statuses(input, '/shop/queries/echo?limit=3')).toEqual([400, 'invalid_input'])
    expect(await statuses({}, undefined, { 'content-type': 'text/plain' })).toEqual([
      415,
      'unsupported_media_type',
    ])
    expect(await statuses({}, undefined, { 'grid-position': '99' })).toEqual([
      503,
      'position_timeout',
    ])
    expect(await statuses({}, '/shop/queries/none')).toEqual([404, 'unknown_query'])
  })

  // overload.md, "Queries that take long"
  test('a long answer is the same that a short one would be, alone and in a batch', async () => {
    // By injection a URL may be longer than any connection lets it be.
    const { app, get } = openDoor({ compressionLengthMin: 500, urlLengthMax: 100_000 })
    const sizes = Array.from({ length: 20_000 }, (_, at) => at)
    const post = (url: string, payload: object, headers: Record<string, string> = {}) =>
      app.inject({ method: 'POST', url, payload, headers: { 'accept-encoding': '', ...headers } })
    const answer = await post('/shop/queries/echo', { sizes })
    const body = JSON.stringify({ result: { sizes }, position: 1 })
    expect(answer.body).toBe(body)
    const tag = new ResultTags().tagOf(JSON.stringify({ sizes }))
    expect(answer.headers).toMatchObject({ etag: tag, 'content-length': String(body.length) })
    const zipped = await post('/shop/queries/echo', { sizes }, { 'accept-encoding': 'gzip' })
    expect(gunzipSync(zipped.rawPayload).toString()).toBe(body)
    const url = `/shop/queries/echo?${sizes
      .slice(0, 11_000)
      .map(() => 'sizes=1')
      .join('&')}`
    const { etag } = (await get(url)).headers
    expect((await get(url, { 'if-none-match': etag as string })).statusCode).toBe(304)
    const batch = [
      { query: 'echo', input: { sizes } },
      { query: 'product', input: { id: 'x' } },
    ]
    expect((await post('/shop/queries', batch)).json()).toMatchObject({
      answers: [{ result: { sizes } }, { error: { code: 'not_found' } }],
      position: 1,
    })
  })

  test('explains how an answer was found, to those who ask, where that is allowed', async () => {
    const { get } = openDoor()
    const explanation = [expect.objectContaining({ position: 1, reads: [] })]
    const plain = '/shop/queries/echo?limit=3'
    for (const url of [`${plain}&explain`, '/shop/queries/echo?explain=true&limit=3'])
      expect((await get(url)).json()).toEqual({ result: { limit: 3 }, position: 1, explanation })
    expect((await get(plain, { 'grid-explain': 'true' })).json()).toMatchObject({ explanation })
    expect((await get(plain)).json()).not.toHaveProperty('explanation')
    expect((await get(`${plain}&explain=no`)).json()).toMatchObject({ code: 'invalid_input' })
    expect((await get(plain, { 'grid-explain': 'yes' })).json().code).toBe('invalid_header')
    const closed = openDoor({ pipeline: new RequestPipeline({ explains: false }) })
    expect((await closed.get(`${plain}&explain`)).json()).toMatchObject({
      status: 403,
      code: 'explain_off',
    })
    expect((await closed.get(plain)).statusCode).toBe(200)
  })

  test('HEAD answers the headers of GET', async () => {
    const { app, get } = openDoor()
    const url = '/shop/queries/echo?limit=3'
    const head = await app.inject({ method: 'HEAD', url })
    const { etag, 'content-length': length } = (await get(url)).headers
    expect(head.body).toBe('')
    expect(head.headers).toMatchObject({ etag, 'content-length': length })
  })

  test('waits for a position, and says when it was not reached', async () => {
    const { get } = openDoor()
    const reached = await get('/shop/queries/echo', { 'grid-position': '1' })
    expect(reached.statusCode).toBe(200)
    const late = await get('/shop/queries/echo', { 'grid-position': '9' })
    expect(late.json()).toMatchObject({ status: 503, code: 'position_timeout' })
    expect(late.headers).toMatchObject({ 'retry-after': '2', 'grid-position': '1' })
  })

  test.each([
    ['grid-position', 'abc'],
    ['grid-position', '-1'],
    ['grid-position', '-1'],
    ['grid-consistency', 'eventual'],
  ])('refuses %s: %s', async (header, value) => {
    const { get } = openDoor()
    for (const url of ['/shop/queries/echo', '/shop/caches/products/a'])
      expect((await get(url, { [header]: value })).json()).toMatchObject({
        status: 400,
        code: 'invalid_header',
      })
  })

  test('a large result is answered whole', async () => {
    const { command, get } = openDoor({ bodyBytesMax: 8_000_000 })
    const tags = Array.from({ length: 200_000 }, (_, index) => `tag-${index}`)
    await command('putProduct', { id: 'a', price: 1, tags })
    const answer = await get('/shop/queries/product?id=a')
    const digest = (value: unknown) =>
      createHash('sha1').update(JSON.stringify(value)).digest('hex')
    expect(digest(answer.json().result)).toBe(digest({ id: 'a', price: 1, tags }))
  })
})
