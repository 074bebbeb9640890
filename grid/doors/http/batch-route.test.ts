import { describe, expect, test } from 'vitest'
import { openDoor } from './test-support/open-door.ts'

describe('POST /{space}/queries', () => {
  const open = () => {
    const { app, ...more } = openDoor()
    const post = (payload: unknown, headers: Record<string, string> = {}) =>
      app.inject({
        method: 'POST',
        url: '/shop/queries',
        headers: { 'content-type': 'application/json', ...headers },
        payload: JSON.stringify(payload),
      })
    return { app, post, ...more }
  }

  test('answers several queries at one position, each for itself', async () => {
    const { post, command } = open()
    await command('putProduct', { id: 'a', price: 1 })
    const answer = await post([
      { query: 'product', input: { id: 'a' } },
      { query: 'product', input: { id: 'b' } },
      { query: 'echo' },
    ])
    expect(answer.statusCode).toBe(200)
    expect(answer.headers).toMatchObject({ 'grid-position': '2' })
    expect(answer.json()).toEqual({
      answers: [
        { result: expect.objectContaining({ id: 'a', price: 1 }) },
        { error: { code: 'not_found', message: 'No product b', status: 404 } },
        { result: {} },
      ],
      position: 2,
    })
  })

  test('keeps what is asked of all of them, or answers none', async () => {
    const { post, units } = open()
    const asked = [{ query: 'echo' }]
    expect((await post(asked, { 'grid-position': '9' })).json()).toMatchObject({
      code: 'position_timeout',
    })
    for (const unit of units) unit.ageMs = 9000
    expect((await post(asked)).headers['grid-age']).toBe('9000ms')
    expect((await post(asked, { 'grid-staleness': '2s' })).json()).toMatchObject({
      code: 'too_stale',
    })
  })

  test('takes a list of 1 to 32 queries, and says what is wrong with another one', async () => {
    const { post, app } = open()
    expect((await post(Array(32).fill({ query: 'echo' }))).statusCode).toBe(200)
    expect((await post([])).json()).toMatchObject({
      status: 400,
      errors: [{ path: '', message: 'must be a list of 1 to 32 queries' }],
    })
    const wrong = [
      { query: 'echo', inputs: {} },
      'echo',
      { input: {} },
      { query: 'echo', input: [1] },
    ]
    expect((await post(wrong)).json().errors).toEqual([
      { path: '0.inputs', message: 'is not known (known: query, input)' },
      { path: '1', message: 'must be an object: {"query": name, "input": {…}}' },
      { path: '2.query', message: 'must be a name' },
      { path: '3.input', message: 'must be an object' },
    ])
    const got = await app.inject('/shop/queries')
    expect(got.statusCode).toBe(405)
    expect(got.headers.allow).toBe('POST, OPTIONS')
  })
})
