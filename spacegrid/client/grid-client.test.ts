import { GridError, Rejection } from '@spacegrid/grid/core/errors'
import { describe, expect, test } from 'vitest'
import { GridClient, type GridClientOptions } from './grid-client.ts'
import type { TransportRequest, TransportResponse } from './transport.ts'

type Scripted = TransportResponse | Error | 'silence'

/** A client whose requests meet these endings, one after the other; nothing travels. */
function scripted(script: readonly Scripted[], options: GridClientOptions = {}) {
  const sent: TransportRequest[] = []
  const transport = {
    send: (request: TransportRequest): Promise<TransportResponse> => {
      const ending = script[sent.push(request) - 1] ?? new Error('the script is over')
      if (ending instanceof Error) return Promise.reject(ending)
      if (ending !== 'silence') return Promise.resolve(ending)
      return new Promise((_, refuse) =>
        request.signal.addEventListener('abort', () => refuse(new Error('aborted'))),
      )
    },
  }
  const retry = { retriesMax: 2, retryAfterMaxMs: 1000 }
  const client = new GridClient('http://grid:8080/prefix/', { transport, retry, ...options })
  return { client, sent }
}

const answer = (
  status: number,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): TransportResponse => ({ status, text: JSON.stringify(body), header: (name) => headers[name] })

const done = answer(200, { result: { n: 1 }, position: 7, version: 3 })
const shed = answer(503, { code: 'overloaded', detail: 'Too much' }, { 'retry-after': '0' })
const lost = new Error('fetch failed', { cause: { code: 'ECONNRESET' } })

describe('who the client is', () => {
  const refused = answer(401, { code: 'unauthenticated', detail: 'expired', reason: 'expired' })
  const forbidden = answer(403, { code: 'forbidden', detail: 'missing' })

  function tokens() {
    let made = 0
    const asked: boolean[] = []
    const credential = async (isRefused: boolean) => {
      asked.push(isRefused)
      if (isRefused || made === 0) made++
      return `Bearer ${made}`
    }
    return { credential, asked }
  }

  test('is said with every attempt, and said anew after it was refused, once', async () => {
    const { credential, asked } = tokens()
    const { client, sent } = scripted([refused, shed, done, done], { credential })
    await client.command('shop', 'buy', {})
    await client.query('shop', 'stock', {})
    const said = sent.map(({ headers }) => headers.authorization)
    expect(said).toEqual(['Bearer 1', 'Bearer 2', 'Bearer 2', 'Bearer 2'])
    expect(asked).toEqual([false, true, false, false])
    expect(new Set(sent.slice(0, 3).map(({ headers }) => headers['idempotency-key'])).size).toBe(1)
  })

  test('that is refused again is told', async () => {
    const { client, sent } = scripted([refused, refused, done], tokens())
    const asked = client.query('shop', 'stock', {})
    await expect(asked).rejects.toMatchObject({ code: 'unauthenticated' })
    expect(sent).toHaveLength(2)
  })

  test('makes no difference to a permission that is missing, or where nobody can say it', async () => {
    const { client, sent } = scripted([forbidden], tokens())
    await expect(client.query('shop', 'stock', {})).rejects.toMatchObject({ code: 'forbidden' })
    expect(sent).toHaveLength(1)
    const nobody = scripted([refused])
    await expect(nobody.client.query('shop', 'stock', {})).rejects.toMatchObject({
      code: 'unauthenticated',
    })
    expect(nobody.sent).toHaveLength(1)
  })
})

describe('a command', () => {
  test('carries a key of its own, and what it waits for', async () => {
    const { client, sent } = scripted([done, done])
    const result = await client.command('shop', 'buy', { n: 1 }, { acknowledge: 'persisted' })
    expect(result).toEqual({ result: { n: 1 }, position: 7, replayed: false })
    await client.command('shop', 'buy', { n: 1 })
    const [first, second] = sent
    expect(first).toMatchObject({
      method: 'POST',
      path: '/prefix/shop/commands/buy',
      headers: { prefer: 'ack=persisted', 'content-type': 'application/json' },
      body: '{"n":1}',
    })
    const keys = [first, second].map((request) => request?.headers['idempotency-key'])
    expect(new Set(keys).size).toBe(2)
  })

  test('says how long each attempt is waited for, and a query does not', async () => {
    const { client, sent } = scripted([lost, done, done])
    await client.command('shop', 'buy', {}, { deadlineMs: 4000 })
    const waits = sent.map(({ headers }) => Number.parseInt(headers['grid-timeout'] ?? '', 10))
    expect(waits[0]).toBeLessThanOrEqual(4000)
    expect(waits[1]).toBeLessThanOrEqual(waits[0] as number)
    expect(waits[1]).toBeGreaterThan(0)
    await client.query('shop', 'stock', {})
    expect(sent[2]?.headers).not.toHaveProperty('grid-timeout')
  })

  test('whose answer was lost is sent again with the same key', async () => {
    const replayed = answer(200, { result: 1, position: 7 }, { 'idempotency-replayed': 'true' })
    const { client, sent } = scripted([lost, shed, replayed])
    expect(await client.command('shop', 'buy', {})).toMatchObject({ replayed: true })
    expect(new Set(sent.map(({ headers }) => headers['idempotency-key'])).size).toBe(1)
    expect(sent).toHaveLength(3)
  })

  test('without a key is sent again only while it cannot have happened', async () => {
    const { client, sent } = scripted([shed, lost, done])
    const bought = await client.answerOfCommand('shop', 'buy', {}, { idempotencyKey: null })
    expect(bought).toMatchObject({ kind: 'failed', attempts: 2, outcomeUnknown: true })
    expect(sent.map(({ headers }) => 'idempotency-key' in headers)).toEqual([false, false])
  })

  test('that is refused is a Rejection, and not sent again', async () => {
    const refusal = { code: 'rejected', error: { code: 'rejected', reason: 'sold_out', left: 0 } }
    const { client, sent } = scripted([answer(409, refusal)])
    const error = await client.command('shop', 'buy', {}).catch((thrown) => thrown)
    expect(error).toBeInstanceOf(Rejection)
    expect(error).toMatchObject({ reason: 'sold_out', details: { left: 0 } })
    expect(sent).toHaveLength(1)
  })

  test('that was shed each time has not happened', async () => {
    const { client } = scripted([shed, shed, shed])
    const error = await client.command('shop', 'buy', {}).catch((thrown) => thrown)
    expect(error).toBeInstanceOf(GridError)
    expect(error).toMatchObject({ code: 'overloaded', message: 'Too much' })
    expect(error.details).toMatchObject({ attempts: 3, outcomeUnknown: false })
  })

  test('of which one attempt was lost may have happened, whatever the last answer says', async () => {
    const { client } = scripted([lost, shed, shed])
    await expect(client.command('shop', 'buy', {})).rejects.toMatchObject({
      code: 'outcome_unknown',
    })
  })

  test('that is not answered in time is tried again', async () => {
    const { client, sent } = scripted(['silence', done], { timeoutMs: 1 })
    await client.command('shop', 'buy', {})
    expect(sent).toHaveLength(2)
  })
})

test.each([
  ['ECONNREFUSED', 'no_responder'],
  ['ECONNRESET', 'outcome_unknown'],
])('a command whose every attempt ends with %s is told as %s', async (code, told) => {
  const error = new TypeError('fetch failed', { cause: { code } })
  const { client } = scripted([error, error, error])
  await expect(client.command('shop', 'buy', {})).rejects.toMatchObject({
    code: told,
    message: expect.stringContaining(`connection failed: ${code}`),
  })
})

test('an entry is answered with its place in the log', async () => {
  const body = { key: 'a/b', value: { n: 1 }, version: 3, writtenAt: 5 }
  const { client, sent } = scripted([answer(200, body, { 'grid-position': '7' })])
  const headers = { authorization: 'Bearer x' }
  expect(await client.answerOfEntry('shop', 'things', 'a/b', { headers })).toEqual({
    kind: 'accepted',
    result: body,
    position: 7,
    attempts: 1,
  })
  expect(sent[0]).toMatchObject({ path: '/prefix/shop/caches/things/a%2Fb', headers })
})

test('a history is asked for page by page, and answered as it is told', async () => {
  const body = { changes: [], next: '7.0', since: { position: 1, time: 5 }, position: 9 }
  const gone = { code: 'position_out_of_reach', detail: 'gone' }
  const { client, sent } = scripted([answer(200, body), answer(200, body), answer(410, gone)])
  const page = await client.history('shop', 'things', 'a/b', { limit: 2 })
  expect(page).toEqual(body)
  await client.history('shop', 'things', 'a', { cursor: page.next, headers: { a: 'b' } })
  expect(sent).toMatchObject([
    { path: '/prefix/shop/caches/things/a%2Fb/history?limit=2' },
    { path: '/prefix/shop/caches/things/a/history?cursor=7.0', headers: { a: 'b' } },
  ])
  await expect(client.history('shop', 'things', 'a')).rejects.toMatchObject({
    code: 'position_out_of_reach',
  })
})

test('what the store has is asked for by key, and what has left memory by index', async () => {
  const entry = { key: 'a/b', value: { n: 1 }, version: 3, writtenAt: 5, archived: true }
  const page = { entries: [], next: 'c', position: 9 }
  const gone = { code: 'not_found', detail: 'gone' }
  const { client, sent } = scripted([
    answer(200, entry, { 'grid-position': '7' }),
    answer(200, page),
    answer(200, page),
    answer(404, gone),
  ])
  const session = client.session({ shop: 8 })
  expect(await session.stored('shop', 'orders', 'a/b')).toEqual({ ...entry, position: 7 })
  const asked = { index: 'byOwner', equals: ['ann', 7], reverse: true, limit: 2 }
  expect(await session.archived('shop', 'orders', asked)).toEqual(page)
  await session.archived('shop', 'orders', { index: 'byOwner', cursor: 'c', headers: { a: 'b' } })
  const at = '/prefix/shop/archive/orders'
  expect(sent).toMatchObject([
    { path: `${at}/a%2Fb`, headers: {} },
    { path: `${at}?index=byOwner&equals=ann&equals=7&reverse=true&limit=2` },
    { path: `${at}?index=byOwner&cursor=c`, headers: { a: 'b' } },
  ])
  // The store may be behind what the session has seen.
  expect(sent[0]?.headers).not.toHaveProperty('grid-position')
  await expect(client.stored('shop', 'orders', 'x')).rejects.toMatchObject({ code: 'not_found' })
})

describe('a query', () => {
  test('says from where it may be answered', async () => {
    const { client, sent } = scripted([done, done, done, done, done])
    await client.query('shop', 'stock', { id: 'a' })
    await client.query('shop', 'stock', { id: 'a' }, { from: 7 })
    await client.query('shop', 'stock', {}, { from: 'latest' })
    await client.query('shop', 'stock', {}, { at: 5 })
    await client.query('shop', 'stock', {}, { at: new Date('2026-11-27T21:00:00Z') })
    expect(sent.map(({ path, headers }) => [path, headers])).toEqual([
      ['/prefix/shop/queries/stock?id=a', {}],
      ['/prefix/shop/queries/stock?id=a', { 'grid-position': '7' }],
      ['/prefix/shop/queries/stock', { 'grid-consistency': 'latest' }],
      ['/prefix/shop/queries/stock', { 'grid-position': '=5' }],
      ['/prefix/shop/queries/stock', { 'grid-position': '=2026-11-27T21:00:00.000Z' }],
    ])
  })

  test('throws the grid’s code, which a lost attempt does not hide', async () => {
    const missing = { code: 'not_found', detail: 'no such thing', error: { code: 'not_found' } }
    const { client } = scripted([lost, answer(404, missing)])
    await expect(client.query('shop', 'stock', {})).rejects.toMatchObject({
      code: 'not_found',
      message: 'no such thing',
    })
  })

  test('that no grid answers says so', async () => {
    const { client } = scripted([lost, lost, lost])
    await expect(client.query('shop', 'stock', {})).rejects.toMatchObject({
      code: 'no_responder',
      message: 'connection failed: ECONNRESET',
    })
  })
})

test('more requests than may be open are not sent', async () => {
  const { client, sent } = scripted(['silence'], { openMax: 1 })
  const first = client.answerOfCommand('shop', 'buy', {})
  expect(await client.answerOfCommand('shop', 'buy', {})).toMatchObject({
    reason: 'client saturated',
    outcomeUnknown: false,
  })
  await client.stop()
  expect(await first).toMatchObject({ reason: 'unanswered at the end', outcomeUnknown: true })
  expect(sent).toHaveLength(1)
  expect(client.open).toBe(0)
})

test('stopping ends a wait for the next attempt', async () => {
  const later = answer(503, { code: 'overloaded' }, { 'retry-after': '1' })
  const { client, sent } = scripted([later])
  const waiting = client.answerOfCommand('shop', 'buy', {})
  await new Promise((wake) => setImmediate(wake))
  await client.stop()
  expect(await waiting).toMatchObject({ kind: 'shed', attempts: 1 })
  expect(sent).toHaveLength(1)
})

describe('what the client has been told', () => {
  test('is remembered by partition, and can be asked for', async () => {
    const at = (position: number | string) => answer(200, { result: 1, position, version: 1 })
    const entry = answer(200, { key: 'a', value: {} }, { 'grid-position': '3.4' })
    const script = [at('7.12'), at('3.5-7.9'), entry, at('2.1'), at(9), at('2.1')]
    const { client, sent } = scripted(script)
    expect(client.seen('shop')).toBeUndefined()
    await client.command('shop', 'buy', {})
    await client.query('shop', 'stock', {})
    await client.answerOfEntry('shop', 'seats', 'a')
    expect(client.seen('shop')).toBe('3.5-7.12')
    await client.query('shop', 'stock', {}, { from: 'seen' })
    expect(sent.at(-1)?.headers).toMatchObject({ 'grid-position': '3.5-7.12' })
    expect(client.seen('shop')).toBe('2.1-3.5-7.12')
    await client.query('other', 'stock', {}, { from: 'seen' })
    expect(sent.at(-1)?.headers).not.toHaveProperty('grid-position')
    expect(client.seen('other')).toBe(9)
  })
})

describe('a caller who does not wait', () => {
  test('is thrown its own reason, and what is under way ends', async () => {
    const { client, sent } = scripted(['silence'])
    const given = new AbortController()
    const asked = client.query('shop', 'stock', {}, { signal: given.signal })
    await Promise.resolve()
    given.abort(new Error('the page was left'))
    await expect(asked).rejects.toThrow('the page was left')
    expect(sent[0]?.signal.aborted).toBe(true)
    expect(client.open).toBe(0)
    const later = client.query('shop', 'stock', {}, { signal: given.signal })
    await expect(later).rejects.toThrow('the page was left')
    expect(sent).toHaveLength(1)
  })

  test('hears of a command that was sent that it may have happened', async () => {
    const { client } = scripted(['silence'])
    const given = new AbortController()
    const asked = client.command('shop', 'buy', {}, { signal: given.signal })
    await Promise.resolve()
    given.abort()
    await expect(asked).rejects.toMatchObject({ code: 'outcome_unknown' })
  })

  test('is answered by its deadline, whatever the retries would take', async () => {
    const slow = answer(503, { code: 'overloaded', detail: 'Too much' }, { 'retry-after': '1' })
    const { client, sent } = scripted([slow, done])
    const asked = client.command('shop', 'buy', {}, { deadlineMs: 500 })
    await expect(asked).rejects.toMatchObject({ code: 'overloaded' })
    expect(sent).toHaveLength(1)
    const { client: silent } = scripted(['silence', 'silence'])
    const unanswered = silent.command('shop', 'buy', {}, { deadlineMs: 5 })
    await expect(unanswered).rejects.toMatchObject({ code: 'outcome_unknown' })
  })
})

test('of many requests that all fail only some are tried again', async () => {
  const retry = { retriesMax: 3, retryAfterMaxMs: 1000, budget: 20 }
  const { client, sent } = scripted(Array(200).fill(shed), { retry })
  for (let n = 0; n < 100; n++)
    await client.command('shop', 'buy', {}).catch((error: unknown) => error)
  expect(sent.length).toBeGreaterThan(100)
  expect(sent.length).toBeLessThanOrEqual(110)
})

describe('a session', () => {
  const at = (position: number | string) => answer(200, { result: 1, position })

  test('sees what it has been told, and nothing of other sessions', async () => {
    const { client, sent } = scripted([at('1.7'), at('0.3'), at('1.7'), at('1.9'), at('0.4')])
    const [one, other] = [client.session(), client.session()]
    await one.command('shop', 'buy', {})
    await one.query('shop', 'stock', {})
    await one.query('shop', 'stock', {})
    await other.query('shop', 'stock', {})
    await one.query('shop', 'stock', {}, { from: 'any' })
    expect(sent.map(({ headers }) => headers['grid-position'])).toEqual([
      undefined,
      '1.7',
      '0.3-1.7',
      undefined,
      undefined,
    ])
    expect(one.positions).toEqual({ shop: '0.4-1.7' })
    expect(other.positions).toEqual({ shop: '1.9' })
    expect(client.positions).toEqual({})
  })

  test('goes on elsewhere, with what it has seen', async () => {
    const { client, sent } = scripted([at(9)])
    await client.session({ shop: 7 }).query('shop', 'stock', {})
    expect(sent[0]?.headers['grid-position']).toBe('7')
  })

  test('whose place says nothing any more begins without one', async () => {
    const refused = answer(400, { code: 'invalid_header', detail: 'no position of this space' })
    const { client, sent } = scripted([refused, at('1.7')])
    const session = client.session({ shop: 7 })
    await session.query('shop', 'stock', {})
    expect(sent.map(({ headers }) => headers['grid-position'])).toEqual(['7', undefined])
    expect(session.positions).toEqual({ shop: '1.7' })
  })
})
