import { describe, expect, test } from 'vitest'
import { sleep } from '../engine/ports/clock.ts'
import { SeededRandom } from './seeded-random.ts'
import { SimulatedClock } from './simulated-clock.ts'

describe('a simulated clock', () => {
  test('runs what is due in order of time, then of asking, each at its own time', async () => {
    const clock = new SimulatedClock()
    const random = new SeededRandom(7)
    const ran: { at: number; asked: number; told: number }[] = []
    for (let asked = 0; asked < 500; asked++) {
      const at = random.below(50)
      clock.after(at, () => ran.push({ at, asked, told: clock.monotonic() }))
    }
    await clock.advance(49)
    expect(ran).toHaveLength(500)
    expect(ran).toEqual(ran.toSorted((a, b) => a.at - b.at || a.asked - b.asked))
    expect(ran.every(({ at, told }) => at === told)).toBe(true)
  })

  test('stands still until it is moved, and forgets cancelled timers', async () => {
    const clock = new SimulatedClock({ startMs: 1000 })
    const ran: string[] = []
    clock.after(10, () => ran.push('kept'))
    clock.after(5, () => ran.push('cancelled')).cancel()
    await clock.advance(9)
    expect([ran, clock.now()]).toEqual([[], 1009])
    await clock.advance(1)
    expect([ran, clock.now()]).toEqual([['kept'], 1010])
    expect(clock.runNext()).toBe(false)
  })

  test('lets promises settle before time moves on', async () => {
    const clock = new SimulatedClock()
    const told: number[] = []
    const steps = async () => {
      for (let step = 0; step < 3; step++) {
        await sleep(clock, 10)
        told.push(clock.monotonic())
      }
    }
    const done = steps()
    await clock.advance(30)
    await done
    expect(told).toEqual([10, 20, 30])
  })

  test('jumps only on the wall', () => {
    const clock = new SimulatedClock({ startMs: 0 })
    clock.jump(-500)
    expect([clock.now(), clock.monotonic()]).toEqual([-500, 0])
  })
})

describe('seeded randomness', () => {
  test('repeats itself for one seed and differs for another', () => {
    const draw = (seed: number) => {
      const random = new SeededRandom(seed)
      return [random.integer(), random.id(), random.below(1000), random.chance(0.5)]
    }
    expect(draw(1)).toEqual(draw(1))
    expect(draw(1)).not.toEqual(draw(2))
    expect(draw(1)).not.toEqual(draw(1 + 2 ** 32))
  })

  test('spreads evenly', () => {
    const random = new SeededRandom(3)
    const counts = new Array<number>(8).fill(0)
    for (let draw = 0; draw < 80_000; draw++) {
      const at = Math.floor((random.integer() / 2 ** 53) * 8)
      counts[at] = counts[at]! + 1
    }
    for (const count of counts) expect(Math.abs(count - 10_000)).toBeLessThan(500)
  })
})
