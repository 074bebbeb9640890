import { expect, test } from 'vitest'
import { openDoor } from './test-support/open-door.ts'

const traceId = '4bf92f3577b34da6a3ce929d0e0e4736'
const sent = {
  'x-request-id': 'order-7',
  traceparent: `00-${traceId}-00f067aa0ba902b7-01`,
}

test('every answer says under what it is known', async () => {
  const { app, command, get } = openDoor()
  const answers = [
    await command('putProduct', { id: 'a', price: 1 }, sent),
    await command('putProduct', {}, sent),
    await get('/shop/queries/echo', sent),
    await get('/shop/caches/products/a', sent),
    await get('/shop/queries/echo', { ...sent, 'if-none-match': '*' }),
    await get('/nowhere', sent),
    await get('/shop/queries/%', sent),
    await get('/openapi.json', sent),
    await get('/docs', sent),
    await app.inject({ method: 'OPTIONS', url: '/docs', headers: sent }),
  ]
  for (const { headers } of answers) {
    expect(headers['x-request-id']).toBe('order-7')
    expect(headers.traceparent).toMatch(new RegExp(`^00-${traceId}-(?!00f067aa0ba902b7).{16}-01$`))
  }
})

test('who says nothing is told under what it is known', async () => {
  const { get } = openDoor()
  const { headers } = await get('/shop/queries/echo')
  expect(headers.traceparent).toMatch(new RegExp(`^00-${headers['x-request-id']}-.{16}-00$`))
})

test('what goes wrong is logged under it', async () => {
  const { command, units, faults, warnings, get } = openDoor()
  const mistake = await command('misbehave', { how: 'throw' }, sent)
  const known = { requestId: 'order-7', traceId }
  expect(warnings).toEqual([{ id: mistake.json().error.id, ...known }])
  for (const unit of units) unit.failure = new TypeError('a bug')
  const bug = await get('/shop/queries/echo', sent)
  expect(faults).toEqual([{ id: bug.json().error.id, err: expect.any(TypeError), ...known }])
})
