import { describe, expect, test } from 'vitest'
import { MixedVersions } from '../kit/mixed-versions.ts'
import type { Value } from './data-types.ts'
import { defineCache, defineSpace, Type } from './define.ts'
import { entryFit } from './entry-fit.ts'
import type { AnyCache, Transaction } from './transaction.ts'

const id = Type.String()
const spaceOf = (...caches: AnyCache[]) => defineSpace('bank', { caches })

/** Both versions have announced themselves. */
function sideBySide(...caches: AnyCache[]): MixedVersions {
  const versions = new MixedVersions()
  for (const cache of caches) expect(versions.announce(spaceOf(cache))).toBe(true)
  return versions
}

const first = defineCache('accounts', {
  schema: Type.Object({
    id,
    balance: Type.Integer(),
    owner: Type.Optional(Type.Object({ name: Type.String() })),
    lines: Type.Optional(Type.Array(Type.Object({ by: Type.Integer() }))),
  }),
  key: 'id',
})
const wider = defineCache('accounts', {
  schema: Type.Object({
    id,
    balance: Type.Integer(),
    color: Type.Optional(Type.String()),
    owner: Type.Optional(Type.Object({ name: Type.String(), age: Type.Optional(Type.Integer()) })),
    lines: Type.Optional(
      Type.Array(Type.Object({ by: Type.Integer(), note: Type.Optional(Type.String()) })),
    ),
  }),
  key: 'id',
})
const whole = {
  id: 'a',
  balance: 1,
  color: 'red',
  owner: { name: 'ann', age: 7 },
  lines: [{ by: 1, note: 'x' }, { by: 2 }],
}

describe('fields that a version does not know', () => {
  test('are kept by it where it puts what it has read, changed where it knows them', () => {
    const versions = sideBySide(first, wider)
    versions.run([wider], (tx) => tx.put(wider, whole))
    versions.run([first], (tx) => {
      const read = tx.get(first, 'a')
      if (!read) throw new Error('it is there')
      const { lines = [], owner } = read
      tx.put(first, {
        ...read,
        balance: 2,
        owner: { ...owner, name: 'bob' },
        lines: [{ by: 0 }, ...lines.slice(0, 1)],
      })
    })
    expect(versions.stored(wider, 'a')).toEqual({
      ...whole,
      balance: 2,
      owner: { name: 'bob', age: 7 },
      lines: [{ by: 0 }, { by: 1, note: 'x' }],
    })
  })

  test('are kept by operations, and by an entry that is moved to another key', () => {
    const versions = sideBySide(first, wider)
    versions.run([wider], (tx) => tx.put(wider, whole))
    versions.run([first], (tx) => tx.increment(first, 'a', 'balance', 5))
    expect(versions.stored(wider, 'a')).toEqual({ ...whole, balance: 6 })
    versions.run([first], (tx) => {
      const read = tx.get(first, 'a')
      if (read) tx.put(first, { ...read, id: 'b' })
      tx.delete(first, 'a')
    })
    expect(versions.stored(wider, 'b')).toEqual({ ...whole, id: 'b', balance: 6 })
  })

  test('are lost where it puts a value that it has made itself: put says what is there afterwards', () => {
    const versions = sideBySide(first, wider)
    versions.run([wider], (tx) => tx.put(wider, whole))
    versions.run([first], (tx) => tx.put(first, { id: 'a', balance: 9 }))
    expect(versions.stored(first, 'a')).toEqual({ id: 'a', balance: 9 })
  })

  test('are no licence: what no version has declared is refused, on every level', () => {
    const versions = sideBySide(first, wider)
    const put = (value: object) => () =>
      versions.run([first], (tx) => tx.put(first, value as { id: string; balance: number }))
    expect(put({ id: 'a', balance: 1, colour: 'red' })).toThrow('colour is not a known field')
    expect(put({ id: 'a', balance: 1, owner: { name: 'x', colour: '' } })).toThrow('owner.colour')
    expect(put({ id: 'a', balance: '1', color: 'red' })).toThrow('balance')
    // The newer one knows its own fields, and with that what they must be.
    expect(() =>
      versions.run([wider], (tx) => tx.put(wider, { ...whole, color: 1 as unknown as string })),
    ).toThrow('color')
  })

  test('what stands in an entry as it is may stay, whatever this version says of it', () => {
    const strict = defineCache('accounts', {
      schema: Type.Object({ id, level: Type.Enum(['low', 'high']), n: Type.Integer() }),
      key: 'id',
    })
    const more = defineCache('accounts', {
      schema: Type.Object({ id, level: Type.Enum(['low', 'high', 'top']), n: Type.Integer() }),
      key: 'id',
    })
    const versions = sideBySide(strict, more)
    versions.run([more], (tx) => tx.put(more, { id: 'a', level: 'top', n: 1 }))
    const change = (what: object) => (tx: Transaction) =>
      tx.put(strict, { ...tx.get(strict, 'a'), ...what } as never)
    versions.run([strict], change({ n: 2 }))
    expect(versions.stored(more, 'a')).toEqual({ id: 'a', level: 'top', n: 2 })
    expect(() => versions.run([strict], change({ level: 'topmost' }))).toThrow('level')
    expect(() => versions.run([strict], change({ n: 'two' }))).toThrow('n must be integer')
    expect(() => versions.run([strict], change({ id: 'b' }))).toThrow('level')
  })

  test('are not told by a version that does not know them: a result is what it declares', () => {
    const versions = sideBySide(first, wider)
    versions.run([wider], (tx) => tx.put(wider, whole))
    const { owner, lines, color, ...own } = whole
    const told = { ...own, owner: { name: 'ann' }, lines: [{ by: 1 }, { by: 2 }] }
    const result = Type.Object({ account: first.schema })
    const handler = (tx: Transaction) => ({ account: tx.get(first, 'a') })
    expect(versions.run([first], handler, result)).toEqual({ account: told })
    expect(versions.run([wider], handler, Type.Object({ account: wider.schema }))).toEqual({
      account: whole,
    })
    const misspelt = (tx: Transaction) => ({ account: tx.get(first, 'a'), acount: 1 })
    expect(() => versions.run([first], misspelt, result)).toThrow('acount')
  })
})

describe('a new required field', () => {
  const next = defineCache('accounts', {
    schema: Type.Object({
      id,
      balance: Type.Integer(),
      limit: Type.Integer(),
      tags: Type.Array(Type.String()),
      visits: Type.Integer(),
    }),
    key: 'id',
    defaults: { limit: 100, tags: ['new'], visits: 0 },
  })
  const old = defineCache('accounts', {
    schema: Type.Object({ id, balance: Type.Integer() }),
    key: 'id',
  })

  test('is its default in entries from before, which stay as they are stored', () => {
    const versions = sideBySide(old, next)
    versions.run([old], (tx) => tx.put(old, { id: 'a', balance: 1 }))
    const read = versions.read(next, 'a')
    expect(read).toEqual({ id: 'a', balance: 1, limit: 100, tags: ['new'], visits: 0 })
    expect(Object.isFrozen(read)).toBe(true)
    expect(versions.read(next, 'a')).toBe(read)
    expect(versions.stored(next, 'a')).toEqual({ id: 'a', balance: 1 })
  })

  test('takes operations on from its default', () => {
    const versions = sideBySide(old, next)
    versions.run([old], (tx) => tx.put(old, { id: 'a', balance: 1 }))
    const changed = versions.run([next], (tx) => ({
      limit: tx.increment(next, 'a', 'limit', 5),
      tags: tx.append(next, 'a', 'tags', ['vip']),
      visits: tx.increment(next, 'a', 'visits', 1),
    }))
    expect(changed).toEqual({ limit: 105, tags: 2, visits: 1 })
    expect(versions.stored(next, 'a')).toEqual({
      ...{ id: 'a', balance: 1, limit: 105 },
      ...{ tags: ['new', 'vip'], visits: 1 },
    })
    expect(versions.run([old], (tx) => tx.get(old, 'a')?.balance)).toBe(1)
  })
})

describe('a renamed field', () => {
  const before = defineCache('seats', {
    schema: Type.Object({ key: id, row: Type.Integer(), state: Type.String() }),
    key: 'key',
    indexes: { byState: ['state', 'row'] },
  })
  const behind = defineCache('seats', {
    schema: Type.Object({ id, line: Type.Integer(), status: Type.String() }),
    key: 'id',
    indexes: { byState: ['status', 'line'] },
    renamed: { key: 'id', row: 'line', state: 'status' },
  })

  test('keeps its first name where it is stored: both versions see one entry', () => {
    const versions = sideBySide(before, behind)
    versions.run([before], (tx) => tx.put(before, { key: 'a', row: 1, state: 'free' }))
    versions.run([behind], (tx) => {
      expect(tx.get(behind, 'a')).toEqual({ id: 'a', line: 1, status: 'free' })
      tx.put(behind, { id: 'b', line: 2, status: 'free' })
      tx.increment(behind, 'a', 'line', 10)
    })
    expect(versions.stored(before, 'b')).toEqual({ key: 'b', row: 2, state: 'free' })
    versions.run([before], (tx) => {
      const free = tx.range(before, 'byState', { equals: ['free'] })
      expect(free.map(({ row }) => row)).toEqual([2, 11])
    })
    expect(versions.state.layout.shape.caches.at(-1)?.indexes).toHaveLength(1)
  })

  test('is taken by both alike, and answered under the name of who answers', () => {
    const versions = sideBySide(before, behind)
    for (const row of [1, 2, 3])
      versions.run([before], (tx) => tx.put(before, { key: `s${row}`, row, state: 'free' }))
    const range = { equals: ['free'], limit: 1 } as const
    const taken = (tx: Transaction) => tx.take(behind, 'byState', range, { status: 'held' })
    expect(versions.run([behind], (tx) => ({ mine: taken(tx) }))).toEqual({
      mine: [{ id: 's1', line: 1, status: 'held' }],
    })
    expect(versions.run([behind], (tx) => taken(tx))).toEqual([
      { id: 's2', line: 2, status: 'held' },
    ])
    expect(versions.run([behind], (tx) => [1, taken(tx), 3])).toEqual([
      ...[1, [{ id: 's3', line: 3, status: 'held' }], 3],
    ])
    versions.run([before], (tx) => {
      expect(tx.range(before, 'byState', { equals: ['held'] })).toHaveLength(3)
    })
  })

  test('is renamed again: it is still stored under the first name', () => {
    const third = defineCache('seats', {
      schema: Type.Object({ id, bank: Type.Integer() }),
      key: 'id',
      renamed: { row: 'bank', line: 'bank', key: 'id' },
    })
    const versions = sideBySide(before, behind, third)
    versions.run([before], (tx) => tx.put(before, { key: 'a', row: 4, state: 'free' }))
    expect(versions.read(third, 'a')).toEqual({ id: 'a', bank: 4, state: 'free' })
    versions.run([third], (tx) => {
      const read = tx.get(third, 'a')
      if (read) tx.put(third, { ...read, bank: 5 })
    })
    expect(versions.stored(before, 'a')).toEqual({ key: 'a', row: 5, state: 'free' })
  })
})

describe('an upcast', () => {
  const euros = defineCache('prices', {
    schema: Type.Object({ id, euros: Type.Number(), rank: Type.Integer() }),
    key: 'id',
    indexes: { byRank: ['rank'] },
  })
  const cents = defineCache('prices', {
    schema: Type.Object({ id, cents: Type.Integer(), rank: Type.Integer() }),
    key: 'id',
    indexes: { byRank: ['rank'] },
    upcast: ({ euros: amount, ...rest }) => ({
      ...rest,
      cents: Math.round(Number(amount) * 100),
    }),
  })

  test('makes the present shape when it is read; what is stored stays until it is written', () => {
    const versions = sideBySide(euros, cents)
    versions.run([euros], (tx) => tx.put(euros, { id: 'a', euros: 1.5, rank: 1 }))
    expect(versions.read(cents, 'a')).toEqual({ id: 'a', cents: 150, rank: 1 })
    expect(versions.stored(cents, 'a')).toEqual({ id: 'a', euros: 1.5, rank: 1 })
    versions.run([cents], (tx) => {
      const read = tx.get(cents, 'a')
      if (read) tx.put(cents, { ...read, cents: 160 })
    })
    expect(versions.stored(cents, 'a')).toEqual({ id: 'a', cents: 160, rank: 1 })
  })

  test('comes before operations on an entry of the former shape', () => {
    const versions = sideBySide(euros, cents)
    for (const rank of [1, 2])
      versions.run([euros], (tx) => tx.put(euros, { id: `p${rank}`, euros: rank, rank }))
    expect(versions.run([cents], (tx) => ({ now: tx.increment(cents, 'p1', 'cents', 5) }))).toEqual(
      { now: 105 },
    )
    expect(versions.stored(cents, 'p1')).toEqual({ id: 'p1', cents: 105, rank: 1 })
    const taken = versions.run([cents], (tx) => ({
      all: tx.take(cents, 'byRank', { limit: 2 }, { rank: 9 }),
    }))
    expect(taken).toEqual({
      all: [
        { id: 'p1', cents: 105, rank: 9 },
        { id: 'p2', cents: 200, rank: 9 },
      ],
    })
    expect(versions.stored(cents, 'p2')).toEqual({ id: 'p2', cents: 200, rank: 9 })
  })

  test('that makes nothing that fits is a fault of the application, with the cache and the field', () => {
    const versions = sideBySide(euros)
    versions.run([euros], (tx) => tx.put(euros, { id: 'a', euros: 1, rank: 1 }))
    const wrong = (upcast: () => unknown) =>
      defineCache('prices', { schema: cents.schema, key: 'id', upcast: upcast as never })
    const read = (cache: AnyCache) => () => versions.run([cache], (tx) => tx.get(cache, 'a'))
    expect(read(wrong(() => ({ id: 'a' })))).toThrow('cache prices: cents of what its upcast made')
    expect(read(wrong(() => 1))).toThrow('cache prices: the upcast made no object')
    expect(read(wrong(() => ({ id: 'b', cents: 1, rank: 1 })))).toThrow('id is the key')
    expect(
      read(
        wrong(() => {
          throw new Error('oh')
        }),
      ),
    ).toThrow('the upcast threw oh')
    expect(() => wrong(async () => 1)).toThrow('cache prices: upcast')
    expect(read(wrong(() => Promise.resolve(1)))).toThrow('made what cannot be kept')
  })
})

describe('what becomes of a stored entry', () => {
  const cache = (options: object) =>
    defineCache('things', {
      schema: Type.Object({ id, n: Type.Integer() }),
      key: 'id',
      ...options,
    }) as AnyCache
  const fit = (options: object, stored: Value) => entryFit(cache(options), stored)

  test('kept, renamed, defaulted, upcast', () => {
    expect(fit({}, { id: 'a', n: 1 })).toEqual({ how: 'kept' })
    expect(fit({}, { id: 'a', n: 1, more: 1 })).toEqual({ how: 'kept' })
    expect(fit({ renamed: { m: 'n' } }, { id: 'a', m: 1 })).toEqual({ how: 'renamed' })
    expect(fit({ defaults: { n: 1 } }, { id: 'a' })).toEqual({ how: 'defaulted' })
    const upcast = (stored: Value) => ({ id: stored.id, n: 1 })
    expect(fit({ upcast }, { id: 'a', n: 'x' })).toEqual({ how: 'upcast' })
    expect(fit({ upcast }, { id: 'a', n: 2 })).toEqual({ how: 'kept' })
  })

  test('unreadable, or not found by an index', () => {
    const unreadable = { how: 'unreadable', field: 'n', message: 'is required' }
    expect(fit({}, { id: 'a' })).toEqual(unreadable)
    expect(fit({ renamed: { m: 'n' } }, { id: 'a' })).toEqual(unreadable)
    expect(fit({}, { id: 'a', n: 'x' })).toMatchObject({ how: 'unreadable', field: 'n' })
    const upcast = (stored: Value) => ({ id: stored.id, n: 1 })
    expect(fit({ upcast, indexes: { byN: ['n'] } }, { id: 'a' })).toEqual({
      how: 'unindexed',
      field: 'n',
      message: 'is not stored as it is read, so index byN does not find it',
    })
  })
})

test('a definition says what is wrong with what it says of its past', () => {
  const define = (options: object) => () =>
    defineCache('things', {
      schema: Type.Object({ id, n: Type.Integer(), m: Type.Optional(Type.String()) }),
      key: 'id',
      indexes: { byM: ['m'] },
      ...options,
    })
  expect(define({ renamed: { n: 'm' } })).toThrow(
    'renamed names n, which the schema still declares',
  )
  expect(define({ renamed: { a: 'b' } })).toThrow('renamed names the unknown field b')
  expect(define({ defaults: { x: 1 } })).toThrow('defaults name the unknown field x')
  expect(define({ defaults: { n: 'one' } })).toThrow('the default of n does not fit')
  expect(define({ defaults: { id: 'a' } })).toThrow('id can have no default')
  expect(define({ defaults: { m: 'a' } })).toThrow('would not be in index byM')
  expect(define({ upcast: 1 })).toThrow('upcast must be a function')
})
