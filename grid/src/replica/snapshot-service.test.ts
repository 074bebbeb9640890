import { expect, test } from 'vitest'
import { InProcessMessaging } from '../adapters/embedded/in-process-messaging.ts'
import { SeededRandom } from '../adapters/simulated/seeded-random.ts'
import { SimulatedClock } from '../adapters/simulated/simulated-clock.ts'
import { sleep } from '../ports/clock.ts'
import { messagePack } from '../records/message-pack.ts'
import type { SnapshotChunk } from '../records/snapshot-codec.ts'
import { readSnapshot, SnapshotService } from './snapshot-service.ts'

test('a piece that is asked for twice at once is read once, and given to both', async () => {
  const clock = new SimulatedClock()
  const messaging = new InProcessMessaging(clock)
  let pieces = 0
  const next = async (): Promise<SnapshotChunk> => {
    await sleep(clock, 5)
    const key = `key ${++pieces}`
    const change = { cache: 'items', key, value: { key }, version: 1, position: 1 }
    return { shape: undefined, changes: [change], end: undefined }
  }
  const service = new SnapshotService(
    messaging,
    clock,
    new SeededRandom(1),
    () => ({ next, close: () => undefined }),
    { space: 'test', subject: 'snapshot', sessionsMax: 1 },
  )
  await service.start()
  const ask = async (subject: string, what: unknown) => {
    const asked = messaging.request(subject, messagePack.pack(what), { timeoutMs: 1000 })
    return (await asked).data
  }
  const opening = ask('snapshot', null)
  await clock.advance(10)
  const session = messagePack.unpack(await opening) as string
  const asking = [ask(session, 1), ask(session, 1)]
  await clock.advance(20)
  const [first, again] = await Promise.all(asking)
  expect(again).toEqual(first)
  expect(pieces).toBe(1)
  await service.stop()
})

test('pieces are as large as half a millisecond allows, and never larger than set', async () => {
  const clock = new SimulatedClock()
  const messaging = new InProcessMessaging(clock)
  const costs = [0, 0, 0, 0, 0, 0, 0.375, 1, 1, 0.375, 0.125]
  const sizes: number[] = []
  const next = async (entriesMax: number): Promise<SnapshotChunk> => {
    const cost = costs[sizes.push(entriesMax) - 1] as number
    if (cost > 0) await sleep(clock, cost)
    return { shape: undefined, changes: [], end: undefined }
  }
  const service = new SnapshotService(
    messaging,
    clock,
    new SeededRandom(1),
    () => ({ next, close: () => undefined }),
    { space: 'test', subject: 'snapshot', sessionsMax: 1, entriesMax: 1000 },
  )
  await service.start()
  const pieces = readSnapshot(messaging, clock, 'snapshot', { openMs: 1000, answerMs: 1000 })
  for (const _ of costs) {
    const piece = pieces.next()
    await clock.advance(10)
    await piece
  }
  expect(sizes.slice(0, costs.length)).toEqual([
    64, 128, 256, 512, 1000, 1000, 1000, 1000, 500, 250, 250,
  ])
  await service.stop()
})

test('a snapshot that nobody comes for soon makes room for the next', async () => {
  const clock = new SimulatedClock()
  const messaging = new InProcessMessaging(clock)
  let closed = 0
  const source = {
    next: (): SnapshotChunk => ({ shape: undefined, changes: [], end: undefined }),
    close: () => void closed++,
  }
  const service = new SnapshotService(messaging, clock, new SeededRandom(1), () => source, {
    space: 'test',
    subject: 'snapshot',
    sessionsMax: 1,
  })
  await service.start()
  const open = async () => {
    const opening = messaging.request('snapshot', messagePack.pack(null), { timeoutMs: 1000 })
    const outcome = opening.then(
      () => 'opened',
      (error) => error.code,
    )
    await clock.advance(10)
    return await outcome
  }
  expect(await open()).toBe('opened')
  expect(await open()).toBe('overloaded')
  await clock.advance(3000)
  expect(closed).toBe(1)
  expect(await open()).toBe('opened')
  await service.stop()
})
