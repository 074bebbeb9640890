import { describe, expect, test } from 'vitest'
import { GridError } from '../../core/errors.ts'
import { openDoor } from './test-support/open-door.ts'

describe('POST /{space}/commands/{name}', () => {
  test('answers result, position and version', async () => {
    const { command } = openDoor()
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
    const { command } = openDoor()
    await command('putProduct', { id: 'a', price: 1 })
    const answer = await command('raisePrice', { id: 'a', by: 2 })
    expect(answer.json()).toEqual({ result: null, position: 3, version: 1002 })
  })

  test('a business rejection is 409 with its reason, for programs and as a problem document', async () => {
    const { command } = openDoor()
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
    const { command, grid } = openDoor()
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
    const { command } = openDoor()
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

  test.each([
    ['none', ''],
    ['256 characters', 'x'.repeat(256)],
    ['other than ASCII', 'ü'],
  ])('refuses an idempotency key of %s', async (_what, key) => {
    const { command } = openDoor()
    const body = { id: 'a', price: 1 }
    const answer = await command('putProduct', body, { 'idempotency-key': key })
    expect(answer.json()).toMatchObject({ status: 400, code: 'invalid_header' })
  })

  test('names the fields that do not fit and why', async () => {
    const { command } = openDoor()
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
    const { command } = openDoor()
    const answer = await command('putProduct', body)
    expect(answer.statusCode).toBe(400)
    expect(answer.json()).toMatchObject({ code, detail: expect.stringContaining(detail) })
    expect(answer.headers).toMatchObject({ connection: 'keep-alive' })
  })

  test('refuses other content types and compressed bodies with 415', async () => {
    const { app, command } = openDoor()
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
    const { command } = openDoor({ bodyBytesMax: 100 })
    const answer = await command('putProduct', { id: 'x'.repeat(100), price: 1 })
    expect(answer.json()).toMatchObject({ status: 413, error: { bytesMax: 100 } })
  })

  test.each(['throw', 'misfit'])(
    'a mistake of the application is told without what it says: %s',
    async (how) => {
      const { command, faults } = openDoor()
      const answer = await command('misbehave', { how })
      expect(answer.statusCode).toBe(500)
      expect(answer.body).not.toMatch(/secret|needed/)
      expect(answer.json()).toMatchObject({
        code: 'application_fault',
        detail: 'The application has made a mistake in command misbehave, logged as fault',
        error: { code: 'application_fault', command: 'misbehave', id: 'fault' },
      })
      // The unit tells it in its own log, once.
      expect(faults).toEqual([])
    },
  )

  test('a fault inside is answered with an id and nothing else', async () => {
    const { command, faults, units } = openDoor()
    for (const unit of units) unit.failure = new TypeError('secret')
    const answer = await command('putProduct', { id: 'a', price: 1 })
    expect(answer.statusCode).toBe(500)
    expect(answer.body).not.toContain('secret')
    const { error } = answer.json<{ error: { id: string } }>()
    expect(error).toEqual({ code: 'internal', id: expect.any(String) })
    expect(faults).toMatchObject([{ err: expect.any(TypeError), id: error.id }])
    for (const unit of units) unit.failure = new GridError('fenced', 'by unit-2 at nats://host')
    const between = await command('putProduct', { id: 'a', price: 1 })
    expect(between.json()).toMatchObject({ status: 500, code: 'internal' })
    expect(between.body).not.toContain('nats://')
  })

  test('Retry-After comes with whatever may be sent again', async () => {
    const { command, units } = openDoor()
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
