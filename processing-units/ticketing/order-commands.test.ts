import { describe, expect, test } from 'vitest'
import { audit } from './audit.ts'
import { BoxOffice, holdMs } from './box-office.ts'
import { expiredHolds, orders, seats } from './caches.ts'
import { expiredHoldMemoryMs } from './holds.ts'

const rejected = (reason: string, details?: object) =>
  expect.objectContaining(details === undefined ? { reason } : { reason, details })

describe('confirmHold', () => {
  test('makes an order of a hold', () => {
    const office = new BoxOffice()
    const { holdId, total } = office.hold(['A-1-10', 'A-1-2'])
    const orderId = office.confirm(holdId, 'payment-1')
    expect(office.grid.read.get(orders, orderId)).toEqual({
      orderId,
      eventId: 'concert',
      customerId: 'ann',
      seatIds: ['A-1-2', 'A-1-10'],
      total,
      paymentReference: 'payment-1',
      status: 'confirmed',
      orderedAt: office.grid.now,
    })
    expect(office.grid.read.get(seats, 'concert/A-1-2')).toMatchObject({ status: 'sold', orderId })
    expect(office.grid.events.at(-1)).toEqual({
      name: 'HoldConfirmed',
      payload: {
        holdId,
        orderId,
        eventId: 'concert',
        customerId: 'ann',
        seatIds: ['A-1-2', 'A-1-10'],
        total,
      },
    })
    office.grid.advance(10 * holdMs)
    expect(office.sectionA).toEqual({ free: 28, held: 0, sold: 2 })
    expect(audit(office.grid)).toEqual([])
  })

  test('confirms the seats that were found at the meld', () => {
    const office = new BoxOffice()
    const { holdId, seatIds } = office.best('B', 3)
    const orderId = office.confirm(holdId)
    expect(office.grid.query('order', { orderId })).toMatchObject({ seatIds, total: 6000 })
  })

  test('again with the same payment: the same order, once', () => {
    const office = new BoxOffice()
    const { holdId } = office.best('A', 2)
    const orderId = office.confirm(holdId, 'payment-1')
    office.grid.advance(holdMs)
    expect(office.confirm(holdId, 'payment-1')).toBe(orderId)
    expect(office.told).toEqual(['SeatsHeld', 'HoldConfirmed'])
    expect(() => office.confirm(holdId, 'payment-2')).toThrow(
      rejected('hold_confirmed', { orderId }),
    )
    office.cancel(orderId)
    expect(() => office.confirm(holdId, 'payment-1')).toThrow(
      rejected('order_cancelled', { orderId }),
    )
    expect(audit(office.grid)).toEqual([])
  })

  test('tells an expired hold from one that never was, for an hour', () => {
    const office = new BoxOffice()
    const { holdId } = office.best('A', 2)
    office.grid.advance(holdMs)
    expect(() => office.confirm(holdId)).toThrow(rejected('hold_expired', { holdId }))
    expect(() => office.confirm('unknown')).toThrow(
      rejected('hold_not_found', { holdId: 'unknown' }),
    )
    office.grid.advance(expiredHoldMemoryMs)
    expect(office.grid.read.count(expiredHolds)).toBe(0)
    expect(() => office.confirm(holdId)).toThrow(rejected('hold_not_found'))
  })
})

describe('a hold at the edge of its expiry', () => {
  test('can be confirmed in its last millisecond', () => {
    const office = new BoxOffice()
    const { holdId } = office.best('A', 2)
    office.grid.advance(holdMs - 1)
    office.confirm(holdId)
    office.grid.advance(1)
    expect(office.sectionA.sold).toBe(2)
    expect(audit(office.grid)).toEqual([])
  })

  test('is over at its time, though nobody has carried out the expiry', () => {
    const office = new BoxOffice()
    const { holdId } = office.best('A', 2)
    office.grid.advance(holdMs, { expire: false })
    expect(office.sectionA.held).toBe(2)
    expect(() => office.confirm(holdId)).toThrow(rejected('hold_expired'))
    expect(() => office.release(holdId)).toThrow(rejected('hold_expired'))
  })

  test.each(['confirmHold', 'releaseHold'] as const)(
    '%s and expiry meet: one of them',
    (command) => {
      for (const first of ['buyer', 'sweeper']) {
        const office = new BoxOffice()
        const { grid } = office
        const { holdId } = office.best('A', 2)
        grid.advance(holdMs - 1)
        const unit = grid.unit('buyer')
        const attempt =
          command === 'confirmHold'
            ? unit.start(command, { holdId, paymentReference: 'paid' })
            : unit.start(command, { holdId })
        grid.advance(1, { expire: false })
        grid.unit('sweeper').expire()
        grid.unit(first).meld()
        grid.settle()
        if (first === 'buyer') attempt.result()
        else expect(() => attempt.result()).toThrow(rejected('hold_expired'))
        expect(office.told).toHaveLength(2)
        expect(audit(grid)).toEqual([])
      }
    },
  )
})

describe('releaseHold', () => {
  test('frees the seats at once', () => {
    const office = new BoxOffice()
    const { holdId } = office.best('A', 2)
    expect(office.release(holdId)).toEqual(['A-1-1', 'A-1-2'])
    expect(office.sectionA).toEqual({ free: 30, held: 0, sold: 0 })
    expect(office.grid.events.at(-1)).toEqual({
      name: 'HoldReleased',
      payload: { holdId, eventId: 'concert', customerId: 'ann', seatIds: ['A-1-1', 'A-1-2'] },
    })
    office.grid.advance(holdMs)
    expect(office.told).toEqual(['SeatsHeld', 'HoldReleased'])
    expect(audit(office.grid)).toEqual([])
  })

  test('only while there is a hold', () => {
    const office = new BoxOffice()
    const released = office.best('A', 2).holdId
    office.release(released)
    expect(() => office.release(released)).toThrow(rejected('hold_not_found'))
    expect(() => office.confirm(released)).toThrow(rejected('hold_not_found'))
    const bought = office.best('A', 2).holdId
    const orderId = office.confirm(bought)
    expect(() => office.release(bought)).toThrow(rejected('hold_confirmed', { orderId }))
    const late = office.best('A', 2).holdId
    office.grid.advance(holdMs)
    expect(() => office.release(late)).toThrow(rejected('hold_expired'))
    expect(office.sectionA).toEqual({ free: 28, held: 0, sold: 2 })
  })
})

describe('cancelOrder', () => {
  test('frees the seats and keeps the order', () => {
    const office = new BoxOffice()
    const orderId = office.confirm(office.best('A', 2).holdId)
    office.grid.advance(1000)
    expect(office.cancel(orderId)).toEqual(['A-1-1', 'A-1-2'])
    expect(office.sectionA).toEqual({ free: 30, held: 0, sold: 0 })
    expect(office.grid.query('order', { orderId })).toMatchObject({
      status: 'cancelled',
      seatIds: ['A-1-1', 'A-1-2'],
      cancelledAt: office.grid.now,
    })
    expect(office.grid.events.at(-1)).toEqual({
      name: 'OrderCancelled',
      payload: {
        orderId,
        eventId: 'concert',
        customerId: 'ann',
        seatIds: ['A-1-1', 'A-1-2'],
        total: 9000,
      },
    })
    expect(audit(office.grid)).toEqual([])
  })

  test('again changes nothing, whoever has the seats by then', () => {
    const office = new BoxOffice()
    const orderId = office.confirm(office.best('A', 2).holdId)
    office.cancel(orderId)
    office.confirm(office.best('A', 2, 'bob').holdId)
    expect(office.cancel(orderId)).toEqual(['A-1-1', 'A-1-2'])
    expect(office.sectionA).toEqual({ free: 28, held: 0, sold: 2 })
    expect(audit(office.grid)).toEqual([])
  })

  test('tells an order that there is not', () => {
    expect(() => new BoxOffice().cancel('unknown')).toThrow(
      rejected('order_not_found', { orderId: 'unknown' }),
    )
  })

  test('two units cancel one order: the seats come back once', () => {
    const office = new BoxOffice()
    const orderId = office.confirm(office.best('A', 2).holdId)
    const all = ['one', 'two'].map((unit) =>
      office.grid.unit(unit).start('cancelOrder', { orderId }),
    )
    office.grid.settle()
    for (const one of all) expect(one.result()).toEqual({ seatIds: ['A-1-1', 'A-1-2'] })
    expect(office.told).toEqual(['SeatsHeld', 'HoldConfirmed', 'OrderCancelled'])
    expect(audit(office.grid)).toEqual([])
  })
})
