import { expect, test } from 'vitest'
import { partsCacheNumber } from '../../core/shape.ts'
import { SpaceState } from '../../core/space-state.ts'
import { InProcessMessaging } from '../../drivers/embedded/in-process-messaging.ts'
import { Host } from '../../kit/host.ts'
import { Network } from '../../kit/network.ts'
import { SeededRandom } from '../../kit/seeded-random.ts'
import { SimulatedClock } from '../../kit/simulated-clock.ts'
import { fateOf } from '../../kit/unit-world.ts'
import { sleep } from '../ports/clock.ts'
import { decodeSnapshotChunk, type SnapshotChunk } from '../wire/snapshot-codec.ts'
import { decodeOpened, encodeOpening, encodePieceNumber } from '../wire/snapshot-messages.ts'
import { readSnapshot, SnapshotService } from './snapshot-service.ts'
import { ReplicaSnapshot } from './snapshot-source.ts'

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
    { logName: 'test', subject: 'snapshot', sessionsMax: 1 },
  )
  await service.start()
  const ask = async (subject: string, data: Uint8Array) =>
    (await messaging.request(subject, data, { timeoutMs: 1000 })).data
  const opening = ask('snapshot', encodeOpening(undefined))
  await clock.advance(10)
  const session = decodeOpened(await opening)
  const asking = [ask(session, encodePieceNumber(1)), ask(session, encodePieceNumber(1))]
  await clock.advance(20)
  const [first, again] = await Promise.all(asking)
  expect(again).toEqual(first)
  expect(pieces).toBe(1)
  await service.stop()
})

test.each([
  // Of a unit with nothing else to do, half a millisecond each.
  [4, [0, 0, 0, 0, 0, 0, 0.375, 1, 1, 0.375, 0.125], [1000, 1000, 500, 250, 250]],
  // One that gets round to a piece each 12 ms may take 1.5 ms for it, and never more than 5 ms.
  [12, [0, 0, 0, 0, 0, 0, 1, 1.375, 1.625, 1, 0.5], [1000, 1000, 1000, 500, 500]],
  [200, [0, 0, 0, 0, 0, 0, 4.5, 5.5, 3, 2, 2], [1000, 1000, 500, 500, 1000]],
])(
  'pieces each %i ms are as large as their time allows, and never larger than set',
  async (eachMs, costs, expected) => {
    const clock = new SimulatedClock()
    const messaging = new InProcessMessaging(clock)
    const sizes: number[] = []
    const next = async (entriesMax: number): Promise<SnapshotChunk> => {
      const cost = costs[sizes.push(entriesMax) - 1] ?? 0
      if (cost > 0) await sleep(clock, cost)
      return { shape: undefined, changes: [], end: undefined }
    }
    const service = new SnapshotService(
      messaging,
      clock,
      new SeededRandom(1),
      () => ({ next, close: () => undefined }),
      { logName: 'test', subject: 'snapshot', sessionsMax: 1, entriesMax: 1000 },
    )
    await service.start()
    const pieces = readSnapshot(messaging, clock, 'snapshot', { openMs: 1000, answerMs: 1000 })
    for (const cost of costs) {
      const piece = pieces.next()
      await clock.advance(eachMs + cost)
      await piece
    }
    expect(sizes.slice(0, costs.length)).toEqual([64, 128, 256, 512, 1000, 1000, ...expected])
    await service.stop()
  },
)

test('a piece is full with the entry that reaches its bytes, the first one too', async () => {
  const clock = new SimulatedClock()
  const messaging = new InProcessMessaging(clock)
  const state = new SpaceState()
  for (let i = 1; i <= 20; i++)
    state.write(
      partsCacheNumber,
      `k${i}`,
      { key: `k${i}`, origin: 1, text: 'x'.repeat(1000) },
      i,
      i,
    )
  const replica = { state, listen: () => () => undefined }
  const service = new SnapshotService(
    messaging,
    clock,
    new SeededRandom(1),
    () => new ReplicaSnapshot(replica),
    { logName: 'test', subject: 'snapshot', sessionsMax: 1, pieceBytesMax: 2500 },
  )
  await service.start()
  const counts: number[] = []
  const advancing = clock.advance(1000)
  for await (const piece of readSnapshot(messaging, clock, 'snapshot', {
    openMs: 1000,
    answerMs: 1000,
  })) {
    const { changes, end } = decodeSnapshotChunk(piece)
    counts.push(changes.length)
    if (end) break
  }
  await advancing
  expect(counts).toEqual([3, 3, 3, 3, 3, 3, 2])
  await service.stop()
})

/** A service with one place, and those who ask it. */
async function withOnePlace() {
  const clock = new SimulatedClock()
  const messaging = new InProcessMessaging(clock)
  const counts = { opened: 0, closed: 0 }
  const open = () => {
    counts.opened++
    return {
      next: (): SnapshotChunk => ({ shape: undefined, changes: [], end: undefined }),
      close: () => void counts.closed++,
    }
  }
  const options = { logName: 'test', subject: 'snapshot', sessionsMax: 1 }
  const service = new SnapshotService(messaging, clock, new SeededRandom(1), open, options)
  await service.start()
  /** The answer, or the code of the error. */
  const ask = async (subject: string, data: Uint8Array): Promise<Uint8Array | string> => {
    const asked = messaging.request(subject, data, { timeoutMs: 1000 }).then(
      (answer) => answer.data,
      (error): string => error.code,
    )
    await clock.advance(10)
    return await asked
  }
  const opened = async () => {
    const answer = await ask('snapshot', encodeOpening(undefined))
    return typeof answer === 'string' ? answer : decodeOpened(answer)
  }
  return { clock, service, counts, ask, opened }
}

test('snapshots that are opened and never read keep nobody from reading one', async () => {
  const { clock, service, counts, ask, opened } = await withOnePlace()
  for (let i = 0; i < 500; i++) await opened()
  expect(counts.opened).toBe(0)
  const session = await opened()
  expect(await ask(session, encodePieceNumber(1))).toBeInstanceOf(Uint8Array)
  expect(await opened()).toBe('overloaded')
  expect(counts).toEqual({ opened: 1, closed: 0 })
  // Those that nobody came for are forgotten.
  const unread = await withOnePlace()
  const forgotten = await unread.opened()
  await unread.clock.advance(3000)
  expect(await unread.ask(forgotten, encodePieceNumber(1))).toBe('no_responder')
  await clock.advance(15_000)
  expect(counts.closed).toBe(1)
  await service.stop()
  await unread.service.stop()
})

test('a reader that falls silent loses its place to the next one, not before somebody asks', async () => {
  const { clock, service, counts, ask, opened } = await withOnePlace()
  const first = await opened()
  await ask(first, encodePieceNumber(1))
  await clock.advance(2000)
  expect(await opened()).toBe('overloaded')
  await clock.advance(5000)
  expect(await ask(first, encodePieceNumber(2))).toBeInstanceOf(Uint8Array)
  await clock.advance(3000)
  const second = await opened()
  expect(await ask(second, encodePieceNumber(1))).toBeInstanceOf(Uint8Array)
  expect(await ask(first, encodePieceNumber(3))).toBe('no_responder')
  expect(counts).toEqual({ opened: 2, closed: 1 })
  await service.stop()
})

test('who copies from a unit that dies knows it after a second, not when its patience ends', async () => {
  const clock = new SimulatedClock()
  const random = new SeededRandom(1)
  const network = new Network(clock, random)
  network.faults.noticeMsMax = 20
  const [giver, reader] = [new Host('giver', clock), new Host('reader', clock)]
  const next = (): SnapshotChunk => ({ shape: undefined, changes: [], end: undefined })
  const open = () => ({ next, close: () => undefined })
  const options = { logName: 'test', subject: 'snapshot', sessionsMax: 1 }
  await new SnapshotService(network.connect(giver), clock, random, open, options).start()
  const messaging = network.connect(reader)
  const patience = { openMs: 1000, answerMs: 5000 }
  let pieces = 0
  const copying = async () => {
    for await (const _ of readSnapshot(messaging, clock, 'snapshot', patience)) pieces++
  }
  const fate = fateOf(copying())
  await clock.advance(50)
  expect(pieces).toBeGreaterThan(1)
  giver.crash()
  await clock.advance(1100)
  expect(fate.error).toMatchObject({ code: 'no_responder' })
})

test('what is no request is refused, and takes no place', async () => {
  const { service, counts, ask, opened } = await withOnePlace()
  const session = await opened()
  const odd = [[], [0xc0], [0xc1], [0xa1, 0x78], [1], encodePieceNumber(1).slice(0, -1)]
  for (const bytes of odd)
    for (const subject of ['snapshot', session])
      expect(await ask(subject, Uint8Array.from(bytes))).toBe('record_damaged')
  expect(await ask(session, encodePieceNumber(7))).toBe('not_found')
  expect(counts.opened).toBe(0)
  expect(await ask(session, encodePieceNumber(1))).toBeInstanceOf(Uint8Array)
  await service.stop()
})
