import { describe, expect, test } from 'vitest'
import { SystemRandom } from './system-random.ts'

describe('system randomness', () => {
  test('integers are below 2^53 and use all of it', () => {
    const random = new SystemRandom()
    const drawn = Array.from({ length: 10_000 }, () => random.integer())
    expect(drawn.every((integer) => Number.isSafeInteger(integer) && integer >= 0)).toBe(true)
    expect(drawn.filter((integer) => integer >= 2 ** 52).length).toBeGreaterThan(4500)
    expect(drawn.filter((integer) => integer % 2 === 1).length).toBeGreaterThan(4500)
    expect(new Set(drawn).size).toBe(drawn.length)
  })

  test('identifiers are 22 characters of [0-9A-Za-z], each as likely as the others', () => {
    const random = new SystemRandom()
    const ids = Array.from({ length: 10_000 }, () => random.id())
    expect(ids.every((id) => /^[0-9A-Za-z]{22}$/.test(id))).toBe(true)
    expect(new Set(ids).size).toBe(ids.length)
    const counts = Map.groupBy(ids.join(''), (character) => character)
    expect(counts.size).toBe(62)
    const expected = (22 * ids.length) / 62
    for (const { length } of counts.values())
      expect(Math.abs(length - expected)).toBeLessThan(expected / 5)
  })
})
