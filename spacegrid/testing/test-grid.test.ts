import {
  defineCache,
  defineCommand,
  defineQuery,
  defineSpace,
  Type,
} from '@spacegrid/grid/core/define'
import { Rejection } from '@spacegrid/grid/core/errors'
import { describe, expect, test } from 'vitest'
import { testGrid } from './test-grid.ts'

const stock = defineCache('stock', {
  schema: Type.Object({ id: Type.String(), left: Type.Integer() }),
  key: 'id',
})
const baskets = defineCache('baskets', {
  schema: Type.Object({ id: Type.String(), item: Type.String(), until: Type.Integer() }),
  key: 'id',
  expiry: 'until',
  onExpire(tx, { id, item }) {
    tx.delete(baskets, id)
    tx.increment(stock, item, 'left', 1)
  },
})
const reserve = defineCommand('reserve', {
  input: Type.Object({ item: Type.String() }),
  handler(tx, { item }) {
    const { left } = tx.get(stock, item) ?? tx.reject('unknown')
    if (left === 0) tx.reject('sold_out', { item })
    const id = tx.newId()
    tx.put(stock, { id: item, left: left - 1 })
    tx.put(baskets, { id, item, until: tx.now + 60_000 })
    tx.emit('Reserved', { item })
    return { basket: id }
  },
})
const left = defineQuery('left', {
  input: Type.Object({ item: Type.String() }),
  handler: (read, { item }) => ({ left: read.get(stock, item)?.left ?? read.notFound(item) }),
})
const shop = defineSpace('shop', {
  caches: [stock, baskets],
  commands: [reserve],
  queries: [left],
})
const refused = (reason: string) => expect.objectContaining({ reason })

test('given entries, when a command is given, then it is there', async () => {
  await using grid = await testGrid(shop)
  await grid.given([[stock, { id: 'tea', left: 1 }]])
  const { basket } = await grid.when(reserve, { item: 'tea' })
  expect(grid.entries(baskets)).toEqual([{ id: basket, item: 'tea', until: expect.any(Number) }])
  expect(grid.entry(stock, 'tea')?.left).toBe(0)
  expect(await grid.query(left, { item: 'tea' })).toEqual({ left: 0 })
  expect(grid.events).toEqual([{ name: 'Reserved', payload: { item: 'tea' } }])
  await expect(grid.when('reserve', { item: 'tea' })).rejects.toThrow(refused('sold_out'))
  // @ts-expect-error what no type lets through
  await expect(grid.when('reserve', { item: 1 })).rejects.toThrow(/item/)
  // @ts-expect-error as above
  await expect(grid.given([[stock, { id: 'tea', left: 'many' }]])).rejects.toThrow('left')
  await expect(grid.query('left', { item: 'salt' })).rejects.toThrow('salt')
})

test('two units meet: one of them is refused, and all agree', async () => {
  await using grid = await testGrid(shop, { units: 2 })
  await grid.given([[stock, { id: 'tea', left: 1 }]])
  const asked = [0, 1].map((unit) => grid.send(reserve, { item: 'tea' }, { unit }))
  await grid.settle()
  const told = await Promise.allSettled(asked)
  expect(told.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
  const [no] = told.filter(({ status }) => status === 'rejected')
  expect((no as PromiseRejectedResult).reason).toBeInstanceOf(Rejection)
  await grid.agree()
  expect(grid.entries(stock, { unit: 1 })).toEqual([{ id: 'tea', left: 0 }])
})

test('time passes when it is told to: what has expired is free again', async () => {
  await using grid = await testGrid(shop, { now: 1_000_000 })
  await grid.given([[stock, { id: 'tea', left: 1 }]])
  await grid.when(reserve, { item: 'tea' })
  await grid.advance(59_000)
  expect(grid.entry(stock, 'tea')?.left).toBe(0)
  await grid.advance(2_000)
  expect(grid.entries(baskets)).toEqual([])
  expect(grid.entry(stock, 'tea')?.left).toBe(1)
  expect(grid.now).toBeGreaterThan(1_060_000)
})

test('a unit that dies and starts again holds what the log holds; a retry with its key is one', async () => {
  await using grid = await testGrid(shop, { units: 2 })
  await grid.given([[stock, { id: 'tea', left: 5 }]])
  const key = { idempotencyKey: 'order-1' }
  const first = await grid.answer(reserve, { item: 'tea' }, key)
  grid.crash(0)
  await expect(grid.when(reserve, { item: 'tea' })).rejects.toThrow('has crashed')
  const again = await grid.answer(reserve, { item: 'tea' }, { ...key, unit: 1 })
  expect([again.replayed, again.result]).toEqual([true, first.result])
  await grid.restart(0)
  await grid.agree()
  expect(grid.entries(stock, { unit: 0 })).toEqual([{ id: 'tea', left: 4 }])
})

test('a unit that is cut off or stands still falls behind, and catches up', async () => {
  await using grid = await testGrid(shop, { units: 3 })
  await grid.given([[stock, { id: 'tea', left: 5 }]])
  await grid.agree()
  grid.partition(1)
  grid.pause(2)
  await grid.when(reserve, { item: 'tea' })
  await grid.advance(50)
  for (const unit of [1, 2]) expect(grid.entries(stock, { unit })).toEqual([{ id: 'tea', left: 5 }])
  const late = grid.send(reserve, { item: 'tea' }, { unit: 1 })
  await grid.advance(100)
  grid.heal(1)
  grid.resume(2)
  await grid.settle()
  expect(await late).toEqual({ basket: expect.any(String) })
  await grid.agree()
  expect(grid.entry(stock, 'tea', { unit: 2 })?.left).toBe(3)
})

test('a log that is away or full: commands say so, and go on afterwards', async () => {
  await using grid = await testGrid(shop, { unitOptions: { commandMsMax: 500 } })
  await grid.given([[stock, { id: 'tea', left: 5 }]])
  grid.pauseLog()
  const lost = grid.send(reserve, { item: 'tea' })
  await grid.advance(2_000)
  await expect(lost).rejects.toThrow(expect.objectContaining({ code: expect.any(String) }))
  grid.heal()
  await grid.advance(2_000)
  await grid.ready()
  grid.fillLog()
  await expect(grid.when(reserve, { item: 'tea' })).rejects.toThrow(
    expect.objectContaining({ code: 'log_full' }),
  )
  grid.fillLog(false)
  await grid.settle()
  await grid.when(reserve, { item: 'tea' })
})

describe('a grid of a divided space', () => {
  const accounts = defineCache('accounts', {
    schema: Type.Object({ id: Type.String(), sum: Type.Integer() }),
    key: 'id',
    partitionBy: 'id',
  })
  const deposit = defineCommand('deposit', {
    input: Type.Object({ id: Type.String(), sum: Type.Integer() }),
    partitionBy: 'id',
    handler(tx, { id, sum }) {
      tx.emit('Deposited', { id })
      return tx.increment(accounts, id, 'sum', sum, { initial: { id, sum: 0 } })
    },
  })
  const total = defineQuery('total', {
    input: Type.Object({}),
    handler: (read) => read.count(accounts),
    everyPartition: { merge: (counts) => counts.reduce((one, other) => one + other, 0) },
  })
  const bank = defineSpace('bank', {
    partitions: 4,
    caches: [accounts],
    commands: [deposit],
    queries: [total],
  })
  const ids = Array.from({ length: 12 }, (_, n) => `account-${n}`)

  test('gives commands where they belong, and asks all', async () => {
    await using grid = await testGrid(bank, { units: 2 })
    await grid.given(ids.map((id) => [accounts, { id, sum: 1 }] as const))
    for (const [n, id] of ids.entries())
      expect(await grid.when(deposit, { id, sum: 1 }, { unit: n % 2 })).toBe(2)
    expect(await grid.query(total, {}, { unit: 1 })).toBe(12)
    await grid.settle()
    const expected = ids.toSorted().map((id) => ({ id, sum: 2 }))
    expect(grid.entries(accounts)).toEqual(expected)
    expect(grid.entries(accounts, { unit: 1 })).toEqual(expected)
    expect(grid.events.map(({ payload }) => payload.id)).toEqual(ids)
    await grid.agree()
  })

  test('survives the loss of a unit', async () => {
    await using grid = await testGrid(bank, { units: 2 })
    await grid.settle()
    grid.crash(0)
    for (const id of ids) expect(await grid.when(deposit, { id, sum: 1 }, { unit: 1 })).toBe(1)
    await grid.restart(0)
    await grid.settle()
    expect(await grid.query(total, {}, { unit: 0 })).toBe(12)
    await grid.agree()
  })
})
