import { InProcessMessaging } from '@spacegrid/grid/drivers/embedded/in-process-messaging'
import { Life } from '@spacegrid/grid/engine/life/life'
import type { EventMessage, EventStream } from '@spacegrid/grid/engine/ports/event-stream'
import { subjects } from '@spacegrid/grid/engine/wire/subjects'
import type { WindowEvent } from '@spacegrid/grid/engine/wire/window-codec'
import { SeededRandom } from '@spacegrid/grid/kit/seeded-random'
import { SimulatedClock } from '@spacegrid/grid/kit/simulated-clock'
import { expect, test } from 'vitest'
import { EventPublisher } from './event-publisher.ts'
import { UnreliableStream } from './test-support/unreliable-stream.ts'

const clock = new SimulatedClock()
const messaging = new InProcessMessaging(clock)

function publisherOf(stream: EventStream, logName = 'shop', identity = 'log') {
  const life = new Life(clock, new AbortController().signal)
  return { life, publisher: new EventPublisher(stream, messaging, logName, identity, life) }
}

async function until<T>(work: Promise<T>): Promise<T> {
  let isOver = false
  const over = () => {
    isOver = true
  }
  work.then(over, over)
  while (!isOver) await clock.advance(50)
  return await work
}

const eventOf = (position: number, name = 'Sold', payload = {}): WindowEvent => ({
  name,
  payload,
  transaction: position * 10,
  position,
  time: 1000,
})

const told = ({ data }: EventMessage) => JSON.parse(Buffer.from(data).toString()) as unknown

test('what callers may see is published as they are told it, with its place and time', async () => {
  const stream = new UnreliableStream(1, { Sold: ['seat'], Opened: true })
  const { publisher } = publisherOf(stream)
  await until(publisher.begin())
  await until(
    publisher.publish([
      eventOf(7, 'Opened', { at: 1 }),
      eventOf(7, 'Secret', { key: 'k' }),
      eventOf(7, 'Sold', { seat: 'A', holdId: 'h' }),
    ]),
  )
  expect(stream.messages.map(told)).toEqual([
    { name: 'Opened', payload: { at: 1 }, position: 7, version: 70 },
    { name: 'Sold', payload: { seat: 'A' }, position: 7, version: 70 },
  ])
  expect(stream.messages.map(({ id }) => id)).toEqual(['log:7:1', 'log:7:3'])
  expect(stream.messages[1]?.headers).toEqual({
    'Grid-Event-Id': '7e3',
    'Grid-Position': '7',
    'Grid-Time': '1970-01-01T00:00:01.000Z',
  })
  await publisher.rest()
})

test('of a partition its number is told with the position', async () => {
  const stream = new UnreliableStream(1, true)
  const { publisher } = publisherOf(stream, 'shop.3')
  await until(publisher.begin())
  await until(publisher.publish([eventOf(7)]))
  expect(told(stream.messages[0] as EventMessage)).toMatchObject({ position: '3.7' })
  expect(stream.messages[0]?.headers).toMatchObject({
    'Grid-Event-Id': '3.7e1',
    'Grid-Position': '3.7',
  })
  await publisher.rest()
})

test('without a stream nothing is done, and what a unit declares is known when it is told', async () => {
  const stream = new UnreliableStream(1, undefined)
  const { publisher } = publisherOf(stream)
  await until(publisher.begin())
  await until(publisher.publish([eventOf(1)]))
  stream.readable = true
  const request = messaging.request(subjects.readable('shop'), new Uint8Array(), {
    timeoutMs: 1000,
  })
  await until(request)
  await until(publisher.publish([eventOf(2)]))
  // Somebody has deleted the stream: nobody waits for it.
  stream.readable = undefined
  await until(publisher.publish([eventOf(3)]))
  expect(stream.messages.map(({ id }) => id)).toEqual(['log:2:1'])
  await publisher.rest()
})

test('an event that is larger than a message is told without its payload', async () => {
  const stream = new UnreliableStream(1, true)
  const { publisher } = publisherOf(stream)
  await until(publisher.begin())
  await until(publisher.publish([eventOf(1, 'Sold', { text: 'x'.repeat(2000) }), eventOf(2)]))
  const [large, small] = stream.messages as [EventMessage, EventMessage]
  expect(told(large)).toEqual({ name: 'Sold', position: 1, version: 10 })
  expect(large.headers['Grid-Error']).toBe('body_too_large')
  expect(told(small)).toMatchObject({ payload: {} })
  await publisher.rest()
})

test('another log begins with all that it has', async () => {
  const stream = new UnreliableStream(1, true)
  for (const identity of ['log', 'new log']) {
    const { publisher } = publisherOf(stream, 'shop', identity)
    await until(publisher.begin())
    await until(publisher.publish([eventOf(1), eventOf(2)]))
    await publisher.rest()
  }
  expect(stream.messages.map(({ id }) => id)).toEqual([
    ...['log:1:1', 'log:2:1'],
    ...['new log:1:1', 'new log:2:1'],
  ])
})

const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31))

test(`whatever is lost, whoever dies and whoever is late, each is there once and in order (SEED=${seed})`, async () => {
  for (let round = 0; round < 30; round++) {
    const random = new SeededRandom(seed + round)
    const stream = new UnreliableStream(seed + round, { Sold: true })
    const events: WindowEvent[] = []
    for (let position = 1; position <= 300; position++)
      for (let count = random.integer() % 4; count > 0; count--)
        events.push(eventOf(position, random.integer() % 3 === 0 ? 'Secret' : 'Sold'))
    const wanted: string[] = []
    const counts = new Map<number, number>()
    for (const { name, position } of events) {
      const number = (counts.get(position) ?? 0) + 1
      counts.set(position, number)
      if (name === 'Sold') wanted.push(`log:${position}:${number}`)
    }
    stream.faultyOf = 20 + (random.integer() % 400)
    // Pumps that begin at or before what is there, at the same time, and end anywhere; the last
    // one goes on until the end.
    const publish = async (from: number, to: number, dies: boolean) => {
      const { life, publisher } = publisherOf(stream)
      const death = dies && clock.after(random.integer() % 400, () => life.end())
      try {
        await publisher.begin()
        for (let at = from; at < to; at += 37) {
          const until = Math.min(to, at + 37)
          await publisher.publish(events.filter((it) => it.position > at && it.position <= until))
        }
      } catch (error) {
        if (!dies) throw error
      } finally {
        if (death) death.cancel()
        await publisher.rest()
      }
    }
    let reached = 0
    while (reached < 300) {
      const to = Math.min(300, reached + 1 + (random.integer() % 150))
      const from = Math.max(0, reached - (random.integer() % 50))
      await until(
        Promise.all([publish(from, to, true), publish(from, to, false), publish(0, to, true)]),
      )
      reached = to
    }
    expect(stream.messages.map(({ id }) => id)).toEqual(wanted)
  }
})
