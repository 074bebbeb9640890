import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Value } from './data-types.ts'
import { defineCache, Type } from './define.ts'
import { Entry } from './entry.ts'
import { compareScalars, IndexOrder } from './index-order.ts'
import { mergePages } from './merge-pages.ts'
import { OrderedIndex } from './ordered-index.ts'
import { ExamineBudget, readPage } from './page.ts'
import type { Page, PageOptions } from './page-types.ts'

const rows = defineCache('rows', {
  schema: Type.Object({
    id: Type.String(),
    a: Type.Integer(),
    b: Type.String(),
    c: Type.Optional(Type.Boolean()),
  }),
  key: 'id',
  indexes: { byAb: ['a', 'b'], byB: ['b'] },
})

type Row = { readonly id: string; readonly a: number; readonly b: string; readonly c?: boolean }
type Index = 'byAb' | 'byB'

/** One partition, or all there is. */
class Rows {
  readonly entries = new Map<string, Entry>()
  readonly #indexes = new Map(
    (['byAb', 'byB'] as const).map((name) => {
      const order = new IndexOrder(rows.indexes[name])
      return [name, new OrderedIndex<Entry>(order)] as const
    }),
  )
  readonly #partition: number
  examined = 0

  constructor(partition: number) {
    this.#partition = partition
  }

  put(row: Row): void {
    this.delete(row.id)
    const entry = new Entry(row.id, row as unknown as Value, 1, 1)
    this.entries.set(row.id, entry)
    for (const index of this.#indexes.values()) index.insert(entry)
  }

  delete(id: string): void {
    const entry = this.entries.get(id)
    if (!entry) return
    for (const index of this.#indexes.values()) index.delete(entry)
    this.entries.delete(id)
  }

  page(name: Index, options: PageOptions<Row>, budget = new ExamineBudget(1e9)): Page<Row> {
    const index = this.#indexes.get(name) as OrderedIndex<Entry>
    const { page, examined } = readPage<Row>(
      {
        ...{ cache: 'rows', index: name, fields: index.order.fields, named: index.order.fields },
        ...{ partition: this.#partition, budget },
        scan: (range, visit, place) => index.scan(range, visit, place),
        valueOf: ({ value }) => value as unknown as Row,
      },
      options,
    )
    this.examined += examined
    return page
  }
}

/** Few values: many rows are equal in the order, and some have the same id in two partitions. */
const row: fc.Arbitrary<Row> = fc.record(
  {
    id: fc.constantFrom(...'0123456789abcdefghijklmnopqrstuvwxyz'),
    a: fc.nat({ max: 2 }),
    b: fc.constantFrom('x', 'y', 'ä'),
    c: fc.boolean(),
  },
  { requiredKeys: ['id', 'a', 'b'] },
)
const change = fc.record({ partition: fc.nat({ max: 3 }), row, isGone: fc.boolean() })
const asked = fc.record({
  index: fc.constantFrom<Index>('byAb', 'byB'),
  reverse: fc.boolean(),
  limit: fc.integer({ min: 1, max: 7 }),
  partitions: fc.integer({ min: 1, max: 4 }),
  range: fc.oneof(
    fc.constant({}),
    fc.record({ where: fc.record({ c: fc.boolean() }) }),
    fc.record({ where: fc.record({ a: fc.nat({ max: 2 }) }) }),
    fc.record({ where: fc.record({ b: fc.record({ from: fc.constantFrom('x', 'y') }) }) }),
    fc.record({
      where: fc.record({ a: fc.record({ after: fc.nat({ max: 1 }) }), b: fc.constant('y') }),
    }),
    fc.constant({ filter: ({ a, b }: Row) => a === 1 || b === 'y' }),
  ),
})

const orderOf =
  (index: Index, reverse: boolean) =>
  (one: Row, other: Row): number => {
    for (const field of [...rows.indexes[index], 'id'] as const) {
      const order = compareScalars(one[field], other[field])
      if (order !== 0) return reverse ? -order : order
    }
    return 0
  }

/** What the options say, once more and independently. */
function belongs(row: Row, { where = {}, filter }: PageOptions<Row>): boolean {
  for (const [field, wanted] of Object.entries(where)) {
    const value = row[field as keyof Row] as never
    if (typeof wanted !== 'object') {
      if (value !== wanted) return false
    } else if ('from' in wanted ? value < (wanted.from as never) : value <= (wanted.after as never))
      return false
  }
  return filter?.(row) ?? true
}

describe('pages of an index', () => {
  test('give one after the other all that there is, once each and in its order, ties and all', () =>
    fc.assert(
      fc.property(fc.array(change, { maxLength: 60 }), asked, (changes, given) => {
        const { index, reverse, limit, partitions, range } = given
        const parts = Array.from({ length: partitions }, (_, at) => new Rows(at))
        for (const { partition, row } of changes) parts[partition % partitions]?.put(row)
        const told = pagesOf(parts, index, { reverse, limit, ...range })
        const all = parts.flatMap(({ entries }) => [...entries.values()].map((it) => it.value))
        const wanted = (all as unknown as Row[])
          .filter((it) => belongs(it, range))
          .sort(orderOf(index, reverse))
        expect(told.flat().map(idOf)).toEqual(wanted.map(idOf))
        // No page but the last is short, and none is empty where there is something.
        for (const page of told.slice(0, -1)) expect(page).toHaveLength(limit)
        if (wanted.length > 0) expect(told.at(-1)).not.toHaveLength(0)
      }),
      { numRuns: 500 },
    ))

  test('what stays is told once, whatever comes and goes between two of them', () =>
    fc.assert(
      fc.property(
        fc.array(change, { maxLength: 60 }),
        fc.array(fc.array(change, { maxLength: 8 }), { maxLength: 30 }),
        asked,
        (before, meanwhile, { index, reverse, limit, partitions, range }) => {
          const parts = Array.from({ length: partitions }, (_, at) => new Rows(at))
          const touched = new Set<string>()
          const apply = ({ partition, row, isGone }: (typeof before)[number]) => {
            const part = parts[partition % partitions] as Rows
            if (isGone) part.delete(row.id)
            else part.put(row)
          }
          for (const one of before) apply({ ...one, isGone: false })
          const stays = parts.map(({ entries }) => new Map(entries))
          let turn = 0
          const told = pagesOf(parts, index, { reverse, limit, ...range }, () => {
            for (const one of meanwhile[turn++] ?? []) {
              touched.add(`${one.partition % partitions}/${one.row.id}`)
              apply(one)
            }
          }).flat()
          const wanted = stays.flatMap((entries, partition) =>
            [...entries]
              .filter(([id]) => !touched.has(`${partition}/${id}`))
              .map(([, { value }]) => value as unknown as Row)
              .filter((it) => belongs(it, range)),
          )
          const count = (list: readonly Row[], row: Row) => list.filter((it) => it === row).length
          for (const row of wanted) expect(count(told, row)).toBe(1)
          const compare = orderOf(index, reverse)
          for (let at = 1; at < told.length; at++)
            expect(compare(told[at - 1] as Row, told[at] as Row)).toBeLessThanOrEqual(0)
        },
      ),
      { numRuns: 500 },
    ))
})

const idOf = ({ id }: Row) => id

/** All pages; in a divided space they are merged. */
function pagesOf(
  parts: readonly Rows[],
  index: Index,
  options: PageOptions<Row>,
  between: () => void = () => undefined,
): Row[][] {
  const { reverse = false, limit = 100 } = options
  const merge = mergePages(rows, index, { reverse, limit })
  const told: Row[][] = []
  let cursor: string | undefined
  do {
    const asked = { ...options, cursor }
    const pages = parts.map((part) => part.page(index, asked))
    const page: Page<Row> = parts.length === 1 ? (pages[0] as Page<Row>) : merge(pages, { cursor })
    told.push([...page.items])
    cursor = page.next
    between()
  } while (cursor !== undefined && told.length < 500)
  return told
}

const many = (count: number) => {
  const part = new Rows(0)
  for (let n = 0; n < count; n++)
    part.put({ id: `row-${n}`, a: n % 10, b: `b${Math.floor(n / 10)}`, c: n % 100 === 0 })
  return part
}

const failure = (run: () => unknown) => {
  try {
    run()
  } catch (error) {
    return error
  }
  throw new Error('was accepted')
}

describe('a page', () => {
  test('far behind looks at no more than the first one', () => {
    const part = many(10_000)
    let cursor: string | undefined
    for (let turn = 0; turn < 100; turn++) cursor = part.page('byB', { limit: 10, cursor }).next
    expect(part.examined).toBe(100 * 11)
  })

  test('finds by the index what where says of its fields, and looks through the rest', () => {
    const part = many(1000)
    const read = (options: PageOptions<Row>) => {
      part.examined = 0
      const { items } = part.page('byAb', options)
      return [items.length, part.examined]
    }
    expect(read({ where: { a: 3, b: { from: 'b5', before: 'b6' } } })).toEqual([11, 11])
    expect(read({ equals: [3], where: { b: 'b5' } } as PageOptions<Row>)).toEqual([1, 1])
    expect(read({ where: { b: 'b5' } })).toEqual([10, 1000])
    expect(read({ from: 8, where: { b: { to: 'b1' } } })).toEqual([4, 200])
  })

  test('that looks at more entries than it may is refused, and says at how many', () => {
    const part = many(1000)
    const wanted = { filter: ({ id }: Row) => id === 'row-999' }
    expect(failure(() => part.page('byB', { ...wanted, examinedMax: 500 }))).toMatchObject({
      code: 'query_too_large',
      details: { cache: 'rows', index: 'byB', examined: 500 },
    })
    expect(part.page('byB', { ...wanted, examinedMax: 1000 }).items).toHaveLength(1)
    const budget = new ExamineBudget(1500)
    part.page('byB', wanted, budget)
    // What is left for the whole query.
    expect(failure(() => part.page('byB', wanted, budget))).toMatchObject({
      details: { examined: 500 },
    })
    // What selects nothing looks at no more than it gives.
    expect(part.page('byB', { limit: 900 }, new ExamineBudget(0)).items).toHaveLength(900)
  })

  test('that is full need not find the next one: then there may be an empty last page', () => {
    const part = many(1000)
    const { items, next } = part.page('byB', {
      where: { c: true },
      limit: 10,
      examinedMax: 950,
    })
    expect(items).toHaveLength(10)
    expect(next).toBeTypeOf('string')
    expect(part.page('byB', { where: { c: true }, cursor: next }).items).toEqual([])
  })

  test.each([0, -1, 1.5, Number.NaN, 10_001, '5', null])('a limit of %s is refused', (limit) => {
    expect(failure(() => many(1).page('byB', { limit: limit as number }))).toMatchObject({
      code: 'invalid_input',
      details: { errors: [{ path: 'limit', message: 'must be a whole number from 1 to 10000' }] },
    })
  })

  test.each([
    [{ where: { a: null } }, 'where must be'],
    [{ where: { a: { above: 1 } } }, 'where must be'],
    [{ where: { c: { from: [] } } }, 'where must be'],
    [{ filter: () => Promise.resolve(true) }, 'true or false'],
    [{ filter: () => undefined }, 'true or false'],
  ])('what the application cannot mean is its mistake: %j', (options, message) => {
    const error = failure(() => many(1).page('byB', options as PageOptions<Row>))
    expect(error).toBeInstanceOf(TypeError)
    expect((error as Error).message).toContain(message)
  })
})

describe('a cursor', () => {
  const next = (options: PageOptions<Row> = {}, index: Index = 'byAb') =>
    many(100).page(index, { limit: 3, ...options }).next as string

  test('of another list is told from one that is none', () => {
    const refused = (cursor: string, options: PageOptions<Row> = {}, index: Index = 'byAb') =>
      String(failure(() => many(100).page(index, { ...options, cursor })))
    expect(refused(next(), { reverse: true })).toContain('belongs to another list')
    expect(refused(next(), {}, 'byB')).toContain('belongs to another list')
    expect(refused(next({ equals: [1] as never }), { equals: [2] as never })).toContain(
      'another list',
    )
    for (const cursor of ['', 'x', 'null', next().slice(1), `${next()}A`, next().toLowerCase()])
      expect(refused(cursor)).toContain('cursor is none that a page has given as `next`')
  })

  test('with a letter changed is none, whichever', () => {
    const cursor = next()
    for (let at = 0; at < cursor.length; at++) {
      const letter = cursor[at] === 'A' ? 'B' : 'A'
      const changed = cursor.slice(0, at) + letter + cursor.slice(at + 1)
      expect(failure(() => many(100).page('byAb', { cursor: changed }))).toMatchObject({
        code: 'invalid_input',
      })
    }
  })

  test('is good on every copy, and where the entry is gone that it was made of', () => {
    const cursor = next({ limit: 5 }, 'byB')
    const copy = many(100)
    const expected = copy.page('byB', { cursor }).items
    for (const id of ['row-0', 'row-1', 'row-2', 'row-3', 'row-4']) copy.delete(id)
    expect(copy.page('byB', { cursor }).items).toEqual(expected)
  })

  test('bounds may move from page to page', () => {
    const part = many(100)
    const first = part.page('byB', { to: 'b5', limit: 3 })
    const second = part.page('byB', { to: 'b7', limit: 3, cursor: first.next })
    expect(second.items.map(idOf)).toEqual(['row-3', 'row-4', 'row-5'])
  })
})

test('a merge that wants more than its partitions have given stops where it does not know', () => {
  const [one, other] = [new Rows(0), new Rows(1)]
  for (const id of ['a', 'b', 'c', 'g']) one.put({ id, a: 1, b: id })
  for (const id of ['d', 'e', 'f']) other.put({ id, a: 1, b: id })
  const merge = mergePages(rows, 'byB', { limit: 100 })
  const told: string[] = []
  let cursor: string | undefined
  do {
    const page = merge(
      [one, other].map((part) => part.page('byB', { limit: 2, cursor })),
      {},
    )
    told.push(...page.items.map(idOf))
    cursor = page.next
  } while (cursor !== undefined)
  expect(told.join('')).toBe('abcdefg')
})

test('what is merged must be entries', () => {
  const merge = mergePages(rows, 'byB')
  const page = { items: [{ b: 'x' }] as unknown as Row[], next: 'more' }
  expect(() => merge([page, page], { limit: 1 })).toThrow('must be entries')
  expect(() => mergePages(rows, 'byC' as 'byB')).toThrow('cache rows has no index byC')
})
