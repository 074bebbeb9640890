import { expect, test } from 'vitest'
import { BoxOffice } from './box-office.ts'
import { events, seats } from './caches.ts'
import { ticketing } from './space.ts'

// Whoever knows the id of a hold or an order confirms, releases or cancels it: nobody else may come
// by one.

test('the caches that hold them cannot be read from outside', () => {
  // Once one cache says what can be read of it, the others are private.
  const readable = ticketing.caches.filter((cache) => cache.readable !== undefined)
  expect(readable).toEqual([events, seats])
})

test('what everybody can ask for shows none of them, nor a customer', () => {
  const office = new BoxOffice()
  const held = office.hold(['A-1-1', 'A-1-2'], 'customer-held')
  const sold = office.confirm(office.best('B', 2, 'customer-sold').holdId)
  const { grid } = office
  const shown = JSON.stringify([
    grid.query('seatMap', { eventId: 'concert' }),
    grid.query('availability', { eventId: 'concert' }),
  ])
  const fields = seats.readable as readonly string[]
  const entries = JSON.stringify(
    grid
      .entries(seats)
      .map((seat) =>
        Object.fromEntries(Object.entries(seat).filter(([name]) => fields.includes(name))),
      ),
  )
  for (const secret of [held.holdId, sold, 'customer-'])
    expect([shown.includes(secret), entries.includes(secret)]).toEqual([false, false])
  expect(JSON.stringify(grid.entries(seats))).toContain(held.holdId)
})
