import { expect, it } from 'vitest'
import { seededRandom } from '../random.ts'
import { eventSeatsMax, eventSections, randomNeighbours } from './event-layout.ts'

const seatsOf = (seats: number): number =>
  eventSections(seats).reduce((sum, { rows, seatsPerRow }) => sum + rows * seatsPerRow, 0)

it.each([4, 5, 17, 100, 1000, 9999, 10_000, 99_999, eventSeatsMax])(
  'makes an event of about %i seats within the limit',
  (seats) => {
    expect(seatsOf(seats)).toBeLessThanOrEqual(eventSeatsMax)
    expect(Math.abs(seatsOf(seats) - seats)).toBeLessThanOrEqual(200)
  },
)

it('names seats that exist', () => {
  const sections = eventSections(100)
  const random = seededRandom(5)
  for (let count = 0; count < 500; count += 1) {
    for (const seatId of randomNeighbours(sections, 4, random)) {
      const [name, row, seat] = seatId.split('-')
      const section = sections.find((candidate) => candidate.section === name)
      expect(Number(row)).toBeGreaterThanOrEqual(1)
      expect(Number(row)).toBeLessThanOrEqual(section?.rows ?? 0)
      expect(Number(seat)).toBeGreaterThanOrEqual(1)
      expect(Number(seat)).toBeLessThanOrEqual(section?.seatsPerRow ?? 0)
    }
  }
})
