import { describe, expect, test } from 'vitest'
import { defineCache, defineCommand, defineQuery, defineSpace, Type } from './define.ts'
import { lineNameOf, linesNamed, partsOfLine } from './waiting-room.ts'

const seats = defineCache('seats', { schema: Type.Object({ id: Type.String() }), key: 'id' })
const hold = defineCommand('hold', {
  input: Type.Object({ eventId: Type.String(), count: Type.Integer() }),
  handler: () => undefined,
})
const confirm = defineCommand('confirm', {
  input: Type.Object({ id: Type.String() }),
  handler: () => undefined,
})
const map = defineQuery('map', {
  input: Type.Object({ eventId: Type.Optional(Type.String()) }),
  handler: () => undefined,
})

// biome-ignore lint/suspicious/noExplicitAny: what the compiler refuses is tried here
const spaceWith = (waitingRoom: any) =>
  defineSpace('shop', { caches: [seats], commands: [hold, confirm], queries: [map], waitingRoom })

describe('what a space declares of its waiting room', () => {
  test('is kept', () => {
    const waitingRoom = { commands: ['hold'], by: 'eventId', finishedBy: ['confirm'] }
    expect(spaceWith(waitingRoom).waitingRoom).toEqual({ ...waitingRoom, queries: [] })
    expect(spaceWith({ queries: ['map'] }).waitingRoom).toMatchObject({ queries: ['map'] })
    expect(spaceWith(undefined)).not.toHaveProperty('waitingRoom')
  })

  test.each([
    [{ commands: ['none'] }, 'names none, which is none of its commands'],
    [{ queries: ['hold'] }, 'names hold, which is none of its queries'],
    [{ finishedBy: ['none'] }, 'names none, which is none of its commands'],
    [
      { commands: ['hold'], by: 'count' },
      'by is count, which hold must take, always, and as a text',
    ],
    [{ commands: ['confirm'], by: 'eventId' }, 'by is eventId, which confirm must take'],
    [{ queries: ['map'], by: 'eventId' }, 'by is eventId, which map must take, always'],
  ])('must fit: %j', (waitingRoom, message) => {
    expect(() => spaceWith(waitingRoom)).toThrow(message)
  })
})

describe('lines', () => {
  test.each([
    ['ticketing', { space: 'ticketing' }],
    ['ticketing/concert', { space: 'ticketing', key: 'concert' }],
    ['ticketing/a/b', { space: 'ticketing', key: 'a/b' }],
  ])('have a space and a key: %s', (line, parts) => {
    expect(partsOfLine(line)).toEqual(parts)
    expect(lineNameOf(parts.space, 'key' in parts ? parts.key : undefined)).toBe(line)
  })

  test.each([
    ['ticketing/concert, auction', ['ticketing/concert', 'auction'], undefined],
    ['', [''], '"" is no line'],
    ['Ticketing', ['Ticketing'], '"Ticketing" is no line'],
    ['ticketing/', ['ticketing/'], '"ticketing/" is no line'],
    ['a,a', ['a', 'a'], 'a is named twice'],
    ['a/x,a', ['a/x', 'a'], 'a is in line as a whole, and a/x as well'],
  ])('are named: %j', (text, lines, problem) => {
    expect(linesNamed(text)).toEqual({ lines, ...(problem === undefined ? {} : { problem }) })
  })
})
