import { SpaceHarness } from 'spacegrid/testing'
import { describe, expect, test } from 'vitest'
import { audit } from './audit.ts'
import { BoxOffice, concert } from './box-office.ts'
import { events, seats } from './caches.ts'
import { ticketing } from './space.ts'

const rejected = (reason: string) => expect.objectContaining({ reason })
const invalid = (path: string, message?: string) =>
  expect.objectContaining({
    code: 'invalid_input',
    details: {
      errors: expect.arrayContaining([
        expect.objectContaining(message === undefined ? { path } : { path, message }),
      ]),
    },
  })
const create = (changes: object) => () =>
  new SpaceHarness(ticketing).execute('createEvent', { ...concert, ...changes })
const block = { section: 'A', rows: 1, seatsPerRow: 1, price: 0 }

describe('createEvent', () => {
  test('creates every seat, free', () => {
    const grid = new SpaceHarness(ticketing)
    expect(grid.execute('createEvent', concert)).toEqual({ seats: 40 })
    expect(grid.read.get(events, 'concert')).toEqual({ ...concert, seats: 40 })
    expect(grid.entries(seats)).toHaveLength(40)
    expect(grid.read.get(seats, 'concert/B-2-5')).toEqual({
      key: 'concert/B-2-5',
      eventId: 'concert',
      section: 'B',
      row: 2,
      number: 5,
      status: 'free',
    })
    expect(grid.events).toEqual([
      {
        name: 'EventCreated',
        payload: { eventId: 'concert', name: 'Concert', startsAt: concert.startsAt, seats: 40 },
      },
    ])
    expect(audit(grid)).toEqual([])
  })

  test('an event id is used once', () => {
    const { grid } = new BoxOffice()
    expect(() => grid.execute('createEvent', concert)).toThrow(rejected('event_exists'))
    expect(grid.execute('createEvent', { ...concert, eventId: 'second' })).toEqual({ seats: 40 })
    expect(audit(grid)).toEqual([])
  })

  test('two units create the same event: one of them does', () => {
    const grid = new SpaceHarness(ticketing)
    const first = grid.unit('one').start('createEvent', concert)
    const second = grid.unit('two').start('createEvent', { ...concert, sections: [block] })
    grid.settle()
    expect(first.result()).toEqual({ seats: 40 })
    expect(() => second.result()).toThrow(rejected('event_exists'))
  })

  test('the start may be a date and time', () => {
    const grid = new SpaceHarness(ticketing)
    grid.execute('createEvent', { ...concert, startsAt: '2030-06-01T20:00:00+02:00' })
    expect(grid.read.get(events, 'concert')?.startsAt).toBe(Date.UTC(2030, 5, 1, 18))
  })

  test.each([
    ['a slash in the event id', { eventId: 'con/cert' }, 'eventId'],
    ['an empty event id', { eventId: '' }, 'eventId'],
    ['a control character in the name', { name: 'con\u0007cert' }, 'name'],
    ['no such date', { startsAt: '2030-02-31T20:00:00Z' }, 'startsAt'],
    ['no section', { sections: [] }, 'sections'],
    ['a slash in a section', { sections: [{ ...block, section: 'A/B' }] }, 'sections.0.section'],
    ['no row', { sections: [{ ...block, rows: 0 }] }, 'sections.0.rows'],
    ['half a cent', { sections: [{ ...block, price: 0.5 }] }, 'sections.0.price'],
    ['a section twice', { sections: [block, block] }, 'sections'],
    ['an unknown field', { place: 'hall' }, 'place'],
  ])('refuses %s and names the field', (_, changes, path) => {
    expect(create(changes)).toThrow(invalid(path))
  })

  test('says how many seats an event may have', () => {
    const sections = [
      { ...block, rows: 1000, seatsPerRow: 100 },
      { ...block, section: 'B' },
    ]
    expect(create({ sections })).toThrow(
      invalid('sections', 'must have at most 100000 seats together, not 100001'),
    )
  })

  test('creates 100,000 seats in one transaction, in well under a second', {
    timeout: 60_000,
  }, () => {
    const grid = new SpaceHarness(ticketing)
    const position = grid.read.position
    const sections = ['A', 'B', 'C', 'D'].map((section) => ({
      ...block,
      section,
      rows: 500,
      seatsPerRow: 50,
    }))
    const startedAt = performance.now()
    expect(grid.execute('createEvent', { ...concert, sections })).toEqual({ seats: 100_000 })
    // About 400 ms; the limit leaves room for a machine that has other things to do.
    expect(performance.now() - startedAt).toBeLessThan(5_000)
    // One position for the unit's joining, one for all the seats.
    expect(grid.read.position).toBe(position + 2)
    expect(grid.read.count(seats)).toBe(100_000)
    expect(audit(grid)).toEqual([])
  })
})
