import { Rejection } from 'spacegrid'
import { SpaceHarness } from 'spacegrid/testing'
import { describe, expect, test } from 'vitest'
import { audit } from './audit.ts'
import { concert, holdMs } from './box-office.ts'
import { orders } from './caches.ts'
import { createTicketing } from './space.ts'

const eventIds = Array.from({ length: 12 }, (_, n) => `concert-${n}`)

function opened(partitions: number) {
  const grid = new SpaceHarness(createTicketing({ holdMs, partitions }))
  for (const eventId of eventIds) grid.execute('createEvent', { ...concert, eventId })
  return grid
}

const reasonOf = (run: () => unknown) => {
  try {
    return run()
  } catch (error) {
    if (error instanceof Rejection) return error.reason
    throw error
  }
}

describe.each([1, 4, 16])('ticketing in %d partitions', (partitions) => {
  test('sells, frees and forgets as in one', () => {
    const grid = opened(partitions)
    const bought: string[] = []
    for (const eventId of eventIds) {
      const hold = { eventId, customerId: 'ann' }
      const first = grid.execute('holdBestAvailable', { ...hold, section: 'A', quantity: 3 })
      const second = grid.execute('holdSeats', { ...hold, seatIds: ['B-1-1', 'B-1-2'] })
      grid.execute('holdSeats', { ...hold, seatIds: ['B-1-3'] })
      const over = { ...hold, section: 'A', quantity: 3 }
      expect(reasonOf(() => grid.execute('holdBestAvailable', over))).toBe('limit_exceeded')
      const paid = { holdId: first.holdId, paymentReference: 'paid' }
      bought.push(grid.execute('confirmHold', paid).orderId)
      expect(grid.execute('confirmHold', paid).orderId).toBe(first.holdId)
      expect(grid.execute('releaseHold', { holdId: second.holdId }).seatIds).toHaveLength(2)
      expect(grid.query('seatMap', { eventId, section: 'B' }).seats[2]).toMatchObject({
        status: 'held',
      })
      expect(audit(grid)).toEqual([])
    }
    grid.advance(holdMs)
    const [cancelled] = bought as [string]
    expect(grid.execute('cancelOrder', { orderId: cancelled }).seatIds).toHaveLength(3)
    expect(grid.query('order', { orderId: cancelled }).status).toBe('cancelled')
    expect(grid.entries(orders)).toHaveLength(12)
    for (const eventId of eventIds.slice(1))
      expect(grid.query('availability', { eventId }).sections).toEqual([
        { section: 'A', free: 27, held: 0, sold: 3 },
        { section: 'B', free: 10, held: 0, sold: 0 },
      ])
    expect(audit(grid)).toEqual([])
    expect(grid.faults).toEqual([])
  })

  test('tells orders of all events, newest first, a page at a time', () => {
    const grid = opened(partitions)
    const bought: string[] = []
    for (const [n, eventId] of [...eventIds, ...eventIds].entries()) {
      // Several at the same time.
      if (n % 5 === 0) grid.advance(1000)
      const order = { eventId, section: 'A', quantity: 1, customerId: 'ann' }
      const { holdId } = grid.execute('holdBestAvailable', order)
      bought.push(grid.execute('confirmHold', { holdId, paymentReference: 'p' }).orderId)
    }
    const told: { readonly orderId: string; readonly orderedAt: number }[] = []
    let cursor: string | undefined
    do {
      const asked = { customerId: 'ann', limit: 7 }
      const page = grid.query('ordersByCustomer', cursor ? { ...asked, cursor } : asked)
      expect(page.orders.length).toBe(Math.min(7, bought.length - told.length))
      told.push(...page.orders)
      cursor = page.next
    } while (cursor !== undefined)
    expect(told.map(({ orderId }) => orderId).sort()).toEqual(bought.sort())
    const times = told.map(({ orderedAt }) => orderedAt)
    expect(times).toEqual(times.toSorted((a, b) => b - a))
    expect(grid.query('ordersByCustomer', { customerId: 'nobody' })).toEqual({ orders: [] })
  })
})

test('an id that no command has made is the mistake of whoever sends it', () => {
  const grid = opened(4)
  for (const ask of [
    () => grid.execute('confirmHold', { holdId: 'x', paymentReference: 'paid' }),
    () => grid.query('order', { orderId: 'x' }),
  ])
    expect(ask).toThrow('is no id that a command of this space has made')
})
