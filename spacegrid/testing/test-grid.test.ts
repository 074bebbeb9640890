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
    indexes: { all: ['id'] },
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
  const withdraw = defineCommand('withdraw', {
    input: Type.Object({ id: Type.String(), sum: Type.Integer() }),
    partitionBy: 'id',
    partOnly: true,
    handler(tx, { id, sum }) {
      const left = (tx.get(accounts, id)?.sum ?? tx.reject('unknown', { id })) - sum
      if (left < 0) tx.reject('too_little', { id })
      tx.put(accounts, { id, sum: left })
      return { left }
    },
  })
  const transfer = defineCommand('transfer', {
    input: Type.Object({ from: Type.String(), to: Type.String(), sum: Type.Integer() }),
    parts: ({ from, to, sum }) => [
      { command: withdraw, input: { id: from, sum } },
      { command: deposit, input: { id: to, sum } },
    ],
    answer: ([{ left }, now]) => ({ left, now }),
  })
  const inAll = defineQuery('inAll', {
    input: Type.Object({}),
    handler: (read) => read.range(accounts, 'all').reduce((sum, one) => sum + one.sum, 0),
    everyPartition: { merge: (sums) => sums.reduce((one, other) => one + other, 0) },
  })
  const transfers = defineSpace('bank', {
    partitions: 4,
    caches: [accounts],
    commands: [deposit, withdraw, transfer],
    queries: [inAll],
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

  describe('commands across partitions', () => {
    const [one, other] = ['account-0', 'account-1'] as const
    const filled = async (units: number) => {
      const grid = await testGrid(transfers, { units })
      await grid.given(ids.map((id) => [accounts, { id, sum: 10 }] as const))
      await grid.settle()
      return grid
    }
    const sumOf = (grid: Awaited<ReturnType<typeof filled>>) =>
      grid.entries(accounts).reduce((sum, account) => sum + account.sum, 0)

    test('are done when they are answered, in every partition', async () => {
      await using grid = await filled(3)
      for (const [n, from] of ids.entries())
        for (const to of ids.filter((id) => id !== from).slice(0, 4)) {
          const before = [from, to].map((id) => grid.entry(accounts, id)?.sum ?? 0)
          await grid.when(transfer, { from, to, sum: 1 }, { unit: n % 3 })
          const after = [from, to].map((id) => grid.entry(accounts, id)?.sum ?? 0)
          expect(after).toEqual([before[0]! - 1, before[1]! + 1])
        }
      expect(grid.events).toHaveLength(12 * 4)
      await grid.agree()
    })

    test('are in the latest answer of all partitions once they are answered, unfinished or not', async () => {
      await using grid = await filled(3)
      let unfinished = 0
      for (const [n, from] of ids.entries()) {
        let isAnswered = false
        const sent = grid.send(transfer, { from, to: ids[(n + 5) % 12]!, sum: 4 })
        sent.then(() => {
          isAnswered = true
        })
        while (!isAnswered) await grid.advance(0.25)
        if (sumOf(grid) !== 120) unfinished++
        expect(await grid.query(inAll, {}, { unit: n % 3 })).toBe(120)
      }
      expect(unfinished).toBeGreaterThan(0)
    })

    test('do nothing when a part refuses, and say which', async () => {
      await using grid = await filled(2)
      for (const to of ids.slice(1))
        await expect(grid.when('transfer', { from: one, to, sum: 11 })).rejects.toMatchObject({
          reason: 'too_little',
          details: { parts: [{ part: 0, command: 'withdraw', details: { id: one } }] },
        })
      await grid.settle()
      expect(grid.entries(accounts).map(({ sum }) => sum)).toEqual(ids.map(() => 10))
      expect(grid.events).toEqual([])
      await expect(grid.when(withdraw, { id: one, sum: 1 })).rejects.toThrow('withdraw')
    })

    test('meet: each does all of it or nothing', async () => {
      await using grid = await filled(3)
      const transfersOf = [0, 1, 2, 3, 4, 5].map((n) => {
        const [from, to] = n % 2 === 0 ? [one, other] : [other, one]
        return grid.send(transfer, { from, to, sum: 7 }, { unit: n % 3 })
      })
      await grid.settle()
      const told = await Promise.allSettled(transfersOf)
      expect(told.some(({ status }) => status === 'fulfilled')).toBe(true)
      expect(sumOf(grid)).toBe(120)
      await grid.agree()
    })

    test.each(Array.from({ length: 16 }, (_, ms) => ms))(
      'whose unit dies after %d ms are done once, or not at all',
      async (ms) => {
        await using grid = await filled(3)
        const asked = { from: one, to: other, sum: 4 }
        const key = { idempotencyKey: 'transfer-1' }
        grid.send(transfer, asked, { ...key, unit: 0 })
        await grid.advance(ms)
        grid.crash(0)
        await grid.settle()
        const left = grid.entry(accounts, one)?.sum
        expect([6, 10]).toContain(left)
        expect(sumOf(grid)).toBe(120)
        const again = await grid.answer(transfer, asked, { ...key, unit: 1 })
        expect(again.replayed).toBe(left === 6)
        expect(grid.entry(accounts, one)).toEqual({ id: one, sum: 6 })
        expect(grid.entry(accounts, other)).toEqual({ id: other, sum: 14 })
        await grid.restart(0)
        await grid.agree()
      },
    )

    test('go on while a unit stands still or is cut off, and it has them afterwards', async () => {
      await using grid = await filled(3)
      for (const away of ['pause', 'partition'] as const) {
        grid[away](1)
        await grid.when(transfer, { from: one, to: other, sum: 1 }, { unit: 0 })
        if (away === 'pause') grid.resume(1)
        else grid.heal(1)
        await grid.settle()
        await grid.agree()
      }
      expect(grid.entry(accounts, other, { unit: 1 })?.sum).toBe(12)
    })

    test('wait for nobody who could finish them', async () => {
      await using grid = await filled(2)
      const cut = grid.send(transfer, { from: one, to: other, sum: 1 })
      await grid.advance(2)
      grid.pauseLog()
      grid.fillLog()
      await grid.settle()
      await expect(cut).rejects.toMatchObject({ code: expect.any(String) })
      grid.fillLog(false)
      grid.heal()
      await grid.settle()
      expect(sumOf(grid)).toBe(120)
      await grid.agree()
    })
  })
})
