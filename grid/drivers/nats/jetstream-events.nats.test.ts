import { uniqueName } from '@spacegrid/proof/support/unique-name'
import { connect, type NatsConnection as DriverConnection, nanos } from 'nats'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import type { EventMessage } from '../../engine/ports/event-stream.ts'
import { streams, subjects } from '../../engine/wire/subjects.ts'
import { JetStreamEvents } from './jetstream-events.ts'
import { JetStreamLog } from './jetstream-log.ts'
import { NatsConnection } from './nats-connection.ts'

const limits = { bytesMax: 1024 * 1024, ageMsMax: 3_600_000, replicas: 1 }

let connection: NatsConnection
let driver: DriverConnection
beforeAll(async () => {
  connection = await NatsConnection.open(inject('natsUrl'), { name: 'events' })
  driver = await connect({ servers: inject('natsUrl') })
})
afterAll(async () => {
  await Promise.all([connection.close(), driver.close()])
})

function newEvents() {
  const logName = uniqueName('e').replaceAll('_', '')
  return { logName, events: new JetStreamEvents(connection, logName) }
}

const message = (number: number, name = 'Sold'): EventMessage => ({
  name,
  id: `log:${number}:1`,
  headers: { 'Grid-Position': `${number}` },
  data: Buffer.from(`{"number":${number}}`),
})

test('without a declaration there is no stream, and with none that could be made', async () => {
  const { events, logName } = newEvents()
  expect(await events.declare(false, limits)).toBe(false)
  expect(await events.declare({}, limits)).toBe(false)
  expect(await events.declare(true, { ...limits, bytesMax: 0 })).toBe(false)
  expect(await events.look()).toBeUndefined()
  await expect(
    driver.jetstreamManager().then((it) => it.streams.info(streams.events(logName))),
  ).rejects.toThrow('stream not found')
})

test('says what belongs into it, and what it ends with', async () => {
  const { events, logName } = newEvents()
  expect(await events.declare({ Sold: ['number'] }, limits)).toBe(true)
  expect(await events.declare({ Sold: ['number'] }, limits)).toBe(false)
  expect(await events.look()).toMatchObject({
    readable: { Sold: ['number'] },
    last: 0,
  })
  expect(await events.newest()).toBeUndefined()
  expect(await Promise.all([events.append(message(1), 0), events.append(message(2), 1)])).toEqual([
    1, 2,
  ])
  expect(await events.look()).toMatchObject({ last: 2 })
  expect(await events.newest()).toEqual({ id: 'log:2:1', number: 2 })
  // What is declared later counts, also that there is nothing any more; what is there stays.
  expect(await events.declare(false, { ...limits, bytesMax: 0 })).toBe(true)
  expect(await events.look()).toMatchObject({ readable: false, last: 2 })
  expect(await events.newest()).toEqual({ id: 'log:2:1', number: 2 })
  const { config } = await (await driver.jetstreamManager()).streams.info(streams.events(logName))
  expect(config).toMatchObject({ max_bytes: limits.bytesMax, max_age: nanos(limits.ageMsMax) })
  events.close()
})

test('takes a message only behind the one that it is said to follow', async () => {
  const { events } = newEvents()
  await events.declare(true, limits)
  await events.append(message(1), 0)
  await expect(events.append(message(2), 0)).rejects.toMatchObject({ code: 'fenced' })
  await expect(events.append(message(2), 2)).rejects.toMatchObject({ code: 'fenced' })
  // The same once more, within the server's window: it is there once.
  expect(await events.append(message(1), 1)).toBe(1)
  expect(await events.look()).toMatchObject({ last: 1 })
  events.close()
})

test('a name that is no word of a subject is published as an event', async () => {
  const { events, logName } = newEvents()
  await events.declare(true, limits)
  const names = ['Sold', 'sold out', 'a.b', '*', '>', 'ü']
  for (const [at, name] of names.entries()) await events.append(message(at + 1, name), at)
  const consumer = await driver.jetstream().consumers.get(streams.events(logName))
  const found: string[] = []
  for await (const { subject } of await consumer.fetch({ max_messages: names.length }))
    found.push(subject)
  const other = subjects.event(logName, 'event')
  expect(found).toEqual([subjects.event(logName, 'Sold'), other, other, other, other, other])
  events.close()
})

test('what is too old, or too much, goes, and nobody waits for it', async () => {
  const { events } = newEvents()
  await events.declare(true, { ...limits, bytesMax: 64 * 1024 })
  const data = Buffer.alloc(8 * 1024, 'x')
  for (let at = 0; at < 20; at++) await events.append({ ...message(at + 1), data }, at)
  expect(await events.look()).toMatchObject({ last: 20 })
  expect(await events.newest()).toEqual({ id: 'log:20:1', number: 20 })
  events.close()
})

test('a stream of that name that holds something else is not used', async () => {
  const { events, logName } = newEvents()
  const manager = await driver.jetstreamManager()
  await manager.streams.add({ name: streams.events(logName), subjects: [`other.${logName}`] })
  const refused = { code: 'configuration_invalid', message: expect.stringContaining(`other.`) }
  await expect(events.declare(true, limits)).rejects.toMatchObject(refused)
  expect(await events.look()).toBeUndefined()
})

test('more than the server has room for is refused with what to do', async () => {
  const { events } = newEvents()
  await expect(events.declare(true, { ...limits, bytesMax: 2 ** 50 })).rejects.toMatchObject({
    code: 'configuration_invalid',
    message: expect.stringContaining('EVENTS_BYTES_MAX=1125899906842624'),
  })
})

test('a stream that has been deleted takes nothing, and says that it is not there', async () => {
  const { events, logName } = newEvents()
  await events.declare(true, limits)
  await (await driver.jetstreamManager()).streams.delete(streams.events(logName))
  await expect(events.append(message(1), 0)).rejects.toMatchObject({ code: 'log_unavailable' })
  expect(await events.look()).toBeUndefined()
  events.close()
})

// The space's streams look for others that hold the same in another number of partitions.
test('a log is created beside a stream of events', async () => {
  const { events, logName } = newEvents()
  await events.declare(true, limits)
  const log = await JetStreamLog.open(inject('natsUrl'), {
    stream: streams.log(logName),
    subject: subjects.log(logName),
    rivals: { subject: subjects.log(`${logName}.*`), is: 'it has several partitions there' },
  })
  await log.close()
})
