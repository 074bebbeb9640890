import { describe, expect, test } from 'vitest'
import { GridError, Rejection } from '../../core/errors.ts'
import type { Message } from '../../engine/ports/messaging.ts'
import { SystemClock } from '../system/system-clock.ts'
import { InProcessMessaging } from './in-process-messaging.ts'

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const text = (message: Message): string => new TextDecoder().decode(message.data)
const create = () => new InProcessMessaging(new SystemClock(), { messageBytesMax: 100 })
const ask = (messaging: InProcessMessaging, subject: string, timeoutMs = 1000) =>
  messaging.request(subject, bytes('?'), { timeoutMs, headers: { from: 'test' } })

describe('messaging within a process', () => {
  test('a request reaches the responder with its headers, and the answer comes back', async () => {
    const messaging = create()
    const answering = messaging.respond('unit.1', ({ data, headers }) => ({
      data: bytes(`${new TextDecoder().decode(data)} from ${headers?.from}`),
    }))
    expect(text(await ask(messaging, 'unit.1'))).toBe('? from test')
    await answering.stop()
    await expect(ask(messaging, 'unit.1')).rejects.toMatchObject({ code: 'no_responder' })
  })

  test('instances of a service share its requests', async () => {
    const messaging = create()
    const instance = (name: string) =>
      messaging.serve({
        name: 'space',
        version: '1.0.0',
        endpoints: [{ subject: 'space.query', respond: () => ({ data: bytes(name) }) }],
      })
    const [one] = await Promise.all([instance('one'), instance('two')])
    const answers = () => Promise.all([1, 2, 3, 4].map(() => ask(messaging, 'space.query')))
    expect((await answers()).map(text).sort()).toEqual(['one', 'one', 'two', 'two'])
    await one?.stop()
    expect((await answers()).map(text)).toEqual(['two', 'two', 'two', 'two'])
  })

  test('errors travel with code, message and details; what is not one becomes internal', async () => {
    const messaging = create()
    const failing = (subject: string, error: Error) =>
      messaging.respond(subject, () => {
        throw error
      })
    failing(
      'full',
      new GridError('log_full', 'No room', { details: { limit: 1 }, retryAfterMs: 5 }),
    )
    failing('no', new Rejection('sold_out', { seats: 0 }))
    failing('bug', new TypeError('oops'))
    await expect(ask(messaging, 'full')).rejects.toMatchObject({
      code: 'log_full',
      message: 'No room',
      details: { limit: 1 },
      retryAfterMs: 5,
    })
    await expect(ask(messaging, 'no')).rejects.toMatchObject({
      code: 'rejected',
      reason: 'sold_out',
    })
    await expect(ask(messaging, 'bug')).rejects.toMatchObject({ code: 'internal' })
  })

  test('a request without an answer ends in time', async () => {
    const messaging = create()
    messaging.respond('slow', () => new Promise<Message>(() => {}))
    // The timers under test do not keep the process alive; this one does.
    const alive = setTimeout(() => {}, 1000)
    await expect(ask(messaging, 'slow', 10)).rejects.toMatchObject({ code: 'request_timeout' })
    clearTimeout(alive)
  })

  test('published messages arrive in order, at every subscription that fits, and not at once', async () => {
    const messaging = create()
    const seen: string[] = []
    const listen = (pattern: string) =>
      messaging.subscribe(pattern, (message) => void seen.push(`${pattern} ${text(message)}`))
    const exact = listen('grid.one.up')
    listen('grid.*.up')
    listen('grid.>')
    listen('*')
    messaging.publish('grid.one.up', bytes('1'))
    messaging.publish('grid.two.up', bytes('2'))
    messaging.publish('grid', bytes('3'))
    expect(seen).toEqual([])
    await new Promise(setImmediate)
    expect(seen).toEqual([
      'grid.one.up 1',
      'grid.*.up 1',
      'grid.> 1',
      'grid.*.up 2',
      'grid.> 2',
      '* 3',
    ])
    await exact.stop()
  })

  test('refuses what is too large, and everything once it is closed', async () => {
    const messaging = create()
    messaging.respond('subject', (message) => message)
    await expect(
      messaging.request('subject', new Uint8Array(101), { timeoutMs: 100 }),
    ).rejects.toMatchObject({ code: 'record_too_large' })
    await messaging.close()
    await expect(ask(messaging, 'subject')).rejects.toMatchObject({ code: 'log_unavailable' })
  })
})
