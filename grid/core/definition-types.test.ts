import { describe, expect, expectTypeOf, test } from 'vitest'
import type { CommandsOf, InputOf, QueriesOf, ResultOf } from './call-types.ts'
import type { Frozen } from './data-types.ts'
import {
  defineCache,
  defineCommand,
  defineProjection,
  defineQuery,
  defineSpace,
  type Static,
  Type,
} from './define.ts'
import type { Reader, Space } from './definition.ts'
import type { Outcome } from './operation-options.ts'
import type { AnyCache, Transaction } from './transaction.ts'

/**
 * The compiler is the test: every `@ts-expect-error` fails `tsc` where there is none. What stands
 * in functions that nobody calls is only compiled; what the compiler says of it in words is tested
 * by scripts/type-messages.test.ts.
 */

const seat = Type.Object({
  key: Type.String(),
  section: Type.String(),
  row: Type.Integer(),
  status: Type.Enum(['free', 'held', 'sold'], { type: 'string' }),
  holdId: Type.Optional(Type.String()),
  until: Type.Optional(Type.Union([Type.Integer(), Type.Null()])),
  vip: Type.Boolean(),
  tags: Type.Array(Type.Object({ name: Type.String() })),
  size: Type.Tuple([Type.Number(), Type.Number()]),
  since: Type.Unsafe<Date>({}),
  picture: Type.Unsafe<Uint8Array>({}),
  more: Type.Unknown(),
})
type Seat = Static<typeof seat>

const seats = defineCache('seats', {
  schema: seat,
  key: 'key',
  indexes: {
    byStatus: ['section', 'status', 'row'],
    byHold: ['holdId'],
    byMore: ['more', 'until'],
  },
  expiry: 'until',
})
const counts = defineCache('counts', {
  schema: Type.Object({ id: Type.String(), count: Type.Integer() }),
  key: 'id',
})
const id = Type.Object({ id: Type.String() })

/** Compiled, and never called. */
const compiled = (_neverCalled: (tx: Transaction, read: Reader) => unknown): void => {}

describe('entries', () => {
  test('are readonly on every level', () => {
    expectTypeOf<Seat['tags']>().toEqualTypeOf<readonly { readonly name: string }[]>()
    expectTypeOf<Seat['size']>().toEqualTypeOf<readonly [number, number]>()
    expectTypeOf<Seat['holdId']>().toEqualTypeOf<string | undefined>()
    expectTypeOf<Seat['since']>().toEqualTypeOf<Date>()
    expectTypeOf<Seat['picture']>().toEqualTypeOf<Uint8Array>()
    expectTypeOf<Seat['more']>().toEqualTypeOf<unknown>()
    expectTypeOf<Frozen<{ a: Map<string, number>[] }>['a']>().toExtend<readonly unknown[]>()
    compiled((tx, read) => {
      const one = tx.get(seats, 'a') ?? tx.reject('none')
      expectTypeOf(one).toEqualTypeOf<Seat>()
      // @ts-expect-error: readonly
      one.row = 1
      // @ts-expect-error: a readonly list
      one.tags.push({ name: 'x' })
      // @ts-expect-error: readonly inside of it too
      for (const tag of one.tags) tag.name = 'x'
      // @ts-expect-error: a readonly pair
      one.size[0] = 1
      // @ts-expect-error: of what ranges give as well
      for (const entry of tx.range(seats, 'byHold')) entry.row = 1
      // @ts-expect-error: and of what queries get
      for (const entry of read.range(seats, 'byHold')) entry.row = 1
      // @ts-expect-error: and of what claims leave
      for (const entry of tx.take(seats, 'byHold', { limit: 1 }, {}).predicted) entry.row = 1
      // What is written may come from anywhere, mutable or not.
      const tags = [{ name: 'x' }]
      tx.put(seats, { ...one, tags })
    })
  })

  test('are those of their cache', () => {
    compiled((tx) => {
      tx.put(counts, { id: 'a', count: 1 })
      // @ts-expect-error: a number
      tx.put(counts, { id: 'a', count: '1' })
      // @ts-expect-error: it has a count
      tx.put(counts, { id: 'a' })
      // @ts-expect-error: it has no such field
      tx.put(counts, { id: 'a', count: 1, more: 1 })
      // @ts-expect-error: keys are texts
      tx.get(counts, 5)
      // @ts-expect-error: keys are texts
      tx.delete(counts, 5)
      // @ts-expect-error: one of three
      tx.take(seats, 'byHold', { limit: 1 }, { status: 'lost' })
    })
  })
})

describe('a cache', () => {
  test('has a key that is a required text, an expiry that is a number, indexes over its fields', () => {
    const schema = Type.Object({
      id: Type.String(),
      n: Type.Number(),
      note: Type.Optional(Type.String()),
    })
    expectTypeOf(defineCache('x', { schema, key: 'id' }).name).toEqualTypeOf<'x'>()
    const wrong = [
      // @ts-expect-error: a number
      () => defineCache('x', { schema, key: 'n' }),
      // @ts-expect-error: not in every entry
      () => defineCache('x', { schema, key: 'note' }),
      // @ts-expect-error: no field
      () => defineCache('x', { schema, key: 'other' }),
      // @ts-expect-error: a text
      () => defineCache('x', { schema, key: 'id', expiry: 'note' }),
      // @ts-expect-error: no field
      () => defineCache('x', { schema, key: 'id', indexes: { byOther: ['other'] } }),
      // @ts-expect-error: no field
      () => defineCache('x', { schema, key: 'id', readable: ['other'] }),
    ]
    for (const definition of wrong) expect(definition).toThrow(TypeError)
  })

  test('whose schema nobody knows takes what is told only when it runs', () => {
    const { schema } = seats
    const cache: AnyCache = defineCache('copy', { schema, key: 'key', expiry: 'until' })
    compiled((tx) => {
      tx.range(cache, 'byAnything', { equals: [1, 'a', true], from: 'b' })
      tx.increment(cache, 'a', 'row', 1)
      tx.append(cache, 'a', 'tags', [1])
    })
    expect(cache.key).toBe('key')
  })
})

describe('a range', () => {
  test("has values of its index's fields, and a bound on the one behind them", () => {
    compiled((tx, read) => {
      tx.range(seats, 'byStatus')
      tx.range(seats, 'byStatus', { equals: [] })
      tx.range(seats, 'byStatus', { from: 'A', limit: 5 })
      tx.range(seats, 'byStatus', { equals: ['A'], after: 'free' })
      tx.range(seats, 'byStatus', { equals: ['A', 'free'], from: 1, before: undefined })
      tx.range(seats, 'byStatus', { equals: ['A', 'free', 1], reverse: true })
      read.range(seats, 'byStatus', { equals: ['A', 'free'], to: 5 })
      tx.take(seats, 'byHold', { from: 'a', limit: 1 }, { holdId: undefined })
      // Of a field that may hold anything: what an index can order. null is in no index.
      tx.range(seats, 'byMore', { equals: [true], from: 5 })
      const free = { equals: ['A', 'free'], limit: 1 } as const
      tx.take(seats, 'byStatus', { ...free, from: 2 }, {})

      // @ts-expect-error: no such index
      tx.range(seats, 'byRow')
      // @ts-expect-error: a section is a text
      tx.range(seats, 'byStatus', { equals: [1] })
      // @ts-expect-error: no such status
      tx.range(seats, 'byStatus', { equals: ['A', 'lost'] })
      // @ts-expect-error: a row is a number
      tx.range(seats, 'byStatus', { equals: ['A', 'free', '1'] })
      // @ts-expect-error: more values than fields
      tx.range(seats, 'byStatus', { equals: ['A', 'free', 1, 1] })
      // @ts-expect-error: the bound is on the section
      tx.range(seats, 'byStatus', { from: 5 })
      // @ts-expect-error: the bound is on the row
      tx.range(seats, 'byStatus', { equals: ['A', 'free'], from: 'a' })
      // @ts-expect-error: no field is left
      tx.range(seats, 'byStatus', { equals: ['A', 'free', 1], from: 1 })
      read.page(seats, 'byStatus', {
        equals: ['A'],
        from: 'free',
        limit: 5,
        cursor: undefined,
        where: { row: { from: 1, before: 5 }, vip: true, until: 5 },
        filter: ({ row }) => row > 1,
      }).items satisfies readonly Seat[]
      // @ts-expect-error: pages as well
      read.page(seats, 'byStatus', { equals: ['A', 'free'], to: '5' })
      // @ts-expect-error: a field that no entry has
      read.page(seats, 'byStatus', { where: { rows: 1 } })
      // @ts-expect-error: a value that the field cannot have
      read.page(seats, 'byStatus', { where: { row: 'one' } })
      // @ts-expect-error: a bound that the field cannot have
      read.page(seats, 'byStatus', { where: { row: { from: 'one' } } })
      // @ts-expect-error: nothing that can be compared
      read.page(seats, 'byStatus', { where: { tags: 'x' } })
      // @ts-expect-error: queries' ranges too
      read.range(seats, 'byStatus', { equals: ['A', 'free'], to: '5' })
      // @ts-expect-error: those of claims too
      tx.take(seats, 'byHold', { from: 1, limit: 1 }, {})
      // @ts-expect-error: a claim has a limit
      tx.take(seats, 'byHold', { from: 'a' }, {})
      // @ts-expect-error: an index cannot order null
      tx.range(seats, 'byMore', { equals: [true], from: null })
    })
  })
})

describe('operations', () => {
  test('add to number fields, and append to lists what they hold', () => {
    compiled((tx) => {
      expectTypeOf(tx.increment(seats, 'a', 'row', 1)).toEqualTypeOf<Outcome<number>>()
      tx.increment(seats, 'a', 'until', 1)
      tx.increment(seats, 'a', 'more', 1)
      tx.append(seats, 'a', 'tags', [{ name: 'x' }])
      // @ts-expect-error: a text
      tx.increment(seats, 'a', 'section', 1)
      // @ts-expect-error: a list
      tx.increment(seats, 'a', 'tags', 1)
      // @ts-expect-error: no field
      tx.increment(seats, 'a', 'other', 1)
      // @ts-expect-error: by a number
      tx.increment(seats, 'a', 'row', '1')
      // @ts-expect-error: a number
      tx.append(seats, 'a', 'row', [1])
      // @ts-expect-error: of other items
      tx.append(seats, 'a', 'tags', ['x'])
      // @ts-expect-error: an entry of this cache
      tx.increment(counts, 'a', 'count', 1, { initial: { id: 'a' } })
    })
  })
})

describe('a handler', () => {
  const result = Type.Object({
    status: Type.Enum(['free', 'held'], { type: 'string' }),
    count: Type.Integer(),
    note: Type.Optional(Type.String()),
  })

  test('fits its result schema, outcomes filled in', () => {
    const commands = [
      defineCommand('c', { input: id, result, handler: () => ({ status: 'free', count: 1 }) }),
      defineCommand('c', {
        input: id,
        result,
        handler(tx, { id }) {
          if (tx.get(counts, id)) return { status: 'held', count: 1, note: 'x' }
          return { status: 'free', count: tx.increment(counts, id, 'count', 1) }
        },
      }),
      defineCommand('c', {
        input: id,
        result,
        handler: (tx, { id }) => ({ free: true, count: tx.increment(counts, id, 'count', 1) }),
        answer: ({ free, count }) => ({ status: free ? 'free' : 'held', count }),
      }),
      defineCommand('c', {
        input: id,
        result,
        handler: () => 5,
        answer: (count) => ({ status: 'free', count }),
      }),
      // What nobody knows is checked when it runs.
      defineCommand('c', { input: id, result, handler: (): unknown => 5 }),
    ]
    expectTypeOf(commands).items.toHaveProperty('name').toEqualTypeOf<'c'>()
    defineCommand('c', { input: id, result: Type.Null(), handler: () => {} })
    defineQuery('q', { input: id, result, handler: () => ({ status: 'free', count: 1 }) })

    // @ts-expect-error: no such status
    defineCommand('c', { input: id, result, handler: () => ({ status: 'lost', count: 1 }) })
    // @ts-expect-error: it has a count
    defineCommand('c', { input: id, result, handler: (_tx) => ({ status: 'free' }) })
    // @ts-expect-error: nothing is no result
    defineCommand('c', { input: id, result, handler: () => {} })
    defineCommand('c', {
      input: id,
      result,
      handler: (_tx) => ({ free: true }),
      // @ts-expect-error: what the answer makes of it does not fit
      answer: ({ free }) => ({ free }),
    })
    // @ts-expect-error: a number
    defineQuery('q', { input: id, result, handler: () => ({ status: 'free', count: '1' }) })
  })

  test('is synchronous, and comes to an end', () => {
    // It refuses whatever comes, and says what it would return.
    defineCommand('c', { input: id, handler: (tx): void => tx.reject('closed') })
    const wrong = [
      // @ts-expect-error: async
      () => defineCommand('c', { input: id, handler: async () => 1 }),
      // @ts-expect-error: async, whatever its result is
      () => defineCommand('c', { input: id, result: Type.Integer(), handler: async () => 1 }),
    ]
    for (const definition of wrong) expect(definition).toThrow('must not be async')
    const later = (): Promise<number> | undefined => undefined
    // @ts-expect-error: a promise at times
    defineCommand('c', { input: id, handler: () => later() })
    // @ts-expect-error: a promise of an answer
    defineCommand('c', { input: id, handler: (_tx) => 1, answer: async (data) => data })
    // @ts-expect-error: a promise
    defineQuery('q', { input: id, handler: async () => 1 })
    defineCommand('c', {
      input: id,
      // @ts-expect-error: it only throws
      handler: () => {
        throw new Error('to be written')
      },
    })
    // @ts-expect-error: it finds nothing, ever
    defineQuery('q', { input: id, handler: (read) => read.notFound('nothing') })
  })

  test('has the input that its schema says, readonly', () => {
    const input = Type.Object({ id: Type.String(), ids: Type.Array(Type.String()) })
    defineCommand('c', {
      input,
      handler(_tx, given) {
        expectTypeOf(given).toEqualTypeOf<{
          readonly id: string
          readonly ids: readonly string[]
        }>()
      },
    })
    // @ts-expect-error: its input is another one
    defineCommand('c', { input, handler: (_tx, { id }: { id: number }) => id })
    // @ts-expect-error: no such option
    expect(defineCommand('c', { input, handler: () => 1, acknowlege: 'accepted' })).toBeDefined()
  })
})

describe('caches of a space', () => {
  const all = [seats, counts]

  test('are all that works in it', () => {
    const totals = defineProjection('totals', { of: seats })
    const count = defineCommand('count', {
      input: id,
      caches: [counts],
      handler(tx, { id }) {
        tx.increment(counts, id, 'count', 1)
        ofCounts(tx)
        ofAny(tx)
        compiled(() => {
          // @ts-expect-error: it does not say that it works with seats
          tx.get(seats, id)
          // @ts-expect-error: nor may others do it for it
          ofSeats(tx)
        })
      },
    })
    const both = defineCommand('both', {
      input: id,
      caches: all,
      handler(tx) {
        ofCounts(tx)
        ofSeats(tx)
      },
    })
    const look = defineQuery('look', {
      input: id,
      caches: [counts],
      handler(read, { id }) {
        compiled(() => {
          // @ts-expect-error
          read.get(seats, id)
          // @ts-expect-error: it follows a cache that is not declared here
          read.get(totals, id)
        })
        return read.get(counts, id)?.count ?? null
      },
    })
    defineSpace('s', {
      caches: all,
      commands: [count, both],
      queries: [look],
      projections: [totals],
    })
    defineSpace('s', { caches: [counts], commands: [count], queries: [look] })
    const wrong = [
      // @ts-expect-error: it works with counts
      () => defineSpace('s', { caches: [seats], commands: [count] }),
      // @ts-expect-error: with seats too
      () => defineSpace('s', { caches: [counts], commands: [count, both] }),
      // @ts-expect-error: it works with counts
      () => defineSpace('s', { caches: [seats], queries: [look] }),
      // @ts-expect-error: it follows seats
      () => defineSpace('s', { caches: [counts], projections: [totals] }),
    ]
    for (const definition of wrong) expect(definition).toThrow('a cache outside space s: add ')
  })

  function ofSeats(tx: Transaction<'seats'>): void {
    compiled(() => tx.get(seats, 'a'))
  }
  function ofCounts(tx: Transaction<'counts'>): void {
    compiled(() => tx.get(counts, 'a'))
  }
  function ofAny(tx: Transaction): void {
    compiled(() => tx.get(seats, 'a'))
  }
})

describe('the type of a space', () => {
  const space = defineSpace('hall', {
    caches: [seats, counts],
    commands: [
      defineCommand('hold', {
        input: Type.Object({ id: Type.String(), seats: Type.Array(Type.String()) }),
        result: Type.Object({ until: Type.Integer() }),
        handler: (tx) => ({ until: tx.now }),
      }),
      defineCommand('count', {
        input: id,
        handler: (tx, { id }) => ({ id, count: tx.increment(counts, id, 'count', 1) }),
      }),
      defineCommand('forget', { input: id, handler: (tx, { id }) => tx.delete(counts, id) }),
      defineCommand('told', { input: id, handler: (_tx, { id }) => id, answer: (id) => [id] }),
    ],
    queries: [defineQuery('seat', { input: id, handler: (read, { id }) => read.get(seats, id) })],
  })
  type Commands = CommandsOf<typeof space>
  type Queries = QueriesOf<typeof space>

  test('knows names, inputs and results', () => {
    expectTypeOf(space.name).toEqualTypeOf<'hall'>()
    expectTypeOf<keyof Commands>().toEqualTypeOf<'hold' | 'count' | 'forget' | 'told'>()
    expectTypeOf<Commands['hold']['input']>().toEqualTypeOf<{
      readonly id: string
      readonly seats: readonly string[]
    }>()
    expectTypeOf<Commands['hold']['result']>().toEqualTypeOf<{ readonly until: number }>()
    expectTypeOf<Commands['count']['result']>().toEqualTypeOf<{
      readonly id: string
      readonly count: number
    }>()
    expectTypeOf<Commands['forget']['result']>().toEqualTypeOf<null>()
    expectTypeOf<Commands['told']['result']>().toEqualTypeOf<readonly [string]>()
    expectTypeOf<Queries['seat']['result']>().toEqualTypeOf<Seat | null>()
    expect([...space.commands.keys()]).toEqual(['hold', 'count', 'forget', 'told'])
  })

  test('of which nobody knows more takes every name and input', () => {
    const any: Space = space
    expectTypeOf<CommandsOf<typeof any>['anything']['input']>().toEqualTypeOf<unknown>()
    expectTypeOf<QueriesOf<typeof any>['anything']['result']>().toEqualTypeOf<unknown>()
    const one = defineCommand('one', { input: id, handler: () => 1 })
    expectTypeOf<InputOf<typeof one>>().toEqualTypeOf<{ readonly id: string }>()
    expectTypeOf<ResultOf<typeof one>>().toEqualTypeOf<1>()
    expect(any.commands.size).toBe(4)
  })
})
