import { changeAt, windowOf } from '@spacegrid/grid/engine/changes/test-support/window-author'
import { WindowAssembler } from '@spacegrid/grid/engine/changes/window-assembler'
import { Life } from '@spacegrid/grid/engine/life/life'
import type { Window } from '@spacegrid/grid/engine/wire/window-codec'
import { SeededRandom } from '@spacegrid/grid/kit/seeded-random'
import { SimulatedClock } from '@spacegrid/grid/kit/simulated-clock'
import { SimulatedLog } from '@spacegrid/grid/kit/simulated-log'
import { SimulatedStream } from '@spacegrid/grid/kit/simulated-stream'
import { expect, test } from 'vitest'
import { WindowPublisher } from './window-publisher.ts'

const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31))

function createPublisher(clock: SimulatedClock, stream: SimulatedStream, pump: number) {
  const log = new SimulatedLog(clock, stream, { recordBytesMax: 600, timeoutMs: 100 })
  const stopping = new AbortController()
  const life = new Life(clock, stopping.signal)
  return { log, life, stopping, publisher: new WindowPublisher(log, life, pump) }
}

/** Of about ten records. */
const always = async () => undefined

const largeWindow = (from: number, to: number): Window =>
  windowOf(
    from,
    to,
    Array.from({ length: 100 }, (_, at) => changeAt(to, `key ${at}`)),
  )

async function finish<T>(clock: SimulatedClock, promise: Promise<T>): Promise<T> {
  let settled = false
  const settle = () => {
    settled = true
  }
  promise.then(settle, settle)
  for (let waited = 0; !settled && waited < 600; waited++) await clock.advance(100)
  return promise
}

function windowsIn(stream: SimulatedStream): number[][] {
  const assembler = new WindowAssembler()
  const found: number[][] = []
  for (let at = 1; at <= stream.last; at++) {
    const window = assembler.add(at, stream.read(at)?.data as Uint8Array)
    if (window) found.push([window.from, window.to])
  }
  return found
}

// architecture.md, "NATS in practice": a publish timeout means "unknown", never "failed".
test(`a window is there once, whatever becomes of its records: seed ${seed}`, async () => {
  const random = new SeededRandom(seed)
  const clock = new SimulatedClock()
  const stream = new SimulatedStream(clock)
  const { log, publisher } = createPublisher(clock, stream, 1)
  log.fate = () => {
    if (random.chance(0.5)) return {}
    const delayMs = random.below(400)
    return random.chance(0.4)
      ? { copies: 0 }
      : { copies: 1 + random.below(2), answered: false, delayMs }
  }
  let last = 0
  for (let to = 1; to <= 10; to++)
    ({ last } = await finish(clock, publisher.publish(largeWindow(to - 1, to), last, always)))
  expect(last).toBe(stream.last)
  expect(windowsIn(stream)).toEqual(Array.from({ length: 10 }, (_, at) => [at, at + 1]))
})

test('of two pumps at the same place one gets through, the other is told', async () => {
  const clock = new SimulatedClock()
  const stream = new SimulatedStream(clock)
  const publishers = [1, 2].map((pump) => createPublisher(clock, stream, pump).publisher)
  const outcomes = await finish(
    clock,
    Promise.allSettled(
      publishers.map((publisher) => publisher.publish(largeWindow(0, 5), 0, always)),
    ),
  )
  expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
  expect(outcomes.find(({ status }) => status === 'rejected')).toMatchObject({
    reason: { code: 'fenced' },
  })
  expect(windowsIn(stream)).toEqual([[0, 5]])
})

test('a full queue is waited for, in the middle of a window too', async () => {
  const clock = new SimulatedClock()
  const stream = new SimulatedStream(clock)
  const { log, life, publisher } = createPublisher(clock, stream, 1)
  let appends = 0
  log.fate = () => {
    appends++
    if (appends === 3) stream.full = true
    return {}
  }
  const publishing = publisher.publish(largeWindow(0, 5), 0, always)
  await clock.advance(30_000)
  expect(life.problem).toMatch(/filled/)
  expect(windowsIn(stream)).toEqual([])
  stream.full = false
  await finish(clock, publishing)
  expect(life.problem).toBeUndefined()
  expect(windowsIn(stream)).toEqual([[0, 5]])
})

test('a pump that stops does not wait for the queue', async () => {
  const clock = new SimulatedClock()
  const stream = new SimulatedStream(clock)
  const { stopping, publisher } = createPublisher(clock, stream, 1)
  stream.full = true
  const publishing = publisher.publish(windowOf(0, 5), 0, always)
  publishing.catch(() => undefined)
  await clock.advance(1000)
  stopping.abort()
  await expect(finish(clock, publishing)).rejects.toMatchObject({ code: 'stopping' })
})
