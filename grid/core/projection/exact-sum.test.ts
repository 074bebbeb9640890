import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ExactSum, summandMax } from './exact-sum.ts'

const finite = fc.oneof(
  fc.integer(),
  fc.maxSafeInteger(),
  fc.double({ noNaN: true, min: -1e6, max: 1e6 }),
  fc.double({ noNaN: true, min: -summandMax, max: summandMax }),
  fc.constantFrom(0.1, 0.2, 0.3, 1e16, 1, -1e16, 2 ** -1074, 1e100, -1e100),
)

const sumOf = (numbers: readonly number[]) => {
  const sum = new ExactSum()
  for (const number of numbers) sum.add(number)
  return sum.value
}

test('tenths, taken back', () => {
  const sum = new ExactSum()
  for (const number of [0.1, 0.2, 0.3, -0.3, -0.2]) sum.add(number)
  expect(sum.value).toBe(0.1)
  sum.add(-0.1)
  expect(Object.is(sum.value, 0)).toBe(true)
})

test('is rounded once, to the nearest', () => {
  expect(sumOf([1e16, 1, 1, -1e16])).toBe(2)
  expect(sumOf(Array.from({ length: 10 }, () => 0.1))).toBe(1)
  // Half-way between two doubles, and a little more.
  expect(sumOf([1, 2 ** -53, 2 ** -106])).toBe(1 + 2 ** -52)
  expect(sumOf([Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER])).toBe(2 ** 54 - 2)
})

test('is the same in every order, and with whatever was in it before', () => {
  fc.assert(
    fc.property(
      fc.array(finite, { maxLength: 30 }),
      fc.array(finite, { maxLength: 30 }),
      fc.infiniteStream(fc.nat()),
      (kept, passing, order) => {
        const steps = [...kept, ...passing.flatMap((number) => [number, -number])]
          .map((number) => ({ number, at: order.next().value as number }))
          .sort((a, b) => a.at - b.at)
          .map(({ number }) => number)
        expect(sumOf(steps)).toBe(sumOf(kept))
      },
    ),
  )
})

test('takes nothing that could leave the doubles', () => {
  for (const number of [Number.NaN, Number.POSITIVE_INFINITY, 2 ** 971])
    expect(() => sumOf([number])).toThrow(RangeError)
})
