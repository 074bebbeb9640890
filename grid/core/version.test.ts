import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { hashString, mix53 } from './hash.ts'
import { initialShape } from './shape.ts'
import { SpaceState } from './space-state.ts'
import { absentVersion, Digest, derivedVersion, digestPairs, transactionId } from './version.ts'

const wide = fc.nat({ max: Number.MAX_SAFE_INTEGER })

describe('identities', () => {
  test('are positive integers that every codec carries exactly, and never that of no entry', () => {
    fc.assert(
      fc.property(wide, wide, fc.integer(), (a, b, salt) => {
        for (const id of [mix53(a, b, salt), transactionId(a, b), derivedVersion(a, b % 100, b)]) {
          expect(Number.isSafeInteger(id) && id > absentVersion).toBe(true)
        }
      }),
    )
  })

  test('are not met twice: by number, by origin, or down a chain of operations', () => {
    const ids = new Set<number>()
    let made = 0
    const add = (id: number) => {
      ids.add(id)
      made++
    }
    for (let origin = 1; origin <= 100; origin++)
      for (let number = 1; number <= 1000; number++) add(transactionId(origin, number))
    for (let number = 1; number <= 1000; number++) {
      add(transactionId(1, Number.MAX_SAFE_INTEGER - number))
      add(transactionId(2 ** 32 + 1, number))
      add(transactionId(1, 2 ** 32 + number))
    }
    for (let step = 0; step < 10_000; step++) add(derivedVersion(77, step, 78))
    let version = absentVersion
    for (let i = 0; i < 50_000; i++) {
      version = derivedVersion(transactionId(5, 5), 0, version)
      add(version)
    }
    expect(ids.size).toBe(made)
  })

  test('differ in about half of their bits when one bit of their input does', () => {
    let flipped = 0
    let pairs = 0
    const bits = (n: number) => n.toString(2).replaceAll('0', '').length
    for (let n = 1; n < 2000; n += 7)
      for (let bit = 0; bit < 40; bit += 3) {
        const [x, y] = [transactionId(n, 1), transactionId(n + 2 ** bit, 1)].map(BigInt)
        flipped += bits(Number((x as bigint) ^ (y as bigint)))
        pairs++
      }
    expect(flipped / pairs / 53).toBeGreaterThan(0.49)
    expect(flipped / pairs / 53).toBeLessThan(0.51)
  })
})

const pair = (key: string, version: number) => ({ keyHash: hashString(key), version })

// Put by one transaction, keys share their version: only their hash tells them apart. These have
// one FNV-1a hash of 32 bits.
test('keys of one transaction are told apart although half of their hash is the same', () => {
  const [first, second] = ['seat-479599', 'seat-662382'] as const
  expect(hashString(first) % 2 ** 32).toBe(hashString(second) % 2 ** 32)
  expect(digestPairs([pair(first, 5)])).not.toBe(digestPairs([pair(second, 5)]))
  const state = new SpaceState()
  const empty = state.digest.toString()
  for (const key of [first, second]) state.write(0, key, { key }, 5, 1)
  expect(state.digest.toString()).not.toBe(empty)
})

test('the keys of a large space have each a hash of their own', () => {
  const hashes = new Set<number>()
  for (let i = 0; i < 200_000; i++) hashes.add(hashString(`seat-${i}`))
  expect(hashes.size).toBe(200_000)
  expect([...hashes].every(Number.isSafeInteger)).toBe(true)
})

describe('the digest of a range', () => {
  test('tells entries, their versions, their order and their number apart', () => {
    const ranges = [
      [],
      [pair('a', 1)],
      [pair('a', 2)],
      [pair('b', 1)],
      [pair('a', 1), pair('b', 1)],
      [pair('b', 1), pair('a', 1)],
      [pair('a', 1), pair('a', 1)],
      [pair('a', absentVersion)],
    ]
    expect(new Set(ranges.map(digestPairs)).size).toBe(ranges.length)
  })
})

// architecture.md, invariant 9
describe('the digest of a state', () => {
  const shape = {
    caches: [
      ...initialShape.caches,
      { name: 'a', key: 'id', indexes: [], expiry: undefined },
      { name: 'b', key: 'id', indexes: [], expiry: undefined },
    ],
  }
  const write = fc.record({
    cache: fc.constantFrom(2, 3),
    key: fc.constantFrom('a', 'b', 'c'),
    version: fc.integer({ min: 1, max: 3 }),
    deleted: fc.boolean(),
  })

  test('is equal for equal entries, however they came about, and different for others', () => {
    fc.assert(
      fc.property(fc.array(write, { maxLength: 30 }), fc.array(write), (first, second) => {
        const build = (writes: typeof first) => {
          const state = new SpaceState(shape)
          for (const { cache, key, version, deleted } of writes)
            state.write(cache, key, deleted ? undefined : { id: key }, version, 1)
          const entries = [2, 3].flatMap((cache) =>
            [...state.cache(cache).entries].map(([key, e]) => `${cache} ${key} ${e.version}`),
          )
          return { digest: state.digest.toString(), entries: entries.sort().join() }
        }
        const [a, b] = [build(first), build(second)]
        expect(a.digest === b.digest).toBe(a.entries === b.entries)
      }),
      { numRuns: 500 },
    )
  })

  test('is 16 hexadecimal digits, all of them used', () => {
    expect(new Digest().toString()).toBe('0'.repeat(16))
    const digits = new Set<string>()
    for (let version = 1; version < 500; version++) {
      const digest = new Digest()
      digest.toggle(2, hashString('a'), version)
      expect(digest.toString()).toMatch(/^[0-9a-f]{16}$/)
      ;[...digest.toString()].forEach((digit, place) => void digits.add(`${place}${digit}`))
    }
    expect(digits.size).toBe(16 * 16)
  })
})
