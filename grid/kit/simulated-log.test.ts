import { describe, expect, test } from 'vitest'
import { SystemClock } from '../drivers/system/system-clock.ts'
import { describeLogConformance, follow } from './log-conformance.ts'
import { SimulatedClock } from './simulated-clock.ts'
import { SimulatedLog } from './simulated-log.ts'
import { SimulatedStream } from './simulated-stream.ts'

describeLogConformance('SimulatedLog', async () => {
  const log = new SimulatedLog(new SystemClock())
  return {
    log,
    fill: async () => {
      log.stream.full = true
    },
    close: () => log.close(),
  }
})

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

/**
 * Two users of one stream, in virtual time: a message takes 5 ms, an unanswered caller waits 100
 * ms.
 */
function setup() {
  const clock = new SimulatedClock()
  const stream = new SimulatedStream(clock)
  const connect = () =>
    new SimulatedLog(clock, stream, { latencyMs: () => 5, timeoutMs: 100, recordBytesMax: 100 })
  return { clock, stream, one: connect(), other: connect() }
}

/** What has become of a promise so far. */
function watch(promise: Promise<unknown>): { outcome: unknown } {
  const watched: { outcome: unknown } = { outcome: 'pending' }
  promise.then(
    (value) => {
      watched.outcome = value
    },
    (error) => {
      watched.outcome = error.code
    },
  )
  return watched
}

describe('a simulated log', () => {
  test('answers and delivers after the latency, not before', async () => {
    const { clock, one, other } = setup()
    const tail = follow(other, 0)
    const appended = watch(one.append(bytes('a')))
    await clock.advance(9)
    expect([appended.outcome, tail.records.length]).toEqual(['pending', 0])
    await clock.advance(1)
    expect([appended.outcome, tail.records.length]).toEqual([1, 1])
  })

  test('loses an append, or its answer: the caller cannot tell which', async () => {
    const { clock, stream, one } = setup()
    one.fate = () => ({ copies: 0 })
    const lost = watch(one.append(bytes('lost')))
    one.fate = () => ({ answered: false })
    const unanswered = watch(one.append(bytes('stored')))
    await clock.advance(100)
    expect([lost.outcome, unanswered.outcome]).toEqual(['log_unavailable', 'log_unavailable'])
    expect(stream.last).toBe(1)
  })

  test('stores an append twice, and late', async () => {
    const { clock, stream, one, other } = setup()
    one.fate = () => ({ copies: 2, delayMs: 50 })
    const late = watch(one.append(bytes('late')))
    const early = watch(other.append(bytes('early')))
    await clock.advance(60)
    expect([early.outcome, late.outcome, stream.last]).toEqual([1, 2, 3])
  })

  test('a duplicate that a fence refuses does not spoil the answer', async () => {
    const { clock, stream, one } = setup()
    one.fate = () => ({ copies: 2 })
    const appended = watch(one.append(bytes('a'), { expectedLast: 0 }))
    await clock.advance(10)
    expect([appended.outcome, stream.last]).toEqual([1, 1])
  })

  test('a cut connection delivers the rest once it is healed, without gap or repetition', async () => {
    const { clock, one, other } = setup()
    const tail = follow(other, 0)
    one.append(bytes('a'))
    await clock.advance(10)
    other.cut()
    const unsent = watch(other.append(bytes('never')))
    one.append(bytes('b'))
    await clock.advance(100)
    expect([tail.records.length, unsent.outcome]).toEqual([1, 'log_unavailable'])
    other.heal()
    await clock.advance(10)
    expect(await tail.reached(2)).toEqual(['a', 'b'])
  })

  test('a replaced log breaks its tails', async () => {
    const { clock, stream, one } = setup()
    const tail = follow(one, 0)
    stream.append(bytes('a'))
    await clock.advance(10)
    const { identity } = stream.bounds()
    stream.replace()
    stream.append(bytes('another a'))
    await clock.advance(10)
    expect((await tail.broken()).code).toBe('log_replaced')
    expect(stream.bounds()).toMatchObject({ first: 1, last: 1 })
    expect(stream.identity).not.toBe(identity)
  })
})
