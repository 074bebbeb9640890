import { defineCommand, GridError, Type } from '@spacegrid/grid'
import { events, seats } from './caches.ts'
import { eventId, eventName, type Section, seatsMax, section, timeOrDate, toMs } from './fields.ts'
import { seatIdOf, seatKey } from './seat-names.ts'

export const createEvent = defineCommand('createEvent', {
  description:
    'Opens an event for sale: all its seats, up to 100,000, in one transaction. Rejected: event_exists.',
  input: Type.Object({
    eventId,
    name: eventName,
    startsAt: timeOrDate,
    sections: Type.Array(section, { minItems: 1, maxItems: 1000 }),
  }),
  result: Type.Object({ seats: Type.Integer({ description: 'How many seats there are' }) }),
  handler(tx, { eventId, name, startsAt, sections }) {
    checkDistinct(sections)
    const count = countSeats(sections)
    if (tx.get(events, eventId)) tx.reject('event_exists', { eventId })
    const event = { eventId, name, startsAt: toMs(startsAt), sections, seats: count }
    tx.put(events, event)
    for (const { section, rows, seatsPerRow } of sections)
      for (let row = 1; row <= rows; row++)
        for (let number = 1; number <= seatsPerRow; number++) {
          const key = seatKey(eventId, seatIdOf({ section, row, number }))
          tx.put(seats, { key, eventId, section, row, number, status: 'free' })
        }
    tx.emit('EventCreated', { eventId, name, startsAt: event.startsAt, seats: count })
    return { seats: count }
  },
})

function checkDistinct(sections: readonly Section[]): void {
  const names = new Set<string>()
  for (const [i, { section }] of sections.entries()) {
    if (names.has(section))
      throw invalid(`sections.${i}.section`, `repeats ${JSON.stringify(section)}`)
    names.add(section)
  }
}

function countSeats(sections: readonly Section[]): number {
  const count = sections.reduce((sum, { rows, seatsPerRow }) => sum + rows * seatsPerRow, 0)
  if (count > seatsMax)
    throw invalid('sections', `must have at most ${seatsMax} seats together, not ${count}`)
  return count
}

/** What a schema cannot say is told in the same form. */
function invalid(path: string, message: string): GridError {
  const errors = [{ path, message }]
  return new GridError('invalid_input', `command createEvent: ${path} ${message}`, {
    details: { errors },
  })
}
