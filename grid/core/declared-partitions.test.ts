import { describe, expect, test } from 'vitest'
import { defineCache, defineCommand, defineQuery, defineSpace, Type } from './define.ts'
import type { AnyCommand } from './definition.ts'
import { packParts, partsOf, unpackParts } from './parts.ts'

const schema = Type.Object({
  id: Type.String(),
  owner: Type.String(),
  no: Type.Integer(),
  size: Type.Number(),
  note: Type.Optional(Type.String()),
  tags: Type.Array(Type.String()),
})
const tickets = defineCache('tickets', { schema, key: 'id', partitionBy: 'owner' })
const shelves = defineCache('shelves', { schema, key: 'id' })
const input = Type.Object({ id: Type.String(), owner: Type.String() })
const giveUp = defineCommand('giveUp', {
  input,
  partitionBy: 'owner',
  partOnly: true,
  handler: (_, { id }) => ({ gone: id }),
})
const receive = defineCommand('receive', { input, partitionBy: 'owner', handler: () => 1 })
const transfer = defineCommand('transfer', {
  input: Type.Object({ from: Type.String(), to: Type.String(), id: Type.String() }),
  parts: ({ from, to, id }) => [
    { command: giveUp, input: { owner: from, id } },
    { command: receive, input: { owner: to, id } },
  ],
})
const anywhere = defineCommand('anywhere', { input, handler: () => 1 })
const count = defineQuery('count', { input, handler: () => 1 })
const all = defineQuery('all', {
  input,
  handler: () => 1,
  everyPartition: { merge: (counts) => counts.length },
})

// What TypeScript would refuse may come from plain JavaScript.
const loose = {
  cache: defineCache as (name: string, options: object) => unknown,
  command: defineCommand as unknown as (name: string, options: object) => AnyCommand,
  query: defineQuery as unknown as (name: string, options: object) => unknown,
  space: defineSpace as unknown as (name: string, options: object) => unknown,
}

describe('partitionBy', () => {
  test.each<[unknown, string]>([
    ['nothing', 'cache tickets: partitionBy names the unknown field nothing'],
    ['note', 'cache tickets: partitionBy names note, which is not always there'],
    [
      'size',
      'cache tickets: partitionBy names size, which must be a text, a whole number (Type.Integer) or a boolean',
    ],
    ['tags', 'cache tickets: partitionBy names tags, which must be a text'],
    [{ prefixOf: 'no', until: '/' }, 'cache tickets: partitionBy names no, which must be a text'],
    [{ prefixOf: 'id' }, 'cache tickets: partitionBy: until must be the text behind the prefix'],
    [{ idOf: 'no' }, 'cache tickets: partitionBy names no, which must be a text that holds an id'],
    [[], 'cache tickets: partitionBy names no field'],
    [['owner', 'note'], 'cache tickets: partitionBy names note, which is not always there'],
    [
      7,
      'cache tickets: partitionBy must be a field, a list of fields, { idOf: field } or { prefixOf: field, until: text }',
    ],
    [
      null,
      'cache tickets: partitionBy must be a field, a list of fields, { idOf: field } or { prefixOf: field, until: text }',
    ],
  ])('%j is refused', (partitionBy, message) => {
    const define = () => loose.cache('tickets', { schema, key: 'id', partitionBy })
    expect(define).toThrow(TypeError)
    expect(define).toThrow(message)
  })

  test('is kept as fields and whether they hold an id', () => {
    expect(tickets.partitionBy).toEqual({ fields: ['owner'], isId: false })
    expect(receive.partitionBy).toEqual({ fields: ['owner'], isId: false })
    const byId = defineQuery('q', { input, partitionBy: { idOf: 'id' }, handler: () => 1 })
    expect(byId.partitionBy).toEqual({ fields: ['id'], isId: true })
    const byPrefix = defineQuery('q', {
      input,
      partitionBy: { prefixOf: 'id', until: '/' },
      handler: () => 1,
    })
    expect(byPrefix.partitionBy).toEqual({ fields: ['id'], isId: false, until: '/' })
    const byTwo = defineCommand('c', { input, affinity: ['owner', 'id'], handler: () => 1 })
    expect(byTwo.affinity).toEqual({ fields: ['owner', 'id'], isId: false })
  })

  test('names commands, queries and the option that is wrong', () => {
    const options = { input, handler: () => 1 }
    expect(() => loose.command('buy', { ...options, partitionBy: 'x' })).toThrow(
      'command buy: partitionBy names the unknown field x',
    )
    expect(() => loose.command('buy', { ...options, affinity: 'x' })).toThrow(
      'command buy: affinity names the unknown field x',
    )
    expect(() => loose.query('find', { ...options, partitionBy: 'x' })).toThrow(
      'query find: partitionBy names the unknown field x',
    )
  })
})

describe('a divided space', () => {
  const declare = (options: object) => () => loose.space('s', { caches: [tickets], ...options })

  test('takes what says where it is', () => {
    const space = defineSpace('s', {
      partitions: 4,
      caches: [tickets],
      commands: [giveUp, receive, transfer],
      queries: [all],
    })
    expect(space.partitions).toBe(4)
  })

  test.each<[object, string]>([
    [{ caches: [shelves] }, 'space s has 4 partitions, and cache shelves has no partitionBy'],
    [
      { commands: [anywhere] },
      'space s has 4 partitions, and command anywhere has no partitionBy and no parts',
    ],
    [
      { queries: [count] },
      'space s has 4 partitions, and query count has no partitionBy and no everyPartition',
    ],
  ])('refuses %j', (options, message) => {
    expect(declare({ partitions: 4, ...options })).toThrow(TypeError)
    expect(declare({ partitions: 4, ...options })).toThrow(message)
    for (const partitions of [1, undefined])
      expect(declare({ partitions, ...options })).not.toThrow()
  })

  test.each([0, 1.5, 1025, '4', Number.NaN])('cannot have %j partitions', (partitions) => {
    expect(declare({ partitions })).toThrow('partitions must be a whole number from 1 to 1024')
  })
})

describe('a command that consists of parts', () => {
  const options = { input, parts: transfer.parts }

  test.each<[object, string]>([
    [{ handler: () => 1 }, 'command c has parts and a handler'],
    [{ partitionBy: 'id' }, 'command c has parts and partitionBy'],
    [{ partOnly: true }, 'command c has parts: it cannot be a part of others itself'],
    [{ parts: [] }, 'command c: parts must be a function'],
    [{ parts: async () => [] }, 'command c: parts must not be async'],
  ])('is refused with %o', (more, message) => {
    const define = () => loose.command('c', { ...options, ...more })
    expect(define).toThrow(TypeError)
    expect(define).toThrow(message)
  })

  test.each<[unknown, string]>([
    [undefined, 'parts must return a list of parts'],
    [[], 'parts must return a list of parts'],
    [[null], 'part 1 has no command'],
    [[{ command: {}, input: {} }], 'part 1 has no command'],
    [[{ command: transfer, input: {} }], 'part 1, transfer, consists of parts itself'],
    [[{ command: receive, input: { id: 'a' } }], 'the input of part 1, receive: owner is required'],
    [new Array(65).fill({ command: receive, input: { id: 'a', owner: 'b' } }), 'more than 64'],
  ])('has no parts when it returns %o', (returned, message) => {
    const command = loose.command('c', { input, parts: () => returned })
    expect(() => partsOf(command, {})).toThrow(message)
  })

  test('keeps what they leave behind as one', () => {
    const left = [undefined, 5, { a: 1 }, ['x'], null, { parts: 2, '1': 3 }]
    expect(unpackParts(packParts(left))).toEqual(left)
  })

  test.each([[{ parts: 2 ** 32 - 1 }], [{ parts: -1 }], [{ parts: 'x' }], [{}]])(
    'has left nothing behind by %o',
    (packed) => {
      expect(() => unpackParts(packed)).toThrow(expect.objectContaining({ code: 'record_damaged' }))
    },
  )
})
