import type { LoadTold } from '@spacegrid/grid/engine/load/load-told'
import { expect, test } from 'vitest'
import { LoadBook } from './load-book.ts'

const log = {
  ...{ partition: 0, answered: 0, shed: 0, pending: 0, limit: 16_384, delayMs: 0 },
  ...{ tripMs: 1, tripMsLeast: 1, queriesWaiting: 0, hotKeys: 0 },
}
const told = (changed: Partial<LoadTold> = {}): LoadTold => ({
  ...{ id: 1, name: 'shop-1', role: 'unit', ready: true, full: false },
  ...{ busyMs: 0, idleMs: 0, logs: [log] },
  ...changed,
})
const shop = [{ name: 'shop', partitions: 1 }]

test('two words of a unit tell how busy it was, and how much it was asked', () => {
  const book = new LoadBook(shop, 'unit')
  book.heard('shop', told(), 1000)
  expect(book.units(1000)).toEqual([])
  const logs = [{ ...log, answered: 300, shed: 30, delayMs: 7 }]
  book.heard('shop', told({ busyMs: 1200, idleMs: 300, logs }), 2500)
  expect(book.units(2600)).toEqual([
    {
      ...{ name: 'shop-1', busy: 0.8, full: false },
      logs: [
        expect.objectContaining({
          ...{ logName: 'shop', answeredPerSecond: 200, shedPerSecond: 20, delayMs: 7 },
        }),
      ],
    },
  ])
})

test('a unit of several spaces is one unit, and of a divided one each partition is known', () => {
  const spaces = [...shop, { name: 'bids', partitions: 4 }]
  const book = new LoadBook(spaces, 'unit')
  for (const at of [0, 1000])
    for (const [space, partitions] of [
      ['shop', [0]],
      ['bids', [1, 3]],
    ] as const) {
      const logs = partitions.map((partition) => ({ ...log, partition, answered: at }))
      book.heard(space, told({ busyMs: at / 2, idleMs: at / 2, logs }), at)
    }
  const [unit, ...others] = book.units(1000)
  expect(others).toEqual([])
  expect(unit?.logs.map(({ logName }) => logName)).toEqual(['shop', 'bids.1', 'bids.3'])
  expect(unit).toMatchObject({ busy: 0.5, logs: [{ answeredPerSecond: 1000 }, {}, {}] })
})

test('who is silent, not ready or of another role is not counted', () => {
  const book = new LoadBook(shop, 'unit')
  for (const at of [0, 1000]) {
    book.heard('shop', told(), at)
    book.heard('shop', told({ id: 2, role: 'query-unit' }), at)
    book.heard('shop', told({ id: 3, ready: false }), at)
  }
  expect(book.units(1000)).toHaveLength(1)
  expect(book.units(4100)).toEqual([])
})

test('a unit that begins anew has no rates below nothing', () => {
  const book = new LoadBook(shop, 'unit')
  book.heard('shop', told({ busyMs: 5000, idleMs: 5000, logs: [{ ...log, answered: 900 }] }), 0)
  book.heard('shop', told({ busyMs: 10, idleMs: 10 }), 1000)
  expect(book.units(1000)).toMatchObject([{ busy: 0, logs: [{ answeredPerSecond: 0 }] }])
})

test('words that come together are not told apart', () => {
  const book = new LoadBook(shop, 'unit')
  book.heard('shop', told(), 0)
  book.heard('shop', told({ busyMs: 500, idleMs: 500 }), 1000)
  book.heard('shop', told({ busyMs: 501, idleMs: 500 }), 1001)
  expect(book.units(1001)[0]?.busy).toBeCloseTo(0.5, 1)
})
