import { defineCommand, Type } from 'spacegrid'
import { events, seats } from './caches.ts'
import { eventId, eventName, type Section, seatsMax, section, timeOrDate, toMs } from './fields.ts'
import { seatIdOf, seatKey } from './seat-names.ts'

/** What its parts cannot say is asked of the whole list. */
const distinct = Type.Refine(
  Type.Array(section, { minItems: 1, maxItems: 1000 }),
  (sections) => repeated(sections) === undefined,
  (sections) =>
    `must not have the section ${JSON.stringify(repeated(sections as Section[]))} twice`,
)
const sections = Type.Refine(
  distinct,
  (sections) => countSeats(sections) <= seatsMax,
  (sections) =>
    `must have at most ${seatsMax} seats together, not ${countSeats(sections as Section[])}`,
)

export const createEvent = defineCommand('createEvent', {
  description:
    'Opens an event for sale: all its seats, up to 100,000, in one transaction. Rejected: event_exists.',
  access: ['organizer'],
  input: Type.Object({
    eventId,
    name: eventName,
    startsAt: timeOrDate,
    sections,
  }),
  partitionBy: 'eventId',
  rejections: ['event_exists'],
  result: Type.Object({ seats: Type.Integer({ description: 'How many seats there are' }) }),
  handler(tx, { eventId, name, startsAt, sections }) {
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

function repeated(sections: readonly Section[]): string | undefined {
  const names = sections.map(({ section }) => section)
  return names.find((name, i) => names.indexOf(name) < i)
}

const countSeats = (sections: readonly Section[]): number =>
  sections.reduce((sum, { rows, seatsPerRow }) => sum + rows * seatsPerRow, 0)
