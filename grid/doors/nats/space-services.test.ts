import { describe, expect, test } from 'vitest'
import { defineCache, defineSpace, Type } from '../../core/define.ts'
import { type ErrorCode, GridError } from '../../core/errors.ts'
import type { Messaging, Service } from '../../engine/ports/messaging.ts'
import { subjects } from '../../engine/wire/subjects.ts'
import { MemoryServing } from '../http/test-support/memory-serving.ts'
import { shop } from '../http/test-support/shop-space.ts'
import type { Origin } from '../request/caller.ts'
import { RequestPipeline } from '../request/request-pipeline.ts'
import type { HistoryPage, PastReads } from '../request/serving.ts'
import { serveSpace } from './space-services.ts'

/** Just the serving side: keeps the service, and asks its endpoints directly. */
class ServiceDesk {
  service: Service | undefined
  readonly messaging: Messaging

  constructor(messageBytesMax = 1024 * 1024) {
    const unused = () => {
      throw new Error('not part of this test double')
    }
    this.messaging = {
      messageBytesMax,
      serve: async (service) => {
        this.service = service
        return { stop: async () => {} }
      },
      request: unused,
      publish: unused,
      subscribe: unused,
      respond: unused,
      close: async () => {},
    }
  }

  async ask(subject: string, body: unknown, headers: Readonly<Record<string, string>> = {}) {
    const endpoint = this.service?.endpoints.find((candidate) => candidate.subject === subject)
    if (!endpoint) throw new Error(`nobody answers on ${subject}`)
    const text = typeof body === 'string' ? body : JSON.stringify(body)
    const answer = await endpoint.respond({ data: Buffer.from(text), headers })
    return { body: JSON.parse(Buffer.from(answer.data).toString()), headers: answer.headers }
  }

  async refusal(subject: string, body: unknown, headers?: Readonly<Record<string, string>>) {
    const error = await this.ask(subject, body, headers).catch((error: unknown) => error)
    if (!(error instanceof GridError)) throw error
    return error
  }
}

const put = subjects.command('shop', 'putProduct')
const product = subjects.query('shop', 'product')
const echo = subjects.query('shop', 'echo')

async function open(messageBytesMax?: number) {
  const desk = new ServiceDesk(messageBytesMax)
  const unit = new MemoryServing('unit-1', shop)
  const faults: object[] = []
  await serveSpace(desk.messaging, unit, { log: { error: (fields) => faults.push(fields) } })
  return { desk, unit, faults }
}

describe('a space as a service', () => {
  test('offers every command and query with the schema of its input', async () => {
    const { desk } = await open()
    expect(desk.service).toMatchObject({ name: 'spacegrid-shop', version: '0.0.0' })
    expect(desk.service?.endpoints.map(({ subject }) => subject)).toEqual([
      'spacegrid.shop.command.putProduct',
      'spacegrid.shop.command.raisePrice',
      'spacegrid.shop.command.misbehave',
      'spacegrid.shop.query.product',
      'spacegrid.shop.query.echo',
      'spacegrid.shop.queries',
    ])
    const [first] = desk.service?.endpoints ?? []
    expect(first?.description).toBe('Creates or replaces a product')
    expect(JSON.parse(first?.metadata?.input ?? '')).toMatchObject({ required: ['id', 'price'] })
  })

  test('answers a command in the shape of HTTP', async () => {
    const { desk } = await open()
    const answer = await desk.ask(put, { id: 'a', price: 1 })
    expect(answer.body).toEqual({ result: { id: 'a', tags: 0 }, position: 2, version: 1001 })
    expect(answer.headers).toEqual({ 'Grid-Position': '2' })
  })

  test('understands the headers of HTTP, in any case', async () => {
    const { desk } = await open()
    const headers = { 'idempotency-key': 'k', PREFER: 'ack=persisted' }
    const first = await desk.ask(put, { id: 'a', price: 1 }, headers)
    expect(first.headers).toEqual({ 'Grid-Position': '2', 'Preference-Applied': 'ack=persisted' })
    const again = await desk.ask(put, { id: 'a', price: 1 }, headers)
    expect(again.body).toEqual(first.body)
    expect(again.headers).toMatchObject({ 'Idempotency-Replayed': 'true' })
    expect((await desk.refusal(echo, {}, { 'grid-position': '-1' })).code).toBe('invalid_header')
    expect((await desk.refusal(echo, {}, { 'Grid-Position': '9' })).code).toBe('position_timeout')
  })

  test('answers several queries together, each for itself', async () => {
    const { desk, unit } = await open()
    await desk.ask(put, { id: 'a', price: 1 })
    const batch = subjects.queries('shop')
    unit.ageMs = 5000
    const { body, headers } = await desk.ask(batch, [
      { query: 'echo', input: { limit: 3 } },
      { query: 'product', input: { id: 'none' } },
      { query: 'echo' },
      { query: 'echo', input: { limit: 0 } },
      { query: 'no' },
    ])
    expect(body.position).toBe(2)
    expect(body.answers).toEqual([
      { result: { limit: 3 } },
      { error: { code: 'not_found', message: 'No product none', status: 404 } },
      { result: {} },
      { error: expect.objectContaining({ code: 'invalid_input', status: 400 }) },
      { error: expect.objectContaining({ code: 'unknown_query', status: 404 }) },
    ])
    expect(headers).toEqual({ 'Grid-Position': '2', 'Grid-Age': '5000ms' })
    const refusals = [[], {}, null, Array(33).fill({ query: 'echo' }), [{ name: 'echo' }], ['echo']]
    for (const refused of refusals)
      expect((await desk.refusal(batch, refused)).code).toBe('invalid_input')
    expect((await desk.refusal(batch, '')).code).toBe('invalid_json')
  })

  test('tells what of the history of an entry is readable', async () => {
    const desk = new ServiceDesk()
    const things = defineCache('things', {
      schema: Type.Object({ id: Type.String(), open: Type.String(), secret: Type.String() }),
      key: 'id',
      readable: ['id', 'open'],
    })
    const secrets = defineCache('secrets', {
      schema: Type.Object({ id: Type.String() }),
      key: 'id',
    })
    const space = defineSpace('house', { caches: [things, secrets] })
    const unit = new MemoryServing('unit-1', space)
    const asked: unknown[] = []
    const history = async (...all: unknown[]): Promise<HistoryPage> => {
      asked.push(all)
      const to = { id: 'a', open: 'x', secret: 'y' }
      const change = { position: 7, time: 5, change: 'created', to, transaction: 3 } as const
      const changes = [{ ...change, command: 'make', unit: 'unit-2', idempotencyKey: 'k' }]
      return { changes, next: '7.0', since: { position: 1, time: 2 }, position: 9 }
    }
    const past = { history } as unknown as PastReads
    await serveSpace(desk.messaging, Object.assign(unit, { past }), { log: { error: () => {} } })
    const subject = subjects.history('house', 'things')
    const { body, headers } = await desk.ask(subject, { key: 'a', limit: 1 })
    expect(body).toEqual({
      changes: [
        {
          ...{ position: 7, time: 5, change: 'created', version: 3, command: 'make' },
          ...{ from: null, to: { id: 'a', open: 'x' } },
        },
      ],
      ...{ next: '7.0', since: { position: 1, time: 2 }, position: 9 },
    })
    expect(headers).toEqual({ 'Grid-Position': '9' })
    expect(asked).toEqual([['things', 'a', { limit: 1 }]])
    for (const wrong of [{}, { key: 7 }, { key: 'a', limit: 101 }, { key: 'a', more: 1 }, []])
      expect((await desk.refusal(subject, wrong)).code).toBe('invalid_input')
    const now = await desk.refusal(subject, { key: 'a' }, { 'Grid-Position': '=5' })
    expect(now.code).toBe('position_out_of_reach')
    expect(desk.service?.endpoints.map((endpoint) => endpoint.subject)).toEqual([subject])
  })

  test('explains how an answer was found', async () => {
    const { desk } = await open()
    const { body } = await desk.ask(echo, {}, { 'Grid-Explain': 'true' })
    expect(body.explanation).toEqual([expect.objectContaining({ unit: 'unit-1', position: 1 })])
  })

  test('what is not fresh says its age', async () => {
    const { desk, unit } = await open()
    unit.ageMs = 15_000
    expect((await desk.ask(echo, {})).headers).toMatchObject({ 'Grid-Age': '15000ms' })
    const refusal = await desk.refusal(echo, {}, { 'Grid-Staleness': '2s' })
    expect(refusal.code).toBe('too_stale')
  })

  test('who asks is found out by what the message says', async () => {
    const desk = new ServiceDesk()
    const origins: Origin[] = []
    const pipeline = new RequestPipeline({
      identify: (origin) => {
        origins.push(origin)
        return { name: undefined, origin }
      },
    })
    const unit = new MemoryServing('unit-1', shop)
    await serveSpace(desk.messaging, unit, { log: { error: () => {} }, pipeline })
    await desk.ask(echo, {}, { authorization: 'Bearer x' })
    await desk.ask(put, { id: 'a', price: 1 })
    expect(origins.map(({ door, address, credential }) => [door, address, credential])).toEqual([
      ['nats', undefined, 'Bearer x'],
      ['nats', undefined, undefined],
    ])
  })

  test('a header that may come once is refused when it comes twice, in any case', async () => {
    const { desk, unit } = await open()
    const endpoint = desk.service?.endpoints.find(({ subject }) => subject === put)
    const data = Buffer.from('{"id":"a","price":1}')
    const twice = [
      { headers: { 'Idempotency-Key': 'a', 'idempotency-KEY': 'b' } },
      { headers: { 'Idempotency-Key': 'a, b' }, repeated: ['Idempotency-Key'] },
      { headers: { 'idempotency-key': 'a, a' }, repeated: ['idempotency-key'] },
    ]
    for (const message of twice)
      await expect(endpoint?.respond({ data, ...message })).rejects.toMatchObject({
        code: 'invalid_header',
        details: { header: 'Idempotency-Key' },
      })
    expect(unit.position).toBe(1)
    // A list is a list, in however many headers.
    const prefer = { Prefer: 'x', prefer: 'ack=persisted' }
    expect((await desk.ask(put, { id: 'a', price: 1 }, prefer)).headers).toMatchObject({
      'Preference-Applied': 'ack=persisted',
    })
    const comma = { 'Idempotency-Key': 'a, b' }
    expect((await desk.ask(put, { id: 'a', price: 1 }, comma)).body).toMatchObject({ position: 3 })
  })

  test('answers a query; an empty message is an empty input', async () => {
    const { desk } = await open()
    expect((await desk.ask(echo, '')).body).toEqual({ result: {}, position: 1 })
    expect((await desk.ask(echo, { limit: 3 })).body).toEqual({ result: { limit: 3 }, position: 1 })
  })

  test('a command without a result answers null', async () => {
    const { desk } = await open()
    await desk.ask(put, { id: 'a', price: 1 })
    const raised = await desk.ask(subjects.command('shop', 'raisePrice'), { id: 'a', by: 2 })
    expect(raised.body).toEqual({ result: null, position: 3, version: 1002 })
  })

  test.each<[string, unknown, ErrorCode]>([
    [put, '{"id":', 'invalid_json'],
    [put, '', 'invalid_json'],
    [put, { id: 'a' }, 'invalid_input'],
    [put, '{"id":"a","price":9007199254740993}', 'invalid_input'],
    [product, { id: 'none' }, 'not_found'],
  ])('%s %j is refused with %s', async (subject, body, code) => {
    const { desk } = await open()
    expect((await desk.refusal(subject, body)).code).toBe(code)
  })

  test("a rejection's reason travels in its details", async () => {
    const { desk } = await open()
    const refusal = await desk.refusal(subjects.command('shop', 'raisePrice'), { id: 'x', by: 1 })
    expect(refusal.code).toBe('rejected')
    expect(refusal.details).toEqual({ reason: 'no_such_product', id: 'x' })
  })

  test('a mistake of the application is told without what it says', async () => {
    const { desk } = await open()
    const subject = subjects.command('shop', 'misbehave')
    const refusal = await desk.refusal(subject, { how: 'throw' })
    expect(refusal.code).toBe('application_fault')
    expect(refusal.message).not.toContain('secret')
    expect(refusal.details).toMatchObject({ id: expect.any(String), command: 'misbehave' })
  })

  test('an answer larger than a message is refused, and says that a command took effect', async () => {
    const { desk, unit } = await open(1024)
    const text = 'x'.repeat(1000)
    const question = await desk.refusal(echo, { text })
    expect(question).toMatchObject({ code: 'body_too_large', details: { bytesMax: 1024 } })
    const command = await desk.refusal(put, { id: text, price: 1 })
    expect(command.details).toMatchObject({ position: 2, version: 1001 })
    expect(unit.position).toBe(2)
  })
})
