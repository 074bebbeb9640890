import { recomputedRows } from '@spacegrid/grid/kit/recomputed-rows'
import fc from 'fast-check'
import { Type } from 'typebox'
import { expect, test } from 'vitest'
import type { Value } from '../data-types.ts'
import { defineCache } from '../define.ts'
import { compareScalars } from '../index-order.ts'
import type { Aggregates } from './aggregate.ts'
import { defineProjection, join } from './define-projection.ts'
import type { AnyProjection } from './projection.ts'
import { ProjectionRows } from './projection-rows.ts'

const schema = Type.Object({
  id: Type.String(),
  town: Type.Optional(Type.String()),
  number: Type.Integer(),
  open: Type.Boolean(),
  price: Type.Optional(Type.Number()),
  owner: Type.Optional(Type.String()),
})
const shops = defineCache('shops', { schema, key: 'id' })
const stalls = defineCache('stalls', { schema, key: 'id' })
const caches = [shops, stalls]

interface Shop {
  readonly id: string
  readonly town?: string
  readonly number: number
  readonly open: boolean
  readonly price?: number
  readonly owner?: string
}

const optional = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined })

const entry = fc.record({
  town: optional(fc.constantFrom('a', 'b', 'a/b', 'a%2Fb', '')),
  number: fc.integer({ min: 0, max: 3 }),
  open: fc.boolean(),
  price: optional(fc.constantFrom(0.1, 0.2, 0.3, 1, 7, 1e16, -5)),
  // Of the other cache, or of none.
  owner: optional(fc.constantFrom('1', '2', '3', 'nobody')),
})

/** Puts, and deletes where there is no entry; in frames of one or several changes. */
const history = fc.array(
  fc.array(
    fc.record({
      cache: fc.constantFrom(...caches),
      id: fc.constantFrom('1', '2', '3', '4', '5/6'),
      entry: fc.option(entry, { nil: undefined, freq: 3 }),
    }),
    { minLength: 1, maxLength: 4 },
  ),
  { maxLength: 40 },
)

const fold = {
  initial: [] as readonly string[],
  add: (ids: readonly string[], { id }: Shop) => [...ids, id].sort(),
  remove: (ids: readonly string[], { id }: Shop) => ids.filter((_, at) => at !== ids.indexOf(id)),
}

const valueMakers: readonly ((of: Aggregates<Shop>) => object)[] = [
  ({ count }) => ({ all: count() }),
  ({ count }) => ({ opened: count(({ open }) => open) }),
  ({ sum }) => ({ total: sum('price') }),
  ({ sum }) => ({ twice: sum(({ price }) => (price === undefined ? null : 2 * price)) }),
  ({ min }) => ({ least: min('price') }),
  ({ max }) => ({ most: max('town') }),
  ({ max }) => ({ mixed: max(({ open, price, town }) => (open ? price : town)) }),
  ({ top }) => ({ dearest: top(2, { by: 'price', show: ['id'] }) }),
  ({ top }) => ({ first: top(3, { by: 'number', lowest: true }) }),
  ({ fold: folded }) => ({ ids: folded(fold) }),
]

const sources = fc.oneof(
  fc.constant(shops),
  fc.constant([shops, stalls]),
  fc
    .record({
      outer: fc.boolean(),
      to: fc.constantFrom('id', 'owner', 'town', 'number'),
      on: fc.constantFrom('owner', 'number'),
      itself: fc.boolean(),
    })
    .map(({ outer, to, on, itself }) =>
      join(shops, itself ? shops : stalls, {
        on: on as 'owner',
        to: to as 'id',
        outer,
        select: (left, right: Shop | undefined) => ({
          ...left,
          town: right?.town ?? left.town,
          price: right?.price,
        }),
      }),
    ),
)

const declarations: fc.Arbitrary<AnyProjection> = fc
  .record({
    of: sources,
    where: fc.boolean(),
    select: fc.boolean(),
    groupBy: fc.subarray(['town', 'number', 'open'], { minLength: 0 }),
    values: fc.option(fc.subarray([...valueMakers], { minLength: 1 }), { nil: undefined, freq: 4 }),
  })
  .map(({ of, where, select, groupBy, values }) => {
    const options = {
      of,
      ...(where ? { where: ({ number }: Shop) => number !== 2 } : {}),
      ...(select ? { select: (shop: Shop) => ({ ...shop, number: shop.number % 2 }) } : {}),
      ...(values
        ? {
            groupBy,
            values: (makers: Aggregates<Shop>) =>
              Object.assign({}, ...values.map((make) => make(makers))) as object,
          }
        : { indexes: { byNumber: ['number', 'town'] } }),
    }
    return defineProjection('tried', options as never) as unknown as AnyProjection
  })

/** What follows the changes of two caches as a replica does. */
class Followed {
  readonly entries: Map<string, Map<string, Value>> = new Map(
    caches.map(({ name }) => [name, new Map()]),
  )
  readonly rows: ProjectionRows
  readonly #projection: AnyProjection

  constructor(projection: AnyProjection) {
    this.#projection = projection
    this.rows = new ProjectionRows(projection)
    this.rows.settle(0)
  }

  put(cache: (typeof caches)[number], id: string, given: object | undefined): void {
    const entries = this.entries.get(cache.name) as Map<string, Value>
    const before = entries.get(id)
    const after = given && (Object.freeze(JSON.parse(JSON.stringify({ id, ...given }))) as Value)
    if (after) entries.set(id, after)
    else entries.delete(id)
    if ((before || after) && this.#projection.caches.includes(cache))
      this.rows.change(cache, id, before, after)
  }

  recomputed(): Map<string, object> {
    return recomputedRows(this.#projection, (cache) => this.entries.get(cache) as never)
  }
}

const heldBy = ({ rows }: ProjectionRows) =>
  new Map(Array.from(rows.entries.values(), ({ key, value }) => [key, value]))

/** What an index finds must be the rows that have its fields, in its order. */
function expectIndexesSound(rows: ProjectionRows): void {
  for (const [at, { fields }] of rows.layout.orders.entries()) {
    const found: string[] = []
    rows.scan(0, at, {}, ({ key }) => found.push(key) > 0)
    const sorted = [...heldBy(rows)]
      .filter(([, row]) => fields.every((field) => row[field] !== undefined))
      .sort(([keyA, a], [keyB, b]) => {
        for (const field of fields) {
          const order = compareScalars(a[field], b[field])
          if (order !== 0) return order
        }
        return keyA < keyB ? -1 : 1
      })
      .map(([key]) => key)
    expect(found).toEqual(sorted)
  }
}

test('rows are at every position what the entries would make them', () => {
  fc.assert(
    fc.property(declarations, history, (projection, frames) => {
      const followed = new Followed(projection)
      for (const [at, changes] of frames.entries()) {
        const before = heldBy(followed.rows)
        for (const { cache, id, entry: given } of changes) followed.put(cache, id, given)
        const told = followed.rows.settle(at + 1)
        expect(heldBy(followed.rows)).toEqual(followed.recomputed())
        // Whoever listens is told exactly what is otherwise than it was.
        for (const { key, before: was, after } of told) {
          expect(before.get(key)).toBe(was)
          if (after) before.set(key, after)
          else before.delete(key)
        }
        expect(before).toEqual(heldBy(followed.rows))
        expect(new Set(told.map(({ key }) => key)).size).toBe(told.length)
      }
      expectIndexesSound(followed.rows)
    }),
    { numRuns: 400 },
  )
})

test('made at once of all entries they are what all changes have made them', () => {
  fc.assert(
    fc.property(declarations, history, fc.boolean(), (projection, frames, backwards) => {
      const followed = new Followed(projection)
      for (const { cache, id, entry: given } of frames.flat()) followed.put(cache, id, given)
      followed.rows.settle(1)
      const built = new ProjectionRows(projection)
      for (const cache of projection.caches) {
        const entries = [...(followed.entries.get(cache.name) ?? [])]
        for (const [id, value] of backwards ? entries.reverse() : entries)
          built.change(cache, id, undefined, value)
      }
      built.settle(1)
      expect(heldBy(built)).toEqual(heldBy(followed.rows))
      expectIndexesSound(built)
      // What is undone leaves nothing behind.
      for (const cache of caches)
        for (const id of [...(followed.entries.get(cache.name)?.keys() ?? [])])
          followed.put(cache, id, undefined)
      followed.rows.settle(2)
      expect([followed.rows.rows.entries.size, followed.rows.bytes]).toEqual([0, 0])
    }),
    { numRuns: 200 },
  )
})

test('rows are frozen on every level', () => {
  fc.assert(
    fc.property(declarations, history, (projection, frames) => {
      const followed = new Followed(projection)
      for (const { cache, id, entry: given } of frames.flat()) followed.put(cache, id, given)
      followed.rows.settle(1)
      const isFrozen = (value: unknown): boolean =>
        typeof value !== 'object' ||
        value === null ||
        (Object.isFrozen(value) && Object.values(value).every(isFrozen))
      for (const row of heldBy(followed.rows).values()) expect(isFrozen(row)).toBe(true)
    }),
  )
})
