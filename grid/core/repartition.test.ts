import fc from 'fast-check'
import { expect, test } from 'vitest'
import { defineCache, defineCommand, defineSpace, Type } from './define.ts'
import type { Space } from './definition.ts'
import { idWithHash, partitionHash, partitionOfHash } from './partition.ts'
import {
  EntryPlaces,
  movedShape,
  PartitionCounts,
  placesOfAnswers,
  withPartitions,
} from './repartition.ts'
import { initialShape, mergeShapes, type SpaceShape, shapeOf } from './shape.ts'

const input = Type.Object({ account: Type.String() })
const accounts = defineCache('accounts', {
  schema: Type.Object({ account: Type.String(), sum: Type.Integer() }),
  key: 'account',
  partitionBy: 'account',
})
const receipts = defineCache('receipts', {
  schema: Type.Object({ receipt: Type.String() }),
  key: 'receipt',
  partitionBy: { idOf: 'receipt' },
})
const open = defineCommand('open', { input, partitionBy: 'account', handler: () => undefined })
const bank = (partitions: number, caches = [accounts, receipts]): Space =>
  defineSpace('bank', { partitions, caches, commands: [open], queries: [] }) as unknown as Space
const names = ({ caches }: SpaceShape) => caches.map(({ name }) => name)

test.each([
  [1, 4],
  [4, 16],
  [16, 1],
])('the shape of %i partitions becomes that of %i, which its units take', (from, to) => {
  const logged = Array.from({ length: from }, () => shapeOf(bank(from)))
  const moved = movedShape(logged, withPartitions(bank(from), to))
  expect(moved).toEqual(shapeOf(bank(to)))
  expect(mergeShapes(moved, shapeOf(bank(to)))).toBe(moved)
})

test('logs that have grown in different orders have one shape then', () => {
  const [one, other] = [bank(2), bank(2, [receipts, accounts])].map(shapeOf) as [
    SpaceShape,
    SpaceShape,
  ]
  expect(names(one)).not.toEqual(names(other))
  expect(movedShape([other, one], bank(3))).toEqual({
    ...shapeOf(bank(3, [receipts, accounts])),
  })
})

test('what cannot be divided is refused, and says why', () => {
  const loose = defineCache('loose', { schema: Type.Object({ id: Type.String() }), key: 'id' })
  const whole = defineSpace('bank', { caches: [accounts, loose], commands: [], queries: [] })
  const refused = (logged: readonly SpaceShape[], space: Space) => {
    try {
      movedShape(logged, space)
    } catch (error) {
      return error
    }
    return undefined
  }
  expect(refused([shapeOf(whole)], withPartitions(whole, 2))).toMatchObject({
    code: 'definition_conflict',
    message: 'space bank has 2 partitions, and cache loose has no partitionBy',
  })
  expect(refused([shapeOf(whole)], bank(2))).toMatchObject({
    code: 'definition_conflict',
    message: expect.stringContaining('The cache loose is in the log'),
  })
  const bySum = defineCache('accounts', {
    schema: Type.Object({ account: Type.String(), sum: Type.Integer() }),
    key: 'account',
    partitionBy: 'sum',
  })
  expect(refused([shapeOf(bank(2))], bank(3, [bySum, receipts] as never))).toMatchObject({
    code: 'definition_conflict',
    message: expect.stringContaining('the partition key'),
  })
  // A log in which nothing was ever defined.
  expect(movedShape([initialShape], bank(3))).toEqual(shapeOf(bank(3)))
})

test('every entry goes where its key, or the id that it holds, says', () => {
  fc.assert(
    fc.property(fc.string(), fc.integer({ min: 2, max: 1024 }), (account, to) => {
      const places = new EntryPlaces(shapeOf(bank(to)))
      const hash = partitionHash([account])
      const receipt = idWithHash('0'.repeat(22), hash)
      const place = partitionOfHash(hash, to)
      expect(places.partitionOf('accounts', account, { account, sum: 1 })).toBe(place)
      expect(places.partitionOf('receipts', receipt, { receipt })).toBe(place)
    }),
  )
  const places = new EntryPlaces(shapeOf(bank(4)))
  expect(() => places.partitionOf('receipts', 'x', { receipt: 'x' })).toThrowError(
    expect.objectContaining({ code: 'invalid_input' }),
  )
})

test('partitions that are counted together are what was counted apart', () => {
  const shape = shapeOf(bank(3))
  const [apart, together] = [new PartitionCounts(shape, 3), new PartitionCounts(shape, 1)]
  for (let at = 0; at < 30; at++) {
    apart.add(at % 3, 'accounts', `${at}`, at + 1)
    together.add(0, 'accounts', `${at}`, at + 1)
  }
  const parts = apart.result().map(({ digest }) => BigInt(`0x${digest}`))
  const all = parts.reduce((one, other) => one ^ other)
  expect(together.result()).toEqual([{ entries: 30, digest: all.toString(16).padStart(16, '0') }])
})

const answer = (version: number, expiresAt: number, hash?: number) => ({
  version,
  value: { key: 'k', expiresAt, ...(hash === undefined ? {} : { hash }) },
})

test('an answer goes where its command was, and everywhere if it does not say where', () => {
  const placed = answer(1, 10, 7)
  const unplaced = answer(2, 10)
  expect([...placesOfAnswers([placed], 4)]).toEqual([[3, placed]])
  expect([...placesOfAnswers([unplaced], 3).keys()]).toEqual([0, 1, 2])
  // Copies of one answer are one again.
  expect([...placesOfAnswers([unplaced, unplaced, unplaced], 1)]).toEqual([[0, unplaced]])
})

test('of answers that meet, whatever their order, the one that is remembered longest stays', () => {
  const [early, late, elsewhere] = [answer(1, 10, 0), answer(2, 20, 4), answer(3, 5, 1)]
  for (const answers of [
    [early, late, elsewhere],
    [elsewhere, late, early],
  ]) {
    const places = placesOfAnswers(answers, 4)
    expect(new Map([...places].sort())).toEqual(
      new Map([
        [0, late],
        [1, elsewhere],
      ]),
    )
    expect([...placesOfAnswers(answers, 1).values()]).toEqual([late])
  }
})
