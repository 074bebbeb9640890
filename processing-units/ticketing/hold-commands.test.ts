import { describe, expect, test } from 'vitest'
import { audit } from './audit.ts'
import { BoxOffice, best, concert, holdMs } from './box-office.ts'
import { customerSeats, seats } from './caches.ts'
import { seatsPerCustomerMax } from './hold-commands.ts'

const rejected = (reason: string, details?: object) =>
  expect.objectContaining(details === undefined ? { reason } : { reason, details })
const invalid = expect.objectContaining({ code: 'invalid_input' })
const row = (number: number, count: number) =>
  Array.from({ length: count }, (_, i) => `A-${number}-${i + 1}`)

describe('holdSeats', () => {
  test('holds the seats for a while and tells the price', () => {
    const office = new BoxOffice()
    const hold = office.hold(['A-1-1', 'B-1-5'])
    expect(hold).toEqual({
      holdId: hold.holdId,
      expiresAt: office.grid.now + holdMs,
      total: 4500 + 2000,
    })
    expect(office.grid.read.get(seats, 'concert/B-1-5')).toMatchObject({
      status: 'held',
      holdId: hold.holdId,
    })
    expect(office.grid.events.at(-1)).toEqual({
      name: 'SeatsHeld',
      payload: { ...hold, eventId: 'concert', customerId: 'ann', quantity: 2 },
    })
    expect(audit(office.grid)).toEqual([])
  })

  test('all or none: rejected with the seats that somebody has', () => {
    const office = new BoxOffice()
    office.hold(['A-1-2', 'A-1-3'])
    expect(() => office.hold(['A-1-1', 'A-1-2', 'A-1-3', 'A-1-4'], 'bob')).toThrow(
      rejected('seat_unavailable', { seats: ['A-1-2', 'A-1-3'] }),
    )
    expect(office.sectionA).toEqual({ free: 28, held: 2, sold: 0 })
  })

  test('tells seats and events that there are not', () => {
    const office = new BoxOffice()
    expect(() => office.hold(['A-1-1', 'A-4-1', 'C-1-1'])).toThrow(
      rejected('seat_not_found', { seats: ['A-4-1', 'C-1-1'] }),
    )
    const input = { eventId: 'opera', seatIds: ['A-1-1'], customerId: 'ann' }
    expect(() => office.grid.execute('holdSeats', input)).toThrow(
      rejected('event_not_found', { eventId: 'opera' }),
    )
  })

  test.each([
    ['a seat twice', ['A-1-1', 'A-1-1']],
    ['no seat', []],
    ['what is no seat id', ['A']],
    ['row 0', ['A-0-1']],
  ])('refuses %s', (_, seatIds) => {
    expect(() => new BoxOffice().hold(seatIds)).toThrow(invalid)
  })

  test('section names may hold hyphens', () => {
    const office = new BoxOffice()
    const sections = [
      { section: 'A', rows: 1, seatsPerRow: 1, price: 1 },
      { section: 'A-1', rows: 1, seatsPerRow: 1, price: 2 },
    ]
    office.grid.execute('createEvent', { ...concert, eventId: 'opera', sections })
    const input = { eventId: 'opera', seatIds: ['A-1-1-1'], customerId: 'ann' }
    expect(office.grid.execute('holdSeats', input)).toMatchObject({ total: 2 })
  })

  test('two units want one seat: one gets it, the other is told', () => {
    const { grid } = new BoxOffice()
    const want = (unit: string, seatIds: string[]) =>
      grid.unit(unit).start('holdSeats', { eventId: 'concert', seatIds, customerId: unit })
    const first = want('one', ['A-1-1', 'A-1-2'])
    const second = want('two', ['A-1-2', 'A-1-3'])
    const third = want('three', ['A-1-3', 'A-1-4'])
    grid.settle()
    first.result()
    expect(() => second.result()).toThrow(rejected('seat_unavailable', { seats: ['A-1-2'] }))
    third.result()
    expect(third.attempts).toBe(1)
    expect(audit(grid)).toEqual([])
  })
})

describe('holdBestAvailable', () => {
  test('gives the first free seats in row and seat order, counted as numbers', () => {
    const office = new BoxOffice()
    office.hold(['A-1-2', 'A-1-9'])
    const { seatIds, total } = office.best('A', 8, 'bob')
    expect(seatIds).toEqual([1, 3, 4, 5, 6, 7, 8, 10].map((seat) => `A-1-${seat}`))
    expect(total).toBe(8 * 4500)
    expect(office.best('A', 1, 'eve').seatIds).toEqual(['A-2-1'])
    expect(audit(office.grid)).toEqual([])
  })

  test('what is left is not enough: sold out', () => {
    const office = new BoxOffice()
    office.best('B', 8)
    expect(() => office.best('B', 3, 'bob')).toThrow(
      rejected('sold_out', { available: 2, wanted: 3 }),
    )
    expect(office.best('B', 2, 'bob').seatIds).toEqual(['B-2-4', 'B-2-5'])
    expect(() => office.best('B', 1, 'eve')).toThrow(rejected('sold_out'))
    expect(office.grid.read.get(customerSeats, 'concert/eve')).toBeUndefined()
  })

  test('tells sections and events that there are not', () => {
    const { grid } = new BoxOffice()
    expect(() => grid.execute('holdBestAvailable', best('C', 1, 'ann'))).toThrow(
      rejected('section_not_found', { eventId: 'concert', section: 'C' }),
    )
    const elsewhere = { ...best('A', 1, 'ann'), eventId: 'opera' }
    expect(() => grid.execute('holdBestAvailable', elsewhere)).toThrow(rejected('event_not_found'))
    expect(() => grid.execute('holdBestAvailable', best('A', 0, 'ann'))).toThrow(invalid)
  })

  // architecture.md, section 4 "Contention": from several units at once, each claim gets different
  // seats.
  test('units that claim at the same moment never collide', () => {
    const { grid } = new BoxOffice()
    const claims = ['one', 'two', 'three', 'four'].flatMap((unit) =>
      [1, 2].map((i) => grid.unit(unit).start('holdBestAvailable', best('A', 3, `${unit}${i}`))),
    )
    grid.settle()
    const seatIds = claims.flatMap((claim) => claim.result().seatIds)
    expect(claims.map(({ attempts }) => attempts)).toEqual(claims.map(() => 1))
    expect(new Set(seatIds).size).toBe(24)
    expect(audit(grid)).toEqual([])
  })
})

describe('the limit per customer and event', () => {
  test('counts what is held and what is bought', () => {
    const office = new BoxOffice()
    office.confirm(office.best('A', 5).holdId)
    office.hold(['B-1-1', 'B-1-2'])
    expect(() => office.best('A', 2)).toThrow(rejected('limit_exceeded', { value: 7, max: 8 }))
    expect(() => office.hold(['B-1-3', 'B-1-4'])).toThrow(rejected('limit_exceeded'))
    office.best('A', 1)
    expect(() => office.best('A', 1)).toThrow(rejected('limit_exceeded'))
    office.best('A', 8, 'bob')
    expect(audit(office.grid)).toEqual([])
  })

  test('rejects more than eight at once', () => {
    const office = new BoxOffice()
    expect(() => office.hold(row(1, seatsPerCustomerMax + 1))).toThrow(rejected('limit_exceeded'))
    expect(() => office.best('A', seatsPerCustomerMax + 1)).toThrow(rejected('limit_exceeded'))
    expect(office.sectionA.free).toBe(30)
  })

  test('is for each event', () => {
    const office = new BoxOffice()
    office.grid.execute('createEvent', { ...concert, eventId: 'opera' })
    office.best('A', 8)
    office.grid.execute('holdBestAvailable', { ...best('A', 8, 'ann'), eventId: 'opera' })
    expect(audit(office.grid)).toEqual([])
  })

  test('is given back by release, expiry and cancelling, and nothing is left of it', () => {
    const office = new BoxOffice()
    const full = () => office.best('A', 8)
    office.release(full().holdId)
    office.cancel(office.confirm(full().holdId))
    full()
    expect(office.grid.read.get(customerSeats, 'concert/ann')?.count).toBe(8)
    office.grid.advance(holdMs)
    expect(office.grid.read.count(customerSeats)).toBe(0)
    full()
    expect(audit(office.grid)).toEqual([])
  })

  test('holds when two units count at the same moment', () => {
    const { grid } = new BoxOffice()
    const first = grid.unit('one').start('holdBestAvailable', best('A', 5, 'ann'))
    const second = grid.unit('two').start('holdBestAvailable', best('B', 5, 'ann'))
    grid.settle()
    first.result()
    expect(() => second.result()).toThrow(rejected('limit_exceeded', { value: 5, max: 8 }))
    expect(audit(grid)).toEqual([])
  })
})

describe('expiry', () => {
  test('a hold expires by itself at its time, not before', () => {
    const office = new BoxOffice()
    const { holdId } = office.hold(['A-1-1', 'A-1-2'])
    office.grid.advance(holdMs - 1)
    expect(office.sectionA).toEqual({ free: 28, held: 2, sold: 0 })
    office.grid.advance(1)
    expect(office.sectionA).toEqual({ free: 30, held: 0, sold: 0 })
    expect(office.grid.events.at(-1)).toEqual({
      name: 'HoldExpired',
      payload: { holdId, eventId: 'concert', customerId: 'ann', seatIds: ['A-1-1', 'A-1-2'] },
    })
    expect(audit(office.grid)).toEqual([])
  })

  test('the seats can be held again, by either way', () => {
    const office = new BoxOffice()
    office.hold(['A-1-1'])
    office.grid.advance(holdMs)
    expect(office.best('A', 1, 'bob').seatIds).toEqual(['A-1-1'])
    office.grid.advance(holdMs)
    office.hold(['A-1-1'], 'eve')
    expect(audit(office.grid)).toEqual([])
  })
})
