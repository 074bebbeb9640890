import { randomBelow, randomExponential, seededRandom } from 'spacegrid/load/random'
import { expect, test } from 'vitest'
import { bookCollisions, type Contention, expectedCollisions } from './collision-rate.ts'

const example: Contention = {
  ...{ units: 5, updatesPerSecond: 20, entries: 50_000, replicationMs: 100 },
}

// Fundamentals of Software Architecture, chapter 15: the book's own examples, collisions an hour.
test.each([
  [{}, 14.4],
  [{ replicationMs: 1 }, 0.144],
  [{ units: 2 }, 5.76],
  [{ entries: 10_000 }, 72],
])('the book’s example with %j: %d an hour', (change, perHour) => {
  expect(bookCollisions({ ...example, ...change }) * 3600).toBeCloseTo(perHour)
})

test('one unit does not collide with itself, and few collisions are (N − 1)/N² of the book’s', () => {
  expect(expectedCollisions({ ...example, units: 1 })).toBe(0)
  for (const units of [2, 5, 8]) {
    const one = { ...example, units }
    const share = (units - 1) / units ** 2
    expect(expectedCollisions(one) / bookCollisions(one)).toBeCloseTo(share, 3)
  }
})

/**
 * Updates in a model with nothing in it but what the formula assumes: each reads what has reached
 * its unit, and collides when another unit's update has come into the log since.
 */
function modelled(one: Contention, seconds: number, seed: number): number {
  const random = seededRandom(seed)
  const inLog = new Map<number, { unit: number; at: number }[]>()
  const half = one.replicationMs / 2
  let collisions = 0
  for (let now = 0; now < seconds * 1000; ) {
    now += (randomExponential(random) * 1000) / one.updatesPerSecond
    const unit = randomBelow(random, one.units)
    const entry = randomBelow(random, one.entries)
    const before = inLog.get(entry) ?? []
    const at = now + half
    // Read: what was in the log half the latency ago; written: half of it later.
    if (before.some((other) => other.unit !== unit && other.at > now - half && other.at < at))
      collisions += 1
    else inLog.set(entry, [...before.slice(-50), { unit, at }])
  }
  return collisions / seconds
}

test('a model of the assumptions gives what was derived', () => {
  for (const units of [1, 2, 4]) {
    const one = { units, updatesPerSecond: 100, entries: 100, replicationMs: 40 }
    // Few enough that running again changes nothing: 1 in 50.
    const expected = expectedCollisions(one)
    const found = modelled(one, 2000, units)
    expect(found).toBeGreaterThanOrEqual(expected * 0.85)
    expect(found).toBeLessThanOrEqual(expected * 1.15)
  }
})
