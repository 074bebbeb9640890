import { startNats } from '@spacegrid/proof/support/test-servers'
import { uniqueName } from '@spacegrid/proof/support/unique-name'
import { waitFor } from '@spacegrid/proof/support/wait-for'
import { connect, headers, type NatsConnection } from 'nats'
import { afterEach, describe, expect, inject, test } from 'vitest'
import { GridError, Rejection } from '../../core/errors.ts'
import type { Responder } from '../../engine/ports/messaging.ts'
import { NatsMessaging, type NatsMessagingOptions } from './nats-messaging.ts'

const natsUrl = inject('natsUrl')
const opened: { close(): Promise<void> }[] = []

afterEach(async () => {
  await Promise.all(opened.splice(0).map((one) => one.close()))
})

async function open(
  options: Partial<NatsMessagingOptions> = {},
  url = natsUrl,
): Promise<NatsMessaging> {
  const messaging = await NatsMessaging.open(url, { name: 'messaging test', ...options })
  opened.push(messaging)
  return messaging
}

/** A client that knows nothing of us, as one in another language would be. */
async function foreignClient(): Promise<NatsConnection> {
  const client = await connect({ servers: natsUrl })
  opened.push(client)
  return client
}

const bytes = (text: string) => new TextEncoder().encode(text)
const textOf = ({ data }: { data: Uint8Array }) => new TextDecoder().decode(data)
const soon = { timeoutMs: 10_000 }

/** Two connections: the server routes between them, and has to know of the subscription first. */
async function pair(respond: Responder, options: Partial<NatsMessagingOptions> = {}) {
  const [asking, answering] = await Promise.all([open(), open(options)])
  const name = uniqueName('service')
  const subject = `spacegrid.${name}.query.one`
  const endpoints = [{ subject, respond, description: 'The one.', metadata: { kind: 'query' } }]
  const service = await answering.serve({ name, version: '1.2.3', endpoints })
  return { asking, answering, service, subject, name }
}

describe('request and reply', () => {
  test('carries bytes and headers both ways', async () => {
    const { asking, subject } = await pair(({ data, headers }) => ({
      data: data.toReversed(),
      headers: { 'Grid-Position': '17', Said: headers?.['Idempotency-Key'] ?? '' },
    }))
    const request = { ...soon, headers: { 'Idempotency-Key': 'schlüssel: 1' } }
    const answer = await asking.request(subject, Uint8Array.of(0, 1, 255), request)
    expect([...answer.data]).toEqual([255, 1, 0])
    expect(answer.headers).toEqual({ 'Grid-Position': '17', Said: 'schlüssel: 1' })
    const plain = await asking.request(subject, new Uint8Array(0), soon)
    expect(plain.data).toHaveLength(0)
  })

  test('says which headers came several times', async () => {
    let seen: object | undefined
    const { subject } = await pair(({ data, ...rest }) => {
      seen = rest
      return { data }
    })
    const client = await foreignClient()
    const sent = headers()
    sent.append('Idempotency-Key', 'one')
    sent.append('Idempotency-Key', 'two')
    sent.append('Prefer', 'ack=accepted')
    await client.request(subject, bytes('x'), { timeout: 10_000, headers: sent })
    expect(seen).toEqual({
      headers: { 'Idempotency-Key': 'one, two', Prefer: 'ack=accepted' },
      repeated: ['Idempotency-Key'],
    })
  })

  test('a GridError arrives with its code, message, details and retry time', async () => {
    const details = { field: 'quantity', allowed: { min: 1 }, list: [1, 'two'] }
    const { asking, subject } = await pair(() => {
      throw new GridError('overloaded', 'Too\r\nmuch', { details, retryAfterMs: 250 })
    })
    const error = await asking.request(subject, bytes('x'), soon).catch((reason) => reason)
    expect(error).toBeInstanceOf(GridError)
    expect(error).not.toBeInstanceOf(Rejection)
    expect(error).toMatchObject({
      code: 'overloaded',
      message: 'Too\r\nmuch',
      details,
      retryAfterMs: 250,
    })
  })

  test('a Rejection arrives as one, with reason and details', async () => {
    const { asking, subject } = await pair(async () => {
      throw new Rejection('seat_unavailable', { seats: ['A-1-1'] })
    })
    const error = await asking.request(subject, bytes('x'), soon).catch((reason) => reason)
    expect(error).toBeInstanceOf(Rejection)
    expect(error).toMatchObject({ reason: 'seat_unavailable', details: { seats: ['A-1-1'] } })
  })

  test('what is no GridError arrives as internal and tells nothing; its owner is told', async () => {
    const faults: unknown[] = []
    const bug = new TypeError('secret is undefined')
    const { asking, subject } = await pair(
      () => {
        throw bug
      },
      { onFault: (error) => faults.push(error) },
    )
    const error = await asking.request(subject, bytes('x'), soon).catch((reason) => reason)
    expect(error).toMatchObject({
      code: 'internal',
      message: expect.not.stringContaining('secret'),
    })
    expect(faults).toEqual([bug])
  })

  test('an answer that is too large is an error at both ends, and a request as well', async () => {
    const { asking, answering, subject } = await pair(() => ({
      data: new Uint8Array(answering.messageBytesMax + 1),
    }))
    await expect(asking.request(subject, bytes('x'), soon)).rejects.toMatchObject({
      code: 'record_too_large',
      details: { bytesMax: answering.messageBytesMax },
    })
    const tooLarge = new Uint8Array(asking.messageBytesMax + 1)
    await expect(asking.request(subject, tooLarge, soon)).rejects.toMatchObject({
      code: 'record_too_large',
    })
    expect(() => asking.publish(subject, tooLarge)).toThrow('A message takes at most')
  })

  test('nobody there: no_responder, at once', async () => {
    const messaging = await open()
    const request = { timeoutMs: 60_000 }
    await expect(messaging.request(uniqueName(), bytes('x'), request)).rejects.toMatchObject({
      code: 'no_responder',
      retryable: true,
    })
  })

  test('a subject on which it may not publish: log_unavailable, at once; other requests wait on', async () => {
    const user = { name: 'one', password: 'x', deniedPublish: ['denied.ask'] }
    await using nats = await startNats({ users: [user] })
    const messaging = await open({}, nats.url.replace('//', '//one:x@'))
    const release = Promise.withResolvers<void>()
    messaging.respond('allowed.ask', async () => {
      await release.promise
      return { data: bytes('late') }
    })
    const request = { timeoutMs: 60_000 }
    const other = messaging.request('allowed.ask', bytes('x'), request)
    await expect(messaging.request('denied.ask', bytes('x'), request)).rejects.toMatchObject({
      code: 'log_unavailable',
    })
    release.resolve()
    expect(textOf(await other)).toBe('late')
  })

  test('somebody there who does not answer: request_timeout', async () => {
    const { asking, subject } = await pair(() => new Promise(() => {}))
    await expect(asking.request(subject, bytes('x'), { timeoutMs: 30 })).rejects.toMatchObject({
      code: 'request_timeout',
    })
  })

  test('a header that would break the message is invalid_header', async () => {
    const messaging = await open()
    const request = { ...soon, headers: { Key: 'a\r\nb' } }
    await expect(messaging.request('x', bytes('x'), request)).rejects.toMatchObject({
      code: 'invalid_header',
    })
  })

  test('respond: every instance answers for itself until it is stopped', async () => {
    const [asking, one, other] = await Promise.all([open(), open(), open()])
    const subject = uniqueName('unit')
    const asked: string[] = []
    const answer = (name: string) => () => {
      asked.push(name)
      return { data: bytes(name) }
    }
    const first = one.respond(subject, answer('one'))
    other.respond(subject, answer('other'))
    await waitFor(
      async () => {
        await asking.request(subject, bytes(''), soon)
        return asked.includes('one') && asked.includes('other')
      },
      { what: 'both to be asked' },
    )
    await first.stop()
    await waitFor(async () => textOf(await asking.request(subject, bytes(''), soon)) === 'other', {
      what: 'the other one alone',
    })
  })
})

describe('publish and subscribe', () => {
  test('reaches everyone who listens, wildcards included, until stopped', async () => {
    const [sending, one, other] = await Promise.all([open(), open(), open()])
    const subject = uniqueName('news')
    const heard = { one: [] as string[], other: [] as string[] }
    const first = one.subscribe(`${subject}.*`, (message) => heard.one.push(textOf(message)))
    other.subscribe(`${subject}.>`, (message) => heard.other.push(textOf(message)))
    await waitFor(
      () => {
        sending.publish(`${subject}.start`, bytes('start'))
        return heard.one.length > 0 && heard.other.length > 0
      },
      { what: 'both to listen' },
    )
    await first.stop()
    sending.publish(`${subject}.end`, bytes('end'))
    await waitFor(() => heard.other.at(-1) === 'end', { what: 'the last message' })
    expect(new Set(heard.one)).toEqual(new Set(['start']))
  })
})

// interfaces.md: a program in any language can call commands and queries
describe('a service seen by others', () => {
  test('errors are those of a NATS service, with the code in JSON', async () => {
    const { subject } = await pair(() => {
      throw new Rejection('bid_too_low', { leastAmount: 12 })
    })
    const client = await foreignClient()
    const answer = await client.request(subject, bytes('{}'), { timeout: 10_000 })
    expect(answer.headers?.get('Nats-Service-Error-Code')).toBe('409')
    expect(answer.headers?.get('Nats-Service-Error')).toBe('Refused: bid_too_low')
    expect(answer.json()).toEqual({
      error: {
        code: 'rejected',
        message: 'Refused: bid_too_low',
        reason: 'bid_too_low',
        leastAmount: 12,
      },
    })
  })

  test('an error of a service that is not ours is internal, with its text', async () => {
    const [asking, client] = await Promise.all([open(), foreignClient()])
    const subject = uniqueName('foreign')
    const answers = ['', '{"error":"text"}', '{"error":{"code":"of_its_own","hint":7}}']
    client.subscribe(subject, {
      callback: (_error, message) => {
        const failed = headers()
        failed.set('Nats-Service-Error-Code', '418')
        failed.set('Nats-Service-Error', 'I am a teapot')
        message.respond(answers.shift() ?? '', { headers: failed })
      },
    })
    await client.flush()
    for (const hint of [undefined, undefined, 7]) {
      const error = await asking.request(subject, bytes(''), soon).catch((reason) => reason)
      expect(error).toMatchObject({ code: 'internal', message: 'I am a teapot' })
      expect(error.details).toMatchObject({ status: '418', ...(hint && { hint }) })
    }
  })

  test('what comes and is no message ends nobody: it is counted, and told once a minute for its subject', async () => {
    const told: [string, number][] = []
    const onFault = (_error: unknown, subject: string, count: number) => told.push([subject, count])
    const [sending, hearing] = await Promise.all([open(), open({ onFault })])
    const subject = uniqueName('odd')
    const heard: string[] = []
    hearing.subscribe(subject, (message) => {
      const text = textOf(message)
      if (text === '') throw new GridError('record_damaged', 'It is none')
      if (text === 'bug') throw new TypeError('A bug')
      heard.push(text)
    })
    hearing.respond(`${subject}.ask`, () => {
      throw new GridError('record_damaged', 'It is none')
    })
    await (await foreignClient()).flush()
    for (const text of ['', 'bug', '', 'a message']) sending.publish(subject, bytes(text))
    await expect(sending.request(`${subject}.ask`, bytes(''), soon)).rejects.toMatchObject({
      code: 'record_damaged',
    })
    await waitFor(() => heard.length > 0, { what: 'the message' })
    expect(heard).toEqual(['a message'])
    expect(hearing.refused).toBe(4)
    expect(told).toEqual([
      [subject, 1],
      [`${subject}.ask`, 1],
    ])
  })

  test('is found by ping and info, and counts in its statistics', async () => {
    const { asking, subject, name } = await pair(({ data }) => {
      if (data.length === 0) throw new GridError('invalid_input', 'Nothing asked')
      return { data }
    })
    await asking.request(subject, bytes('x'), soon)
    await expect(asking.request(subject, bytes(''), soon)).rejects.toThrow('Nothing asked')
    const services = (await foreignClient()).services.client()
    const first = async <T>(found: Promise<AsyncIterable<T>>): Promise<T | undefined> => {
      for await (const one of await found) return one
      return undefined
    }
    expect(await first(services.ping(name))).toMatchObject({ name, version: '1.2.3' })
    expect((await first(services.info(name)))?.endpoints).toEqual([
      expect.objectContaining({
        subject,
        queue_group: name,
        metadata: { description: 'The one.', kind: 'query' },
      }),
    ])
    const [statistics] = (await first(services.stats(name)))?.endpoints ?? []
    expect(statistics).toMatchObject({
      num_requests: 2,
      num_errors: 1,
      last_error: 'Nothing asked',
      data: { answered: 2, failed: 1, lastFailure: 'Nothing asked' },
    })
  })

  test('its instances share the requests', async () => {
    const [asking, one, other] = await Promise.all([open(), open(), open()])
    const name = uniqueName('shared')
    const subject = `${name}.ask`
    const serve = (messaging: NatsMessaging, text: string) =>
      messaging.serve({
        name,
        version: '1.0.0',
        endpoints: [{ subject, respond: () => ({ data: bytes(text) }) }],
      })
    await Promise.all([serve(one, 'one'), serve(other, 'other')])
    const answers = new Set<string>()
    await waitFor(
      async () => {
        answers.add(textOf(await asking.request(subject, bytes(''), soon)))
        return answers.size === 2
      },
      { what: 'an answer of each' },
    )
  })

  test('stopping answers what is under way, and takes nothing new', async () => {
    const asked = Promise.withResolvers<void>()
    const release = Promise.withResolvers<void>()
    const { asking, service, subject } = await pair(async ({ data }) => {
      asked.resolve()
      await release.promise
      return { data }
    })
    const answer = asking.request(subject, bytes('last'), soon)
    await asked.promise
    let stopped = false
    const stopping = service.stop().then(() => {
      stopped = true
    })
    // The first of them may be there before the server has heard of the end, and is answered last.
    const late = () => asking.request(subject, bytes('late'), { timeoutMs: 500 })
    await expect.poll(() => late().catch(({ code }) => code)).toBe('no_responder')
    expect(stopped).toBe(false)
    release.resolve()
    expect(textOf(await answer)).toBe('last')
    await stopping
  })
})

describe('when the server goes away', () => {
  test('requests under way and new ones fail at once, and all comes back with the server', async () => {
    await using nats = await startNats()
    const [asking, answering] = await Promise.all([open({}, nats.url), open({}, nats.url)])
    let asked = 0
    const respond = (): Promise<never> | { data: Uint8Array } => {
      asked += 1
      return asked === 1 ? new Promise(() => {}) : { data: bytes('back') }
    }
    await answering.serve({
      name: 'gone',
      version: '1.0.0',
      endpoints: [{ subject: 'gone.ask', respond }],
    })
    const heard: string[] = []
    answering.subscribe('gone.news', (message) => heard.push(textOf(message)))
    const underWay = asking.request('gone.ask', bytes(''), { timeoutMs: 60_000 })
    underWay.catch(() => {})
    await waitFor(() => asked === 1, { what: 'the request to arrive' })
    await nats.kill()
    await expect(underWay).rejects.toMatchObject({ code: 'log_unavailable' })
    await expect(asking.request('gone.ask', bytes(''), soon)).rejects.toMatchObject({
      code: 'log_unavailable',
    })
    asking.publish('gone.news', bytes('into the void'))
    await nats.restart()
    const answer = await waitFor(
      () => asking.request('gone.ask', bytes(''), soon).catch(() => undefined),
      { what: 'an answer' },
    )
    expect(textOf(answer)).toBe('back')
    await waitFor(
      () => {
        asking.publish('gone.news', bytes('news'))
        return heard.length > 0
      },
      { what: 'news' },
    )
    expect(heard).not.toContain('into the void')
  })
})
