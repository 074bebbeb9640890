import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  newerPosition,
  positionJson,
  positionsOf,
  readPosition,
  tokenOf,
  tokenOfAll,
} from './position.ts'

const positions = fc
  .uniqueArray(fc.tuple(fc.nat(1023), fc.maxSafeNat()), {
    minLength: 1,
    maxLength: 20,
    selector: ([partition]) => partition,
  })
  .map((pairs) => new Map(pairs))

test('a token comes back as the positions it was made of, in the order of the partitions', () => {
  expect(tokenOf(7, 1234)).toBe('7.1234')
  expect(
    tokenOfAll(
      new Map([
        [7, 88],
        [3, 1200],
      ]),
    ),
  ).toBe('3.1200-7.88')
  fc.assert(
    fc.property(positions, (all) => {
      const token = tokenOfAll(all)
      expect(positionsOf(token)).toEqual(all)
      expect(readPosition(token)).toBe(token)
      expect(positionJson(token)).toBe(`"${token}"`)
    }),
  )
})

test('a number is a position as it is', () => {
  expect(readPosition('0')).toBe(0)
  expect(readPosition('9007199254740991')).toBe(Number.MAX_SAFE_INTEGER)
  expect(positionJson(17)).toBe('17')
  expect(positionsOf(17)).toBeUndefined()
  expect(newerPosition(17, 4)).toBe(17)
})

test('what is neither is nothing', () => {
  const wrong = [
    ...['', '-1', '01', '1e3', '9007199254740992', '1.', '.1', '1.2.3', '1.2-', '-1.2', '1.02'],
    ...['1.2-1.3', '1.2--3.4', '1.2 -3.4', '1.9007199254740992', 'a.1', '٣.1', '1,2'],
  ]
  for (const text of wrong) expect(readPosition(text), text).toBeUndefined()
  fc.assert(
    fc.property(fc.string(), (text) => {
      const read = readPosition(text)
      if (read !== undefined) expect(String(read)).toBe(text)
    }),
  )
})

test('the newer of two says of each partition what the newer of both says', () => {
  expect(newerPosition('1.5-2.9', '2.7-4.1')).toBe('1.5-2.9-4.1')
  expect(newerPosition(5, '2.7')).toBe('2.7')
  fc.assert(
    fc.property(positions, positions, (one, other) => {
      const newer = positionsOf(newerPosition(tokenOfAll(one), tokenOfAll(other)))!
      for (const partition of new Set([...one.keys(), ...other.keys()]))
        expect(newer.get(partition)).toBe(
          Math.max(one.get(partition) ?? 0, other.get(partition) ?? 0),
        )
    }),
  )
})
