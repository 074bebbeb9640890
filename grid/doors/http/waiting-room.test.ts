import { describe, expect, onTestFinished, test } from 'vitest'
import { defineCache, defineCommand, defineQuery, defineSpace, Type } from '../../core/define.ts'
import { GridError } from '../../core/errors.ts'
import { AdmissionReports } from '../request/admission-reports.ts'
import { cookieNameOf, LinePasses, type Pass, type PassKind } from '../request/line-passes.ts'
import { RequestPipeline } from '../request/request-pipeline.ts'
import { WaitingRoomGuard } from '../request/waiting-room-guard.ts'
import { createHttpServer } from './http-server.ts'
import { MemoryServing } from './test-support/memory-serving.ts'

const eventId = Type.String({ minLength: 1 })
const holds = defineCache('holds', { schema: Type.Object({ id: Type.String() }), key: 'id' })
const hold = defineCommand('hold', {
  input: Type.Object({ eventId, id: Type.String() }),
  handler: (tx, { id }) => tx.put(holds, { id }),
})
const confirm = defineCommand('confirm', {
  input: Type.Object({ id: Type.String() }),
  handler: (tx, { id }) => (tx.get(holds, id) ? undefined : tx.reject('not_held')),
})
const anything = defineCommand('anything', { input: Type.Object({}), handler: () => undefined })
const seatMap = defineQuery('seatMap', {
  input: Type.Object({ eventId }),
  handler: () => 'the map',
})
const free = defineQuery('free', { input: Type.Object({ eventId }), handler: () => 7 })
const tickets = defineSpace('tickets', {
  caches: [holds],
  commands: [hold, confirm, anything],
  queries: [seatMap, free],
  waitingRoom: {
    commands: ['hold'],
    queries: ['seatMap'],
    by: 'eventId',
    finishedBy: ['confirm'],
  },
})

const line = 'tickets/concert'
const passes = new LinePasses(['a-secret-of-at-least-32-characters'])
const passOf = (kind: PassKind = 'admission', more: Partial<Pass> = {}) =>
  passes.sign(kind, { line, lane: 'general', id: 1, until: 2000, ...more })

function open(lines: readonly string[] = [line], requestsMax = 100) {
  const unit = new MemoryServing('tickets-1', tickets)
  const reports = new AdmissionReports()
  const guard = new WaitingRoomGuard(
    [tickets],
    { passes, reports, now: () => 1000 },
    { lines, url: '', requestsMax },
  )
  const app = createHttpServer([unit], {
    log: { error: () => undefined },
    pipeline: new RequestPipeline({ waitingRoom: guard }),
  })
  onTestFinished(() => app.close())
  const command = (name: string, body: object, headers: Record<string, string> = {}) =>
    app.inject({ method: 'POST', url: `/tickets/commands/${name}`, headers, payload: body })
  const get = (path: string, headers: Record<string, string> = {}) =>
    app.inject({ url: `/tickets/queries/${path}`, headers })
  const batch = (queries: object[], headers: Record<string, string> = {}) =>
    app.inject({ method: 'POST', url: '/tickets/queries', headers, payload: queries })
  return { app, unit, reports, command, get, batch }
}

const concert = { eventId: 'concert', id: 'a' }
const admitted = { 'grid-admission': passOf() }

test('the document says of what is behind a waiting room, and of nothing else, that it may be kept from one', async () => {
  const { app } = open()
  const { paths } = (await app.inject({ url: '/openapi.json' })).json()
  const answers = (path: string, method: string) => paths[path][method].responses
  const behind = [
    answers('/tickets/commands/hold', 'post'),
    answers('/tickets/queries/seatMap', 'get'),
    answers('/tickets/queries/seatMap', 'post'),
    answers('/tickets/queries', 'post'),
  ]
  for (const responses of behind) {
    expect(responses[403].description).toContain('waiting room')
    expect(Object.keys(responses[429].headers)).toContain('Retry-After')
  }
  expect(answers('/tickets/commands/confirm', 'post')).not.toHaveProperty('403')
  expect(answers('/tickets/queries/free', 'get')).not.toHaveProperty('429')
})

describe('what is behind a waiting room', () => {
  test('is kept from whoever has not been admitted, and says where the line is', async () => {
    const { command, unit } = open()
    const answer = await command('hold', concert)
    expect(answer.statusCode).toBe(403)
    expect(answer.headers['content-type']).toBe('application/problem+json')
    expect(answer.json()).toMatchObject({
      code: 'admission_required',
      error: { line, reason: 'missing', join: '/waiting-room/tickets/concert' },
    })
    expect(unit.grid.entries.size).toBe(0)
  })

  test.each([
    ['forged', 'x'],
    ['forged', passOf('ticket')],
    ['forged', `${passOf().slice(0, -3)}AAA`],
    ['expired', passOf('admission', { until: 1000 })],
    ['other_line', passOf('admission', { line: 'tickets/other' })],
  ])('%s: an admission that does not hold is told so', async (reason, admission) => {
    const { command, get } = open()
    const headers = { 'grid-admission': admission }
    for (const answer of [
      await command('hold', concert, headers),
      await get('seatMap?eventId=concert', headers),
    ]) {
      expect(answer.statusCode).toBe(403)
      expect(answer.json().error).toMatchObject({ code: 'admission_required', reason })
    }
  })

  test('is open to the admitted, by header and by cookie', async () => {
    const { command, get } = open()
    expect((await command('hold', concert, admitted)).statusCode).toBe(200)
    const cookie = `theme=dark; ${cookieNameOf('admission', line)}=${passOf()}`
    expect((await command('hold', { ...concert, id: 'b' }, { cookie })).statusCode).toBe(200)
    expect((await get('seatMap?eventId=concert', { cookie })).json().result).toBe('the map')
  })

  test('is only what the space declares, of the keys that are in line', async () => {
    const { command, get } = open()
    expect((await command('hold', { ...concert, eventId: 'quiet' })).statusCode).toBe(200)
    expect((await command('anything', {})).statusCode).toBe(200)
    expect((await get('free?eventId=concert')).statusCode).toBe(200)
    expect((await get('seatMap?eventId=quiet')).statusCode).toBe(200)
  })

  test('can be a whole space', async () => {
    const { command } = open(['tickets'])
    const answer = await command('hold', concert)
    expect(answer.json().error).toMatchObject({ line: 'tickets', join: '/waiting-room/tickets' })
    const headers = { 'grid-admission': passOf('admission', { line: 'tickets' }) }
    expect((await command('hold', concert, headers)).statusCode).toBe(200)
  })

  test('is not reached by asking several queries at once', async () => {
    const { batch } = open()
    const both = [
      { query: 'free', input: { eventId: 'concert' } },
      { query: 'seatMap', input: { eventId: 'concert' } },
    ]
    expect((await batch(both)).statusCode).toBe(403)
    expect((await batch(both, admitted)).statusCode).toBe(200)
    expect((await batch(both.slice(0, 1))).statusCode).toBe(200)
  })

  test('is not reached by following a live query', async () => {
    const { get } = open()
    const headers = { accept: 'text/event-stream' }
    const answer = await get('seatMap?eventId=concert', headers)
    expect(answer.statusCode).toBe(403)
    expect(answer.json().code).toBe('admission_required')
  })

  test.each([{}, { eventId: 1, id: 'a' }, { eventId: null }])(
    'input without a key is refused for what it is: %j',
    async (input) => {
      const answer = await open().command('hold', input)
      expect(answer.json().code).toBe('invalid_input')
    },
  )

  test('one admission is good for so many requests of a unit', async () => {
    const { command } = open([line], 3)
    for (const id of ['a', 'b', 'c'])
      expect((await command('hold', { ...concert, id }, admitted)).statusCode).toBe(200)
    const answer = await command('hold', { ...concert, id: 'd' }, admitted)
    expect(answer.statusCode).toBe(429)
    expect(answer.headers['retry-after']).toBe('1')
    expect(answer.json().code).toBe('admission_overused')
    const others = { 'grid-admission': passOf('admission', { id: 2 }) }
    expect((await command('hold', { ...concert, id: 'd' }, others)).statusCode).toBe(200)
  })
})

describe('what units tell the waiting room', () => {
  test('is what the admitted have done, and when they are through', async () => {
    const { command, reports } = open()
    await command('hold', concert, admitted)
    await command('hold', concert)
    await command('confirm', { id: 'none' }, admitted)
    await command('confirm', { id: 'a' }, admitted)
    await command('confirm', { id: 'a' }, admitted)
    await command('confirm', { id: 'a' })
    expect(reports.take()).toEqual([{ line, committed: 3, shed: 0, finished: ['general/1'] }])
    expect(reports.take()).toEqual([])
  })

  test('is what the admitted were refused because too much was asked', async () => {
    const { unit, command, get, reports } = open()
    unit.failure = new GridError('overloaded', 'too much', { retryAfterMs: 1000 })
    expect((await command('hold', concert, admitted)).statusCode).toBe(503)
    expect((await get('seatMap?eventId=concert', admitted)).statusCode).toBe(503)
    await command('hold', concert)
    expect(reports.take()).toEqual([{ line, committed: 0, shed: 2, finished: [] }])
  })

  test('is told of early refusals as well', async () => {
    const { unit, command, reports } = open()
    Object.assign(unit, {
      turnAway: () => {
        throw new GridError('overloaded', 'too much', { retryAfterMs: 1000 })
      },
    })
    expect((await command('hold', concert, admitted)).statusCode).toBe(503)
    expect((await command('hold', concert)).statusCode).toBe(503)
    expect(reports.take()).toEqual([{ line, committed: 0, shed: 1, finished: [] }])
  })
})
