import { Type } from 'typebox'
import { describe, expect, expectTypeOf, test } from 'vitest'
import { defineCache, defineCommand, defineQuery, defineSpace } from '../define.ts'
import { defineProjection, join } from './define-projection.ts'
import { ProjectionFull, ProjectionRows } from './projection-rows.ts'
import { rowKey } from './row-key.ts'

const orders = defineCache('orders', {
  schema: Type.Object({
    orderId: Type.String(),
    customer: Type.String(),
    city: Type.Optional(Type.String()),
    total: Type.Integer(),
    status: Type.Union([Type.Literal('open'), Type.Literal('paid')]),
    mixed: Type.Union([Type.String(), Type.Integer()]),
    tags: Type.Array(Type.String()),
  }),
  key: 'orderId',
})
const customers = defineCache('customers', {
  schema: Type.Object({
    id: Type.String(),
    name: Type.String(),
    vip: Type.Optional(Type.Boolean()),
  }),
  key: 'id',
})
const input = Type.Object({ id: Type.String() })

const spent = defineProjection('spent', {
  of: orders,
  groupBy: ['customer', 'status'],
  values: ({ count, sum, min, max, top, fold }) => ({
    orders: count(),
    large: count(({ total }) => total > 100),
    total: sum('total'),
    least: min('total'),
    lastCity: max('city'),
    first: min(({ status }) => (status === 'open' ? status : undefined)),
    best: top(3, { by: 'total', show: ['orderId'] }),
    cities: fold({
      initial: [] as readonly string[],
      add: (cities, { city }) => (city === undefined ? cities : [...cities, city].sort()),
      remove: (cities, { city }) => cities.filter((_, at) => at !== cities.indexOf(city ?? '')),
    }),
  }),
  indexes: { byTotal: ['customer', 'total'] },
})

const named = join(orders, customers, {
  on: 'customer',
  select: ({ orderId, total }, { name }) => ({ orderId, name, total }),
})
const withNames = defineProjection('withNames', { of: named, indexes: { byName: ['name'] } })

/** Only compiled: what is in it is to be a mistake or none. */
const compiled = (_run: () => unknown): void => undefined

describe('the type of a row', () => {
  test('is what it is grouped by and its values', () => {
    defineQuery('q', {
      input,
      handler(read) {
        const row = read.get(spent, rowKey('ann', 'open'))
        expectTypeOf(row).toEqualTypeOf<
          | {
              readonly customer: string
              readonly status: 'open' | 'paid'
              readonly orders: number
              readonly large: number
              readonly total: number
              readonly least: number
              readonly lastCity?: string | undefined
              readonly first?: 'open' | undefined
              readonly best: readonly { readonly orderId: string }[]
              readonly cities: readonly string[]
            }
          | undefined
        >()
        return read.count(spent)
      },
    })
  })

  test('is the item where nothing is grouped', () => {
    defineQuery('q', {
      input,
      handler(read) {
        const rows = read.range(withNames, 'byName', { equals: ['ann'] })
        expectTypeOf(rows).toEqualTypeOf<
          readonly { readonly orderId: string; readonly name: string; readonly total: number }[]
        >()
        return rows.length
      },
    })
    const open = defineProjection('open', { of: orders, where: ({ status }) => status === 'open' })
    defineQuery('q', {
      input,
      handler: (read, { id }) => {
        expectTypeOf(read.get(open, id)?.tags).toEqualTypeOf<readonly string[] | undefined>()
        return 1
      },
    })
  })

  test('of several caches is any of theirs, of an outer join one that may have no partner', () => {
    const both = defineProjection('both', {
      of: [orders, customers],
      select: (entry) => ({ key: 'orderId' in entry ? entry.orderId : entry.id }),
      groupBy: ['key'],
      values: ({ count }) => ({ entries: count() }),
    })
    const outer = join(orders, customers, {
      on: 'customer',
      outer: true,
      select: ({ orderId }, customer) => {
        expectTypeOf(customer).toEqualTypeOf<
          { readonly id: string; readonly name: string; readonly vip?: boolean } | undefined
        >()
        return { orderId, name: customer?.name }
      },
    })
    expect([both.caches, defineProjection('outer', { of: outer }).caches]).toEqual([
      [orders, customers],
      [orders, customers],
    ])
  })

  test('is known to its indexes', () => {
    compiled(() =>
      defineQuery('q', {
        input,
        handler(read) {
          read.range(spent, 'byKey', { equals: ['ann', 'paid'] })
          read.range(spent, 'byTotal', { equals: ['ann'], from: 5 })
          // @ts-expect-error: the total is a number
          read.range(spent, 'byTotal', { equals: ['ann'], from: 'five' })
          // @ts-expect-error: there is no such index
          read.range(spent, 'byCity')
          return 1
        },
      }),
    )
  })

  test('is nothing to a command: it would read what is not validated', () => {
    compiled(() =>
      defineCommand('c', {
        input,
        handler(tx) {
          // @ts-expect-error: a projection is no cache
          tx.get(spent, 'ann/open')
        },
      }),
    )
  })

  test('of a query that says its caches is read if it follows them', () => {
    compiled(() => [
      defineQuery('q', {
        input,
        caches: [orders],
        handler: (read) => read.get(spent, 'ann/open')?.orders ?? 0,
      }),
      defineQuery('q', {
        input,
        caches: [orders],
        // @ts-expect-error: it follows customers too
        handler: (read) => read.get(withNames, 'a')?.total ?? 0,
      }),
    ])
  })
})

describe('what cannot be kept', () => {
  const declare = (options: object) => () =>
    defineProjection('p', { of: orders, ...options } as never)
  const values = (make: (of: never) => unknown) => ({ values: make })

  test.each<[string, object, string]>([
    ['no source', { of: undefined }, 'is made of no cache'],
    ['an event', { of: 'OrderPaid' }, 'by keeping it as an entry, too'],
    ['a cache twice', { of: [orders, orders] }, 'of names a cache twice'],
    ['groups without values', { groupBy: ['customer'] }, 'needs values: count(), at least'],
    [
      'an unknown group',
      { groupBy: ['town'], ...values(({ count }) => ({ n: (count as () => 1)() })) },
      'groupBy names the unknown field town',
    ],
    [
      'a group of lists',
      { groupBy: ['tags'], ...values(({ count }) => ({ n: (count as () => 1)() })) },
      'tags, which is never a text, number or boolean',
    ],
    [
      'a group of two kinds',
      { groupBy: ['mixed'], ...values(({ count }) => ({ n: (count as () => 1)() })) },
      'sometimes a text and sometimes a number',
    ],
    ['no values', values(() => ({})), 'values gives an object of values'],
    ['asynchronous values', values(async () => ({})), 'values must not be async'],
    ['another value', values(() => ({ n: 1 })), 'value n is none of count, sum'],
    ['an index of nothing', { indexes: { byTown: ['town'] } }, 'names the unknown field town'],
    ['an index byKey', { indexes: { byKey: ['total'] } }, 'byKey is there already'],
    ['an asynchronous where', { where: async () => true }, 'where must not be async'],
    ['no rows', { rowsMax: 0 }, 'rowsMax must be a whole number from 1'],
  ])('is refused: %s', (_, options, message) => {
    expect(declare(options)).toThrow(TypeError)
    expect(declare(options)).toThrow(message)
  })

  test('names what stands in a value', () => {
    type Made = (of: Record<string, (...given: unknown[]) => unknown>) => unknown
    const of = (make: Made) => declare({ groupBy: ['customer'], values: make })
    expect(of(({ sum }) => ({ n: sum?.('city') }))).toThrow('value n: city is not always a number')
    expect(of(({ min }) => ({ n: min?.('town') }))).toThrow('value n: names the unknown field town')
    expect(of(({ top }) => ({ n: top?.(0, { by: 'total' }) }))).toThrow('from 1 to 1000')
    expect(of(({ count }) => ({ customer: count?.() }))).toThrow(
      'value customer has the name of a field that is grouped by',
    )
    expect(of(({ fold }) => ({ n: fold?.({ initial: new Map(), add: String }) }))).toThrow('remove')
  })

  test('of a space: two things of one name that are both read', () => {
    const same = defineProjection('orders', { of: orders })
    expect(() => defineSpace('shop', { caches: [orders], projections: [same] })).toThrow(
      'cache or projection orders is declared twice',
    )
  })

  test('of a join is said where it is declared', () => {
    const select = () => ({})
    // @ts-expect-error: there is no such field
    expect(() => join(orders, customers, { on: 'town', select })).toThrow('has no field town')
    expect(() =>
      // @ts-expect-error
      join(orders, customers, { on: 'customer', to: 'town', select }),
    ).toThrow('cache customers has no field town')
  })
})

describe('a limit', () => {
  const order = (orderId: string) => ({ orderId, customer: orderId, total: 1 })
  const filled = (options: object, count: number) => {
    const projection = defineProjection('p', {
      of: orders,
      groupBy: ['customer'],
      values: ({ count: counted, min }) => ({ n: counted(), least: min('total') }),
      ...options,
    })
    const rows = new ProjectionRows(projection)
    for (let at = 0; at < count; at++) rows.change(orders, `${at}`, undefined, order(`${at}`))
    rows.settle(1)
    return rows
  }

  test('of rows is told when it is built and when it grows', () => {
    expect(filled({ rowsMax: 3 }, 3).rows.entries.size).toBe(3)
    expect(() => filled({ rowsMax: 3 }, 4)).toThrow(ProjectionFull)
    const rows = filled({ rowsMax: 3 }, 3)
    rows.change(orders, 'a', undefined, order('a'))
    expect(() => rows.settle(2)).toThrow('it has more than 3 rows')
  })

  test('of bytes counts rows and what is kept for them', () => {
    const { bytes } = filled({}, 100)
    expect(bytes).toBeGreaterThan(100 * 2 * 64)
    expect(filled({ bytesMax: bytes }, 100).bytes).toBe(bytes)
    expect(() => filled({ bytesMax: bytes - 1 }, 100)).toThrow(`more than ${bytes - 1} bytes`)
    // Before the rows are made: there may be no room for them.
    expect(() => filled({ bytesMax: 4096 * 64 }, 4096)).toThrow('bytes')
  })
})

describe('the key of a row', () => {
  test('is a single text as it is, and tells all groups apart', () => {
    expect(rowKey('a/b')).toBe('a/b')
    expect(rowKey(5)).toBe('5')
    const keys = [rowKey('a/b', 'c'), rowKey('a', 'b/c'), rowKey('a%2Fb', 'c'), rowKey('a', true)]
    expect(keys).toEqual(['a%2Fb/c', 'a/b%2Fc', 'a%252Fb/c', 'a/true'])
  })

  test('that two kinds of a value would share is a fault', () => {
    const projection = defineProjection('p', {
      of: orders,
      select: ({ mixed }) => ({ mixed }),
      groupBy: ['mixed'],
      values: ({ count }) => ({ n: count() }),
    })
    const rows = new ProjectionRows(projection)
    rows.change(orders, 'a', undefined, { mixed: 1 })
    expect(() => rows.change(orders, 'b', undefined, { mixed: '1' })).toThrow(
      'as a string and as a number',
    )
  })
})
