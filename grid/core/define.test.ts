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
const selling = defineCommand('sell', { input, caches: [seats], handler: () => undefined })
const looking = defineQuery('look', { input, caches: [seats], handler: () => 1 })
const projection = defineProjection('sold', { of: seats })

function messageOf(declaration: () => unknown): string {
  try {
    declaration()
    return 'nothing is wrong'
  } catch (error) {
    return (error as Error).message
  }
}

describe('a declaration', () => {
  test.each(['', 'Seats', '_parts', '1st', 'a-b', 'a.b', 'ä', 'a'.repeat(65)])(
    'is refused with the name %j',
    (name) => {
      const declarations = [
        () => defineCache(name, { schema, key: 'id' }),
        () => defineCache('seats', { schema, key: 'id', indexes: { [name]: ['n'] } }),
        () => defineCommand(name, { input, handler: () => undefined }),
        () => defineQuery(name, { input, handler: () => undefined }),
        () => defineProjection(name, { of: seats }),
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

  test.each<[string, object, string]>([
    ['key that is a number', { key: 'n' }, 'the key n must be a required text'],
    ['key that may be missing', { key: 'note' }, 'the key note must be a required text'],
    ['key of any type', { key: 'any' }, 'the key any must be a required text'],
    ['expiry that is a text', { expiry: 'id' }, 'the expiry id must be a number'],
    ['expiry of any type', { expiry: 'any' }, 'the expiry any must be a number'],
    ['index over a list', { indexes: { byTags: ['tags'] } }, 'byTags names tags, which is never'],
    ['onExpire that is none', { onExpire: {} }, 'onExpire must be a function'],
    ['generator as onExpire', { onExpire: function* () {} }, 'must not be a generator'],
    ['async onExpire', { onExpire: async () => {} }, 'cache seats: onExpire must not be async'],
    ['schema that is none', { schema: 'text' }, 'the schema is not a schema'],
    ['schema without fields', { schema: Type.Unknown() }, 'must be an object with its fields'],
  ])('of a cache with a %s is refused', (_, options, message) => {
    const fields = {
      ...schema.properties,
      note: Type.Optional(Type.String()),
      any: Type.Any(),
      tags: Type.Array(Type.String()),
    }
    const declare = () =>
      defineCache('seats', { schema: Type.Object(fields), key: 'id', ...options } as never)
    expect(declare).toThrow(TypeError)
    expect(declare).toThrow(message)
  })

  test.each<[string, object, string]>([
    ['handler that is none', { handler: 'later' }, 'handler must be a function'],
    ['generator', { handler: function* () {} }, 'handler must not be a generator'],
    ['async handler', { handler: async () => 1 }, 'command buy: handler must not be async'],
    ['caches that are none', { caches: ['seats'] }, 'caches must be a list of caches'],
    ['one cache', { caches: seats }, 'caches must be a list of caches'],
    ['answer that is none', { answer: 5 }, 'answer must be a function'],
    ['priority of its own', { priority: 'high' }, 'priority must be one of finish, begin, browse'],
    ['level of its own', { acknowledge: 'soon' }, 'acknowledge must be one of accepted'],
    ['description that is no text', { description: 5 }, 'the description must be a text'],
    ['input that is a list', { input: Type.Array(Type.String()) }, 'must be an object'],
    ['result of bigint', { result: Type.BigInt() }, 'is of type bigint, of which no data'],
    ['result of nothing', { result: Type.Void() }, 'is of type void, of which no data'],
    ['result that refers to nothing', { result: Type.Ref('Seat') }, 'refers to Seat, which is not'],
    ['pattern that is none', { result: Type.String({ pattern: '(' }) }, 'Unterminated group'],
    [
      'default that is code',
      { result: Type.Unsafe({ default: () => 1 }) },
      'default is a function',
    ],
  ])('of a command with a %s is refused', (_, options, message) => {
    const declare = () =>
      defineCommand('buy', { input, handler: () => undefined, ...options } as never)
    expect(declare).toThrow(TypeError)
    expect(declare).toThrow(message)
  })

  test('of a schema in a circle is refused', () => {
    const circle = Type.Object({ a: Type.Unknown() })
    Object.assign(circle.properties, { a: circle })
    const declare = () => defineQuery('free', { input, result: circle, handler: () => ({ a: 1 }) })
    expect(declare).toThrow('or a circle')
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
    const declarations = [
      // @ts-expect-error: the compiler says so too
      () => defineSpace('hall', { caches: [other], projections: [projection] }),
      // @ts-expect-error
      () => defineSpace('hall', { caches: [other], commands: [selling] }),
      // @ts-expect-error
      () => defineSpace('hall', { caches: [other], queries: [looking] }),
    ]
    expect(declarations.map(messageOf)).toEqual([
      "projection sold follows a cache outside space hall: add seats to the space's caches",
      "command sell works with a cache outside space hall: add seats to the space's caches",
      "query look works with a cache outside space hall: add seats to the space's caches",
    ])
    const again = defineCache('seats', { schema, key: 'id' })
    expect(() => defineSpace('hall', { caches: [again], commands: [selling] })).toThrow('outside')
  })

  test('of a space holds its commands and queries by name', () => {
    const options = { commands: [command], queries: [query], projections: [projection] }
    const space = defineSpace('hall', { caches: [seats], ...options })
    expect(space.commands.get('buy')).toBe(command)
    expect(space.queries.get('free')).toBe(query)
    expect([command.acknowledge, command.answer]).toEqual(['committed', undefined])
    expect(command.priority).toBe('begin')
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

  // Kinds, optionality and refinements are members that loops do not see.
  test('keeps what TypeBox hides in it, and may be used in other ones', () => {
    const even = Type.Refine(
      Type.Integer(),
      (n) => n % 2 === 0,
      () => 'must be even',
    )
    const given = Type.Object({ id: Type.String(), even, note: Type.Optional(even) })
    Object.freeze(given)
    const { schema } = defineCache('x', { schema: given, key: 'id' })
    expect(() => checkFits(schema, { id: 'a', even: 3 }, 'x')).toThrow('x: even must be even')
    const again = defineCommand('c', {
      input: Type.Object({ ...schema.properties }),
      result: Type.Pick(schema, ['id', 'note']),
      handler: () => ({ id: 'a' }),
    })
    expect(() => checkFits(again.input, { id: 'a', even: 2 }, '')).not.toThrow()
    const result = again.result as typeof input
    expect(Object.keys(result.properties)).toEqual(['id', 'note'])
    expect(() => checkFits(result, { id: 'a', even: 2 }, '')).toThrow('even is not a known field')
  })

  test('may say no to something, which stays as open as it is', () => {
    const not = Type.Unsafe({ type: 'object', properties: { it: {} }, not: a })
    expect([fits({ it: 1 }, not), fits({ it: 1, a: 1 }, not)]).toEqual([true, false])
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
