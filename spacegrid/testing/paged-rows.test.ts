import {
  defineCache,
  defineCommand,
  defineProjection,
  defineSpace,
  Type,
} from '@spacegrid/grid/core/define'
import type { RowsInput } from '@spacegrid/grid/core/projection/row-query-types'
import { SeededRandom } from '@spacegrid/grid/kit/seeded-random'
import { describe, expect, expectTypeOf, test } from 'vitest'
import { SpaceHarness } from './space-harness.ts'

const sale = Type.Object({
  id: Type.String(),
  shop: Type.String(),
  goods: Type.String(),
  price: Type.Integer(),
})
const sales = defineCache('sales', { schema: sale, key: 'id', partitionBy: 'shop' })
const sell = defineCommand('sell', {
  input: sale,
  partitionBy: 'shop',
  handler: (tx, sale) => tx.put(sales, sale),
})
const undo = defineCommand('undo', {
  input: Type.Object({ shop: Type.String(), id: Type.String() }),
  partitionBy: 'shop',
  handler: (tx, { id }) => tx.delete(sales, id),
})

/** Groups are spread over the partitions. */
const takings = defineProjection('takings', {
  of: sales,
  groupBy: ['goods', 'price'],
  values: ({ count }) => ({ sold: count() }),
  readable: true,
})
/** Each in one partition, and many alike in their order. */
const shops = defineProjection('shops', {
  of: sales,
  groupBy: ['shop'],
  values: ({ count, max }) => ({ sold: count(), most: max('price') }),
  indexes: { bySold: ['sold'] },
  partitionBy: 'shop',
  readable: ['shop', 'sold'],
})
/** A row for each entry: one key may be in several partitions. */
const cheap = defineProjection('cheap', {
  of: sales,
  where: ({ price }) => price < 8,
  indexes: { byPrice: ['price'], byGoods: ['goods', 'price'] },
  readable: true,
})
/** Its rows do not say their keys. */
const nameless = defineProjection('nameless', {
  of: sales,
  select: ({ goods, price }) => ({ goods, price }),
  indexes: { byPrice: ['price'] },
  readable: true,
})
const secret = defineProjection('secret', { of: sales })

const spaceOf = (partitions: number) =>
  defineSpace('market', {
    partitions,
    caches: [sales],
    commands: [sell, undo],
    projections: [takings, shops, cheap, nameless, secret],
  })

type Row = Readonly<Record<string, unknown>>
type Rows = 'takings' | 'shops' | 'cheap'

class Market {
  readonly grid: SpaceHarness<ReturnType<typeof spaceOf>>
  readonly random: SeededRandom

  constructor(partitions: number, seed: number) {
    this.grid = new SpaceHarness(spaceOf(partitions))
    this.random = new SeededRandom(seed)
  }

  below(max: number): number {
    return this.random.integer() % max
  }

  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)] as T
  }

  change(): void {
    const shop = `shop-${this.below(9)}`
    // Keys repeat from shop to shop.
    const id = `sale-${this.below(12)}`
    if (this.below(4) === 0) this.grid.execute('undo', { shop, id })
    else {
      const goods = this.pick(['bread', 'a/b', 'tea'])
      this.grid.execute('sell', { id, shop, goods, price: this.below(10) })
    }
  }

  rows(rows: Rows, asked: object) {
    return this.grid.query(`${rows}.rows`, asked as RowsInput<never>) as {
      readonly rows: readonly Row[]
      readonly next?: string
    }
  }

  asked(rows: Rows): RowsInput {
    const reverse = this.pick([true, false])
    const goods = this.pick(['bread', 'a/b', 'tea'])
    return this.pick(
      {
        takings: [{}, { reverse }, { equals: [goods], reverse }, { equals: [goods], from: '3' }],
        shops: [{ reverse }, { index: 'bySold', reverse }, { index: 'bySold', from: '2' }],
        cheap: [
          { index: 'byPrice', reverse },
          { index: 'byGoods', equals: [goods], to: '5' },
        ],
      }[rows] as readonly RowsInput[],
    )
  }
}

const kinds: readonly Rows[] = ['takings', 'shops', 'cheap']

describe.each([1, 4])('rows of %i partitions, page by page', (partitions) => {
  // 20 markets of each, 30 lists in each.
  test('are those of the whole list, each once and in order', () => {
    for (let seed = 1; seed <= 20; seed++) {
      const market = new Market(partitions, seed)
      for (let at = 0; at < 60; at++) market.change()
      for (let list = 0; list < 30; list++) {
        const rows = market.pick(kinds)
        const asked = market.asked(rows)
        const whole = market.rows(rows, { ...asked, limit: 1000 })
        expect(whole.next).toBeUndefined()
        const limit = 1 + market.below(5)
        const read: Row[] = []
        for (let cursor: string | undefined; ; ) {
          const page = market.rows(rows, { ...asked, limit, ...(cursor ? { cursor } : {}) })
          read.push(...page.rows)
          expect(read.length).toBeLessThanOrEqual(whole.rows.length)
          cursor = page.next
          if (cursor === undefined) break
          expect(page.rows).toHaveLength(limit)
        }
        expect(read, `seed ${seed}: ${rows} ${JSON.stringify(asked)}`).toEqual(whole.rows)
      }
    }
  })

  test('are told once when they stay, whatever comes and goes meanwhile', () => {
    for (let seed = 1; seed <= 20; seed++) {
      const market = new Market(partitions, seed)
      for (let at = 0; at < 60; at++) market.change()
      const keyOf = ({ goods, price }: Row) => `${goods} ${price}`
      const all = () => market.rows('takings', { limit: 1000 }).rows.map(keyOf)
      let stayed = new Set(all())
      const read: string[] = []
      for (let cursor: string | undefined; ; ) {
        const page = market.rows('takings', { limit: 3, ...(cursor ? { cursor } : {}) })
        read.push(...page.rows.map(keyOf))
        expect(new Set(read).size, `seed ${seed}`).toBe(read.length)
        cursor = page.next
        if (cursor === undefined) break
        market.change()
        stayed = stayed.intersection(new Set(all()))
      }
      for (const key of stayed) expect(read, `seed ${seed}`).toContain(key)
    }
  })

  test('are refused with a cursor of another list, and say nothing that is not readable', () => {
    const market = new Market(partitions, 7)
    for (let at = 0; at < 60; at++) market.change()
    const { next: cursor } = market.rows('shops', { index: 'bySold', limit: 2 })
    const refused = (rows: Rows, asked: object) => {
      expect(() => market.rows(rows, asked)).toThrow(
        expect.objectContaining({
          code: 'invalid_input',
          details: { errors: [expect.objectContaining({ path: 'cursor' })] },
        }),
      )
    }
    refused('shops', { index: 'byKey', cursor })
    refused('shops', { index: 'bySold', reverse: true, cursor })
    refused('takings', { cursor })
    refused('cheap', { cursor: 'x' })
    // A cursor would have the key of an entry, which these rows do not show.
    const { grid } = market
    const some = grid.query('nameless.rows', { index: 'byPrice', limit: 2 })
    expect(some).toEqual({ rows: [expect.anything(), expect.anything()], more: true })
    expect(grid.query('nameless.rows', { index: 'byPrice', limit: 1000 }).more).toBeUndefined()
  })
})

test('rows have types, as far as they are readable', () => {
  const { grid } = new Market(1, 1)
  grid.execute('sell', { id: 'a', shop: 's', goods: 'tea', price: 3 })
  const { rows } = grid.query('shops.rows', { index: 'bySold', limit: 5 })
  expectTypeOf(rows).toEqualTypeOf<readonly { readonly shop: string; readonly sold: number }[]>()
  expect(rows).toEqual([{ shop: 's', sold: 1 }])
  const row = grid.query('takings.row', { key: 'tea/3' })
  expectTypeOf(row.sold).toEqualTypeOf<number>()
  expect(row).toEqual({ goods: 'tea', price: 3, sold: 1 })
  const wrong = () => {
    // @ts-expect-error: no such index
    grid.query('shops.rows', { index: 'byMost' })
    // @ts-expect-error: nothing of it is readable
    grid.query('secret.rows', {})
  }
  expect(wrong).toThrow()
})
