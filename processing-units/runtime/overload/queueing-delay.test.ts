import { SimulatedClock } from '@spacegrid/grid/kit/simulated-clock'
import { expect, test } from 'vitest'
import { QueueingDelay } from './queueing-delay.ts'

/** A queue that is measured. */
function queue() {
  const clock = new SimulatedClock()
  const observed: number[] = []
  const delay = new QueueingDelay(clock, { observe: (seconds) => observed.push(seconds) })
  let length = 0
  return {
    observed,
    add: (count = 1) => {
      for (let i = 0; i < count; i++) delay.added(++length)
    },
    take: (count: number) => {
      length -= count
      delay.taken(count)
    },
    pass: (ms: number) => clock.advance(ms),
    standing: () => delay.standing(clock.monotonic()),
  }
}

test('what has waited is told in seconds, and its least is what stands', async () => {
  const { add, take, pass, observed, standing } = queue()
  add()
  await pass(40)
  take(1)
  add()
  await pass(7)
  take(1)
  expect(observed).toEqual([0.04, 0.007])
  expect(standing()).toBe(7)
  expect(standing()).toBe(0)
})

test('the one that is looked at is told when its turn has come, not another', async () => {
  const { add, take, pass, observed } = queue()
  add(3)
  take(1)
  // Looked at is the fourth now: there are two before it.
  await pass(1)
  add()
  await pass(1)
  take(2)
  expect(observed).toEqual([0])
  await pass(10)
  take(1)
  expect(observed).toEqual([0, 0.011])
})

test('what has not been taken yet has waited so far', async () => {
  const { add, pass, standing } = queue()
  add()
  await pass(250)
  expect(standing()).toBe(250)
  await pass(50)
  expect(standing()).toBe(300)
})
