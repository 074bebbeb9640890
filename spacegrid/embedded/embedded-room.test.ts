import { createHttpServer } from '@spacegrid/grid/doors/http/http-server'
import { addLineRoutes } from '@spacegrid/grid/doors/http/line-routes'
import { RequestPipeline } from '@spacegrid/grid/doors/request/request-pipeline'
import { readEnvironment } from '@spacegrid/grid/program/environment'
import { temporaryFolder } from '@spacegrid/proof/support/temporary-folder'
import { waitFor } from '@spacegrid/proof/support/wait-for'
import { roomSpace } from '@spacegrid/waiting-room/space'
import { pino } from 'pino'
import { defineCache, defineCommand, defineSpace, Type } from 'spacegrid'
import { GridClient, type LinePlace } from 'spacegrid/client'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { EmbeddedGrid } from './embedded-grid.ts'
import { EmbeddedRoom, embeddedGuard } from './embedded-room.ts'

const holds = defineCache('holds', { schema: Type.Object({ id: Type.String() }), key: 'id' })
const hold = defineCommand('hold', {
  input: Type.Object({ eventId: Type.String(), id: Type.String() }),
  handler: (tx, { id }) => tx.put(holds, { id }),
})
const pay = defineCommand('pay', {
  input: Type.Object({ id: Type.String() }),
  handler: (tx, { id }) => tx.delete(holds, id),
})
const shop = defineSpace('shop', {
  caches: [holds],
  commands: [hold, pay],
  waitingRoom: { commands: ['hold'], by: 'eventId', finishedBy: ['pay'] },
})

const running = new AsyncDisposableStack()
const page = { accept: 'text/html,application/xhtml+xml' }
let url: string
let environment: ReturnType<typeof readEnvironment>

beforeAll(async () => {
  environment = readEnvironment([], {
    DATA_DIR: await temporaryFolder('embedded-room'),
    WAITING_ROOM: 'shop/concert,shop/full,shop/one,shop/busy',
    WAITING_ROOM_LANES: 'accessible:1:open,fans:1,general:2',
    WAITING_ROOM_INSIDE: '3',
    WAITING_ROOM_INSIDE_MAX: '3',
    WAITING_ROOM_TARGET: '/events/{key}',
  })
  const guarded = embeddedGuard([shop], environment)
  if (!guarded) throw new Error('nothing is behind a waiting room')
  const grid = new EmbeddedGrid([shop, roomSpace], { dataDirectory: environment.DATA_DIR })
  grid.start()
  const log = pino({ level: 'silent' })
  const waiting = new EmbeddedRoom(grid, guarded, environment, log)
  await waiting.start()
  const http = createHttpServer(
    grid.serving.filter(({ space }) => space.name === 'shop'),
    {
      log,
      pipeline: new RequestPipeline({ waitingRoom: guarded.guard }),
      addRoutes: (app) => addLineRoutes(app, waiting.room),
    },
  )
  url = await http.listen({ port: 0, host: '127.0.0.1' })
  running.defer(async () => {
    await http.close()
    await waiting.stop()
    await grid.stop()
  })
  await waitFor(() => waiting.room.isOpen && grid.readiness().ready, { what: 'the waiting room' })
}, 60_000)

afterAll(() => running.disposeAsync(), 30_000)

const ask = (line: string, options: RequestInit = {}) =>
  fetch(`${url}/waiting-room/shop/${line}`, { redirect: 'manual', ...options })
const form = (line: string, fields: Record<string, string>, headers = {}) =>
  ask(line, { method: 'POST', body: new URLSearchParams(fields), headers: { ...page, ...headers } })
const ticketOf = async (response: Response) =>
  ((await response.json()) as { readonly ticket: string }).ticket

/** So many that nobody else comes in. */
async function fill(line: string): Promise<string[]> {
  const tickets: string[] = []
  for (let at = 0; at < 3; at++) tickets.push(await ticketOf(await ask(line, { method: 'POST' })))
  for (const ticket of tickets)
    await waitFor(
      async () => {
        const place = await (await ask(line, { headers: { 'grid-ticket': ticket } })).json()
        return (place as LinePlace).state === 'admitted'
      },
      { what: 'a turn' },
    )
  return tickets
}

describe('a waiting room over HTTP', () => {
  test('is joined, looked at and left', async () => {
    const [first = ''] = await fill('full')
    const joined = await ask('full', { method: 'POST' })
    expect(joined.status).toBe(201)
    expect(joined.headers.get('retry-after')).toMatch(/^\d+$/)
    const place = (await joined.json()) as LinePlace
    expect(place).toMatchObject({ state: 'waiting', line: 'shop/full', number: 4, ahead: 0 })
    const headers = { 'grid-ticket': place.ticket ?? '' }
    await waitFor(
      async () => {
        const outside = (await (await ask('full')).json()) as { readonly waiting: number }
        return outside.waiting === 1
      },
      { what: 'the line to be seen' },
    )
    expect(
      (await ask('full', { method: 'DELETE', headers: { 'grid-ticket': first } })).status,
    ).toBe(200)
    const looked = await waitFor(
      async () => {
        const now = (await (await ask('full', { headers })).json()) as LinePlace
        return now.state === 'admitted' && now
      },
      { what: 'the turn of the fourth' },
    )
    expect(looked).toMatchObject({ target: '/events/full', until: expect.any(Number) })
    expect(await (await ask('full', { headers })).json()).toEqual(looked)
  })

  test.each([
    ['nobody', {}, 404, 'unknown_line'],
    ['concert', { headers: { 'grid-ticket': 'x' } }, 403, 'ticket_invalid'],
    ['concert', { method: 'DELETE' }, 403, 'ticket_invalid'],
    ['concert', { method: 'POST', body: '{"lane": 1}' }, 400, 'invalid_input'],
    ['concert', { method: 'POST', body: '{"lane": "fans"}' }, 400, 'invalid_input'],
    ['concert', { method: 'POST', body: '{"place": "1"}' }, 400, 'invalid_input'],
    ['concert', { method: 'POST', body: '[]' }, 400, 'invalid_input'],
    ['concert', { method: 'POST', body: '{' }, 400, 'invalid_json'],
    ['concert', { method: 'POST', body: '{"claim": "x"}' }, 403, 'ticket_invalid'],
  ])('says what is wrong: %s %j', async (line, options: RequestInit, status, code) => {
    const headers = { 'content-type': 'application/json', ...options.headers }
    const response = await ask(line, options.body === undefined ? options : { ...options, headers })
    expect(response.status).toBe(status)
    expect(response.headers.get('content-type')).toBe('application/problem+json')
    expect(await response.json()).toMatchObject({ code })
  })

  test('has a page, for whoever wants one, that joins by a form and keeps no ticket in the address', async () => {
    const first = await ask('concert', { headers: page })
    expect(first.headers.get('content-type')).toBe('text/html; charset=utf-8')
    expect(first.headers.get('content-security-policy')).toContain("default-src 'none'")
    expect(await first.text()).toContain('Join the line')
    const joined = await form('concert', {})
    expect(joined.status).toBe(303)
    const cookie = (joined.headers.get('set-cookie') ?? '').split(';')[0] ?? ''
    const location = joined.headers.get('location') ?? ''
    expect(location).toMatch(/^\/waiting-room\/shop\/concert\?ticket=/)
    const withCookie = await fetch(url + location, {
      ...{ redirect: 'manual' as const, headers: { ...page, cookie } },
    })
    expect(withCookie.status).toBe(303)
    expect(withCookie.headers.get('location')).toBe('/waiting-room/shop/concert')
    // Without cookies it stays there, and works.
    const without = await fetch(url + location, { headers: page })
    expect(without.status).toBe(200)
    expect(await without.text()).toMatch(/You are in line|It is your turn/)
    // Who sends the form again has the place that they had.
    const again = await form('concert', {}, { cookie })
    expect(again.headers.get('location')).toBe(location)
    const left = await form('concert', { action: 'leave' }, { cookie })
    expect(left.status).toBe(303)
    expect(left.headers.getSetCookie().every((one) => one.includes('Max-Age=0'))).toBe(true)
  })

  test('tells people on the page what is wrong, in text that nobody has written', async () => {
    const response = await ask('concert?ticket=%3Cscript%3E', { headers: page })
    expect(response.status).toBe(403)
    const text = await response.text()
    expect(text).toContain('The ticket does not hold: forged')
    const nobody = await ask('%3Cimg%20onerror%3D1%3E', { headers: page })
    expect(nobody.status).toBe(404)
    expect(await nobody.text()).not.toContain('<img')
  })
})

describe('a client that is told to', () => {
  test('stands in line, does what it came for, and lets the next one in', async () => {
    const client = new GridClient(url, { waitingRoom: true })
    running.defer(() => client.stop())
    const told: LinePlace[] = []
    const visitors = Array.from({ length: 9 }, (_, at) => ({
      id: `visitor-${at}`,
      client: new GridClient(url, { waitingRoom: { told: (place) => told.push(place) } }),
    }))
    await Promise.all(
      visitors.map(async ({ id, client }) => {
        await client.command('shop', 'hold', { eventId: 'one', id })
        await client.command('shop', 'pay', { id })
        await client.stop()
      }),
    )
    const admitted = told.filter(({ state }) => state === 'admitted')
    expect(admitted.map(({ number }) => number).toSorted((a, b) => a - b)).toEqual(
      Array.from({ length: 9 }, (_, at) => at + 1),
    )
    expect(told.some(({ state }) => state === 'waiting')).toBe(true)
  })

  test('gives up when its patience is over', async () => {
    const client = new GridClient(url, { waitingRoom: { patienceMs: 50 } })
    running.defer(() => client.stop())
    await fill('busy')
    const input = { eventId: 'busy', id: 'late' }
    await expect(client.command('shop', 'hold', input)).rejects.toMatchObject({
      code: 'admission_required',
    })
  })

  test('is told by one that is not', async () => {
    const client = new GridClient(url)
    running.defer(() => client.stop())
    const input = { eventId: 'concert', id: 'a' }
    await expect(client.command('shop', 'hold', input)).rejects.toMatchObject({
      ...{ code: 'admission_required', retryable: false },
      details: { line: 'shop/concert', join: '/waiting-room/shop/concert' },
    })
  })
})

test.each([
  ['nowhere', 'WAITING_ROOM names nowhere, but the spaces here are shop'],
  ['shop/x', undefined],
  ['shop', undefined],
])('lines must be of spaces that are here: %s', (WAITING_ROOM, message) => {
  const guard = () => embeddedGuard([shop], { ...environment, WAITING_ROOM })
  if (message === undefined) expect(guard()).toBeDefined()
  else expect(guard).toThrow(message)
})
