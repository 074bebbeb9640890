import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Rejection } from 'spacegrid'
import { ApplicationFault, SpaceHarness } from 'spacegrid/testing'
import { createShop, type Order, orders } from './space.ts'

// Run by `node --test`: the harness needs no test runner of its own.

test('two units place the same order: one of them does', () => {
  const grid = new SpaceHarness(createShop({ amountMax: 10 }))
  const order: Order = { orderId: 'o1', customer: 'ann', amount: 3 }
  const first = grid.unit('one').start('placeOrder', order)
  const second = grid.unit('two').start('placeOrder', order)
  grid.settle()
  assert.deepEqual(first.result(), { orderId: 'o1' })
  assert.throws(() => second.result(), { reason: 'order_exists' })
  assert.deepEqual(grid.entries(orders), [order])
  assert.deepEqual(grid.query('ordersOf', { customer: 'ann' }), { orders: [order], total: 3 })
})

test('an order has its limits', () => {
  const grid = new SpaceHarness(createShop({ amountMax: 10 }))
  const input = { orderId: 'o1', customer: 'ann', amount: 11 }
  assert.throws(() => grid.execute('placeOrder', input), Rejection)
})

test('a mistake of the application is told with its line there, not one of the grid', () => {
  const grid = new SpaceHarness(createShop({ amountMax: 10 }))
  assert.throws(
    () => grid.execute('break', {}),
    (error) => error instanceof ApplicationFault && /space\.ts:\d+:\d+$/.test(error.line ?? ''),
  )
})
