import { testGrid } from 'spacegrid/testing'
import { expect, test } from 'vitest'
import { archivedOrders } from './caches.ts'
import { createTicketing } from './space.ts'

const orders = archivedOrders(1000)

test.each([1, 4])(
  'orders that have left memory are orders still: %i partitions',
  async (partitions) => {
    const ticketing = createTicketing({ archiveOrdersMs: 1000, partitions })
    const grid = await testGrid(ticketing, { units: 2 })
    const sections = [{ section: 'A', rows: 1, seatsPerRow: 4, price: 5 }]
    const startsAt = grid.now + 1_000_000
    await grid.when('createEvent', { eventId: 'gig', name: 'Gig', startsAt, sections })
    const hold = { eventId: 'gig', section: 'A', quantity: 2, customerId: 'ann' }
    const { holdId } = await grid.when('holdBestAvailable', hold)
    const pay = { holdId, paymentReference: 'p1' }
    const { orderId } = await grid.when('confirmHold', pay)
    await grid.advance(5000)
    await grid.settle()
    expect(grid.entries(orders)).toEqual([])
    expect(await grid.when('confirmHold', pay, { unit: 1 })).toEqual({ orderId })
    await expect(
      grid.when('confirmHold', { ...pay, paymentReference: 'p2' }),
    ).rejects.toMatchObject({ reason: 'hold_confirmed' })
    expect(await grid.query('order', { orderId })).toMatchObject({ status: 'confirmed' })
    expect(await grid.when('cancelOrder', { orderId })).toMatchObject({
      seatIds: ['A-1-1', 'A-1-2'],
    })
    expect(await grid.query('order', { orderId })).toMatchObject({ status: 'cancelled' })
    expect(await grid.query('availability', { eventId: 'gig' })).toMatchObject({
      sections: [expect.objectContaining({ free: 4, sold: 0 })],
    })
    const { holdId: unpaid } = await grid.when('holdBestAvailable', hold)
    await expect(grid.when('cancelOrder', { orderId: unpaid })).rejects.toMatchObject({
      reason: 'order_not_found',
    })
    await grid.stop()
  },
)
