import { auction } from '@spacegrid/auction/space'
import { ticketing } from '@spacegrid/ticketing/space'
import { Type } from 'typebox'
import { expect, test } from 'vitest'
import { exampleInput } from './example-input.ts'

test('what the schema gives as examples is taken', () => {
  const input = ticketing.commands.get('createEvent')?.input
  expect(input && exampleInput(input)).toEqual({
    eventId: 'concert',
    name: 'Concert',
    startsAt: 1_893_456_000_000,
    sections: [{ section: 'A', rows: 10, seatsPerRow: 20, price: 4500 }],
  })
})

test('what has no example is made up within its bounds; what is optional is left out', () => {
  const schema = Type.Object({
    text: Type.String(),
    count: Type.Integer({ minimum: 5 }),
    few: Type.Integer({ maximum: 0 }),
    kind: Type.Union([Type.Literal('small'), Type.Literal('large')]),
    tags: Type.Array(Type.String()),
    some: Type.Array(Type.Boolean(), { minItems: 1 }),
    more: Type.Optional(Type.String()),
  })
  const example = { text: 'text', count: 5, few: 0, kind: 'small', tags: [], some: [true] }
  expect(exampleInput(schema)).toEqual(example)
})

test('a pattern that nothing is known for has no example', () => {
  expect(exampleInput(Type.Object({ id: Type.String({ pattern: '^[0-9]{8}$' }) }))).toBeUndefined()
})

test.each([ticketing, auction])('there is a command to try of $name', ({ commands }) => {
  const [first] = [...commands.values()]
  expect(first && exampleInput(first.input)).toBeDefined()
})
