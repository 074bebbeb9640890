import { testGrid } from 'spacegrid/testing'
import { expect, test } from 'vitest'
import inventory, { orders, products, reserve, ship, stock } from './space.ts'

const tea = { sku: 'tea', warehouse: 'north', available: 6 }

test('what is reserved is shipped once, however often it is asked for', async () => {
  await using grid = await testGrid(inventory, { units: 2 })
  await grid.given([[products, tea]])
  const [two, key] = [{ sku: 'tea', quantity: 2 }, { idempotencyKey: 'ada-1' }]
  const { id } = await grid.when(reserve, two, key)
  expect(await grid.when(reserve, two, { ...key, unit: 1 })).toMatchObject({ id })
  const { total, items } = await grid.query(stock, { warehouse: 'north' })
  expect(total).toEqual({ warehouse: 'north', available: 4, reserved: 2 })
  expect(items).toEqual([{ ...tea, available: 4 }])
  await grid.when(ship, { id })
  await expect(grid.when(ship, { id })).rejects.toThrow('reservation_not_found')
})

test('what is not shipped in time is available again', async () => {
  await using grid = await testGrid(inventory, { units: 2 })
  await grid.given([[products, tea]])
  await grid.when(reserve, { sku: 'tea', quantity: 1, forMs: 60_000 })
  await grid.advance(61_000)
  expect(grid.entry(products, 'tea')).toEqual(tea)
})

test('with little left more is ordered, and nothing is promised that is not there', async () => {
  await using grid = await testGrid(inventory, { units: 2 })
  await grid.given([[products, tea]])
  await grid.when(reserve, { sku: 'tea', quantity: 4 })
  await grid.advance(1_000)
  expect(grid.entries(orders)).toEqual([{ sku: 'tea', quantity: 20 }])
  await expect(grid.when(reserve, { sku: 'tea', quantity: 3 })).rejects.toThrow('not_enough')
})
