import { describe, expect, test } from 'vitest'
import { BoxOffice, concert } from './box-office.ts'

const notFound = expect.objectContaining({ code: 'not_found' })

describe('seatMap', () => {
  test('shows every seat in the order of the house', () => {
    const office = new BoxOffice()
    office.confirm(office.hold(['A-1-2']).holdId)
    office.hold(['A-1-10'])
    const { eventId, seats } = office.grid.query('seatMap', { eventId: 'concert' })
    expect(eventId).toBe('concert')
    expect(seats).toHaveLength(40)
    expect(seats.slice(0, 3)).toEqual([
      { seatId: 'A-1-1', status: 'free', price: 4500 },
      { seatId: 'A-1-2', status: 'sold', price: 4500 },
      { seatId: 'A-1-3', status: 'free', price: 4500 },
    ])
    expect(seats[9]).toEqual({ seatId: 'A-1-10', status: 'held', price: 4500 })
    expect(seats.at(-1)).toEqual({ seatId: 'B-2-5', status: 'free', price: 2000 })
  })

  test('shows one section', () => {
    const { grid } = new BoxOffice()
    const { seats } = grid.query('seatMap', { eventId: 'concert', section: 'B' })
    expect(seats).toHaveLength(10)
    expect(seats[0]?.seatId).toBe('B-1-1')
  })

  test('tells events and sections that there are not', () => {
    const { grid } = new BoxOffice()
    expect(() => grid.query('seatMap', { eventId: 'opera' })).toThrow(notFound)
    expect(() => grid.query('seatMap', { eventId: 'concert', section: 'C' })).toThrow(notFound)
  })
})

describe('availability', () => {
  test('counts by section and status', () => {
    const office = new BoxOffice()
    office.grid.execute('createEvent', { ...concert, eventId: 'opera' })
    office.confirm(office.hold(['A-1-1', 'B-1-1']).holdId)
    office.best('A', 3)
    expect(office.grid.query('availability', { eventId: 'concert' })).toEqual({
      eventId: 'concert',
      sections: [
        { section: 'A', free: 26, held: 3, sold: 1 },
        { section: 'B', free: 9, held: 0, sold: 1 },
      ],
    })
    expect(office.grid.query('availability', { eventId: 'opera' })).toMatchObject({
      sections: [{ free: 30 }, { free: 10 }],
    })
  })

  test('tells an event that there is not', () => {
    const { grid } = new BoxOffice()
    expect(() => grid.query('availability', { eventId: 'opera' })).toThrow(notFound)
  })
})

describe('orders', () => {
  test('order finds one, or says that there is none', () => {
    const office = new BoxOffice()
    const orderId = office.confirm(office.hold(['A-1-1']).holdId, 'payment-1')
    expect(office.grid.query('order', { orderId })).toMatchObject({
      orderId,
      customerId: 'ann',
      seatIds: ['A-1-1'],
      paymentReference: 'payment-1',
    })
    expect(() => office.grid.query('order', { orderId: 'unknown' })).toThrow(notFound)
  })

  test('ordersByCustomer lists them newest first; a hold is no order', () => {
    const office = new BoxOffice()
    const bought = ['A', 'B'].map((section) => {
      office.grid.advance(1)
      return office.confirm(office.best(section, 1).holdId)
    })
    office.confirm(office.best('A', 1, 'bob').holdId)
    office.best('A', 1)
    office.cancel(bought[0] ?? '')
    expect(office.grid.query('ordersByCustomer', { customerId: 'ann' })).toMatchObject({
      orders: [
        { orderId: bought[1], status: 'confirmed' },
        { orderId: bought[0], status: 'cancelled' },
      ],
    })
    expect(office.grid.query('ordersByCustomer', { customerId: 'eve' })).toEqual({ orders: [] })
  })
})
