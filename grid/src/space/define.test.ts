import { describe, expect, test } from 'vitest'
import {
  defineCache,
  defineCommand,
  defineProjection,
  defineQuery,
  defineSpace,
  type SpaceOptions,
  Type,
} from './define.ts'
import { checkFits } from './validation.ts'

const schema = Type.Object({ id: Type.String(), n: Type.Number(), until: Type.Number() })
const seats = defineCache('seats', { schema, key: 'id' })
const input = Type.Object({})
const command = defineCommand('buy', { input, handler: () => undefined })
const query = defineQuery('free', { input, handler: () => 1 })
const projection = defineProjection('sold', { cache: seats, initial: () => 0, apply: () => {} })

describe('a declaration', () => {
  test.each(['', 'Seats', '_parts', '1st', 'a-b', 'a.b', 'ä', 'a'.repeat(65)])(
    'is refused with the name %j',
    (name) => {
      const declarations = [
        () => defineCache(name, { schema, key: 'id' }),
        () => defineCache('seats', { schema, key: 'id', indexes: { [name]: ['n'] } }),
        () => defineCommand(name, { input, handler: () => undefined }),
        () => defineQuery(name, { input, handler: () => undefined }),
        () => defineProjection(name, { cache: seats, initial: () => 0, apply: () => {} }),
        () => defineSpace(name, { caches: [] }),
      ]
      for (const declaration of declarations) {
        expect(declaration).toThrow(TypeError)
        expect(declaration).toThrow(JSON.stringify(name))
      }
    },
  )

  test('may have a name of 64 letters and digits', () => {
    expect(defineSpace('a1B'.padEnd(64, 'x'), { caches: [] }).name.length).toBe(64)
  })

  // Names that TypeScript would refuse: the declaration may come from plain JavaScript.
  test.each<[string, object, string]>([
    ['key', { key: 'seat' }, 'seats: the schema has no field seat'],
    ['key that every object inherits', { key: 'toString' }, 'no field toString'],
    ['expiry', { expiry: 'end' }, 'seats: the schema has no field end'],
    ['index field', { indexes: { byRow: ['n', 'row'] } }, 'byRow names the unknown field row'],
    ['inherited index field', { indexes: { byRow: ['constructor'] } }, 'unknown field constructor'],
    ['index without fields', { indexes: { byRow: [] } }, 'byRow has no field'],
  ])('of a cache with an unknown %s is refused', (_, options, message) => {
    const declare = () => defineCache('seats', { schema, key: 'id', ...options })
    expect(declare).toThrow(TypeError)
    expect(declare).toThrow(message)
  })

  test.each<[string, Partial<SpaceOptions>]>([
    ['cache seats', { caches: [seats, seats] }],
    ['command buy', { commands: [command, command] }],
    ['query free', { queries: [query, query] }],
    ['projection sold', { projections: [projection, projection] }],
  ])('of a space with the %s twice is refused', (what, options) => {
    const declare = () => defineSpace('hall', { caches: [seats], ...options })
    expect(declare).toThrow(new TypeError(`${what} is declared twice`))
  })

  test("of a space that follows another space's cache is refused", () => {
    const other = defineCache('other', { schema, key: 'id' })
    expect(() => defineSpace('hall', { caches: [other], projections: [projection] })).toThrow(
      'projection sold follows a cache outside space hall',
    )
  })

  test('of a space holds its commands and queries by name', () => {
    const options = { commands: [command], queries: [query], projections: [projection] }
    const space = defineSpace('hall', { caches: [seats], ...options })
    expect(space.commands.get('buy')).toBe(command)
    expect(space.queries.get('free')).toBe(query)
    expect([command.acknowledge, command.answer]).toEqual(['committed', undefined])
  })
})

describe('a schema', () => {
  const fits = (value: unknown, inner: object) => {
    const cache = defineCache('x', {
      schema: Type.Object({ id: Type.String(), inner: inner as typeof input }),
      key: 'id',
    })
    try {
      checkFits(cache.schema, { id: 'a', inner: value }, '')
      return true
    } catch {
      return false // It does not fit, the other of two answers.
    }
  }
  const a = Type.Object({ a: Type.Number() })
  const b = Type.Object({ b: Type.Number() })

  test.each<[string, object, unknown, unknown]>([
    ['objects', a, { a: 1 }, { a: 1, x: 1 }],
    ['objects in objects', Type.Object({ in: a }), { in: { a: 1 } }, { in: { a: 1, x: 1 } }],
    ['objects without fields', Type.Object({}), {}, { x: 1 }],
    ['lists', Type.Array(a), [{ a: 1 }], [{ a: 1, x: 1 }]],
    ['tuples', Type.Tuple([a, b]), [{ a: 1 }, { b: 1 }], [{ a: 1 }, { b: 1, x: 1 }]],
    ['unions', Type.Union([a, b]), { b: 1 }, { a: 1, b: 1 }],
    ['records', Type.Record(Type.String(), a), { k: { a: 1 } }, { k: { a: 1, x: 1 } }],
    ['intersections', Type.Intersect([a, b]), { a: 1, b: 1 }, { a: 1, b: 1, x: 1 }],
    ['optional fields', Type.Object({ in: Type.Optional(a) }), {}, { in: { a: 1, x: 1 } }],
    [
      'unions in intersections',
      Type.Intersect([Type.Union([a, b]), Type.Object({ c: Type.Optional(a) })]),
      { a: 1, c: { a: 1 } },
      { a: 1, c: { a: 1, x: 1 } },
    ],
  ])('is closed: it takes %s with their fields and no others', (_, inner, good, bad) => {
    expect([fits(good, inner), fits(bad, inner)]).toEqual([true, false])
  })

  test('may be left open by saying so', () => {
    const open = Type.Object({ a: Type.Number() }, { additionalProperties: true })
    expect(fits({ a: 1, x: 1 }, open)).toBe(true)
    const texts = Type.Object({}, { additionalProperties: Type.String() })
    expect([fits({ x: 'y' }, texts), fits({ x: 1 }, texts)]).toEqual([true, false])
  })

  test('may name its fields like the words of a schema', () => {
    const odd = Type.Object({ type: Type.String(), properties: Type.Number(), allOf: a })
    expect(fits({ type: 'object', properties: 1, allOf: { a: 1 } }, odd)).toBe(true)
    expect(fits({ type: 'object', properties: 1, allOf: { a: 1, x: 1 } }, odd)).toBe(false)
  })

  test('is closed for commands and queries too, and the one that was given stays as it is', () => {
    for (const { input } of [
      defineCommand('c', { input: a, handler: () => undefined }),
      defineQuery('q', { input: a, handler: () => undefined }),
    ])
      expect(() => checkFits(input, { a: 1, x: 1 }, 'input')).toThrow('x is not a known field')
    expect(() => checkFits(a, { a: 1, x: 1 }, '')).not.toThrow()
  })
})
