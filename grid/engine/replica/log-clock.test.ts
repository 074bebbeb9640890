import fc from 'fast-check'
import { expect, test } from 'vitest'
import { SimulatedClock } from '../../kit/simulated-clock.ts'
import { LogClock } from './log-clock.ts'

/** A log whose clock is a little off, and records that come late. */
const step = fc.record({
  passedMs: fc.integer({ min: 0, max: 40_000 }),
  lateMs: fc.integer({ min: 0, max: 500 }),
  logAheadMs: fc.integer({ min: -4000, max: 4000 }),
})

test('is never ahead of what records have shown and never behind what has been reached, and does not run backwards', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const clock = new SimulatedClock()
      const time = new LogClock(clock)
      let last = 0
      let reached = 0
      const aheads: number[] = []
      for (const { passedMs, lateMs, logAheadMs } of steps) {
        pass(clock, passedMs)
        const stamp = clock.now() + logAheadMs
        pass(clock, lateMs)
        time.learn(stamp)
        reached = Math.max(reached, stamp)
        time.reach(stamp)
        aheads.push(logAheadMs)
        const now = time.now()
        expect(now).toBeGreaterThanOrEqual(Math.max(last, reached))
        expect(now).toBeLessThanOrEqual(clock.now() + Math.max(...aheads))
        expect(Number.isSafeInteger(now)).toBe(true)
        last = now
      }
    }),
  )
})

test('records that come late do not make it late, as long as one a minute does not', () => {
  const clock = new SimulatedClock()
  const time = new LogClock(clock)
  for (let round = 0; round < 100; round++) {
    pass(clock, 1000)
    time.learn(clock.now() - (round % 40 === 0 ? 1 : 4000))
    expect(clock.now() - time.now()).toBeLessThanOrEqual(1)
  }
})

test('what a record has shown is forgotten after two minutes, and then time goes slower until it is right', () => {
  const clock = new SimulatedClock()
  const time = new LogClock(clock)
  time.learn(clock.now() + 3000)
  const aheadMs = () => time.now() - clock.now()
  for (let second = 0; second < 119; second++) {
    pass(clock, 1000)
    time.learn(clock.now())
    expect(aheadMs()).toBe(3000)
  }
  let before = time.now()
  for (let second = 0; second < 35; second++) {
    pass(clock, 1000)
    time.learn(clock.now())
    expect(time.now() - before).toBeGreaterThanOrEqual(899)
    before = time.now()
  }
  expect(aheadMs()).toBe(0)
})

test('goes on for as long as nothing is heard', () => {
  const clock = new SimulatedClock()
  const time = new LogClock(clock)
  time.learn(clock.now())
  clock.jump(-3_600_000)
  pass(clock, 86_400_000)
  expect(time.now() - clock.now()).toBe(3_600_000)
})

/** Lets time pass, for nothing waits for it here. */
function pass(clock: SimulatedClock, ms: number): void {
  clock.after(ms, () => undefined)
  clock.runNext()
}
