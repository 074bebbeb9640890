import {
  defineCache,
  defineCommand,
  defineProjection,
  defineQuery,
  defineSpace,
  Type,
} from '@spacegrid/grid/core/define'
import { Rejection } from '@spacegrid/grid/core/errors'
import { originSilentMsMax } from '@spacegrid/grid/core/meld'
import { describe, expect, expectTypeOf, test } from 'vitest'
import { SpaceHarness } from './space-harness.ts'

/** A cloakroom: numbered hooks, coats on them, a till. */
const hooks = defineCache('hooks', {
  schema: Type.Object({ hook: Type.String(), coat: Type.Optional(Type.String()) }),
  key: 'hook',
  indexes: { byHook: ['hook'] },
})
const till = defineCache('till', {
  schema: Type.Object({ id: Type.String(), coins: Type.Integer() }),
  key: 'id',
})
const coins = (by: number) => ({
  max: 3,
  initial: { id: 'till', coins: 0 },
  otherwise: `full${by}`,
})
const reminders = defineCache('reminders', {
  schema: Type.Object({
    id: Type.String(),
    at: Type.Optional(Type.Integer()),
    rungAt: Type.Optional(Type.Integer()),
  }),
  key: 'id',
  expiry: 'at',
  onExpire(tx, { id }) {
    if (id !== 'stuck') tx.put(reminders, { id, rungAt: tx.now })
  },
})
const tickets = defineCache('tickets', {
  schema: Type.Object({ id: Type.String(), validUntil: Type.Integer() }),
  key: 'id',
  expiry: 'validUntil',
})

const id = Type.Object({ id: Type.String() })
const timed = Type.Object({ id: Type.String(), inMs: Type.Integer() })
const coatCount = defineProjection('coatCount', {
  of: hooks,
  values: ({ count }) => ({ coats: count(({ coat }) => coat !== undefined && coat !== '') }),
})

const cloakroom = defineSpace('cloakroom', {
  caches: [hooks, till, reminders, tickets],
  projections: [coatCount],
  commands: [
    defineCommand('hang', {
      input: Type.Object({ hook: Type.String(), coat: Type.String() }),
      result: Type.Object({ ticket: Type.String() }),
      handler(tx, { hook, coat }) {
        if (tx.get(hooks, hook)?.coat) tx.reject('taken', { hook })
        tx.put(hooks, { hook, coat })
        tx.emit('CoatHung', { hook })
        return { ticket: tx.newId() }
      },
    }),
    defineCommand('pay', {
      input: Type.Object({ by: Type.Integer() }),
      handler: (tx, { by }) => ({
        thanks: 'thanks',
        coins: tx.increment(till, 'till', 'coins', by, coins(by)),
      }),
      answer: ({ thanks, coins }) => `${thanks}, ${coins}`,
    }),
    defineCommand('remind', {
      input: timed,
      handler: (tx, { id, inMs }) => tx.put(reminders, { id, at: tx.now + inMs }),
    }),
    defineCommand('issue', {
      input: timed,
      handler: (tx, { id, inMs }) => tx.put(tickets, { id, validUntil: tx.now + inMs }),
    }),
    defineCommand('renew', {
      input: timed,
      handler(tx, { id, inMs }) {
        const ticket = tx.get(tickets, id) ?? tx.reject('invalid')
        tx.put(tickets, { ...ticket, validUntil: tx.now + inMs })
      },
    }),
    defineCommand('boast', {
      input: Type.Object({}),
      result: Type.Object({ coats: Type.Integer() }),
      // @ts-expect-error: the compiler says so too
      handler: () => ({ coats: 'many' }),
    }),
    defineCommand('dawdle', { input: Type.Object({}), handler: (): unknown => Promise.resolve(1) }),
    defineCommand('deface', {
      input: Type.Object({ hook: Type.String() }),
      handler(tx, { hook }) {
        const entry = tx.get(hooks, hook)
        // @ts-expect-error: entries are readonly
        if (entry) entry.coat = 'another'
      },
    }),
  ],
  queries: [
    defineQuery('coats', {
      input: Type.Object({}),
      result: Type.Object({ coats: Type.Integer(), hooks: Type.Array(Type.String()) }),
      handler: (read) => ({
        coats: read.get(coatCount, 'all')?.coats ?? 0,
        hooks: read.range(hooks, 'byHook').map(({ hook }) => hook),
      }),
    }),
    defineQuery('reminder', {
      input: id,
      handler: (read, { id }) => read.get(reminders, id) ?? read.notFound(`no reminder ${id}`),
    }),
  ],
})

const rejected = (reason: string, details = {}) => expect.objectContaining({ reason, details })
const failed = (code: string) => expect.objectContaining({ code })

describe('one command after the other', () => {
  test('commands change the space, queries and projections see it', () => {
    const grid = new SpaceHarness(cloakroom)
    const answer = grid.execute('hang', { hook: '2', coat: 'blue' })
    expectTypeOf(answer).toEqualTypeOf<{ readonly ticket: string }>()
    expect(answer.ticket).toMatch(/^[0-9A-Za-z]{22}$/)
    grid.execute('hang', { hook: '1', coat: 'red' })
    expect(grid.query('coats', {})).toEqual({ coats: 2, hooks: ['1', '2'] })
    expect(grid.read.get(hooks, '1')).toEqual({ hook: '1', coat: 'red' })
    expect(grid.read.count(hooks)).toBe(2)
    expect(grid.entries(hooks)).toHaveLength(2)
    expect(grid.events).toEqual([
      { name: 'CoatHung', payload: { hook: '2' } },
      { name: 'CoatHung', payload: { hook: '1' } },
    ])
  })

  test('a handler refuses: nothing has happened', () => {
    const grid = new SpaceHarness(cloakroom)
    grid.execute('hang', { hook: '1', coat: 'red' })
    const again = () => grid.execute('hang', { hook: '1', coat: 'blue' })
    expect(again).toThrow(Rejection)
    expect(again).toThrow(rejected('taken', { hook: '1' }))
    expect(grid.query('coats', {})).toMatchObject({ coats: 1 })
    expect(grid.events).toHaveLength(1)
  })

  test('the answer is made of real outcomes, an operation may refuse', () => {
    const grid = new SpaceHarness(cloakroom)
    expect(grid.execute('pay', { by: 2 })).toBe('thanks, 2')
    expect(grid.execute('pay', { by: 1 })).toBe('thanks, 3')
    expect(() => grid.execute('pay', { by: 1 })).toThrow(rejected('full1', { value: 3, max: 3 }))
  })

  test('names and inputs are checked like those from outside', () => {
    const grid = new SpaceHarness(cloakroom)
    // @ts-expect-error: the compiler says so too
    expect(() => grid.execute('fold', {})).toThrow(failed('unknown_command'))
    // @ts-expect-error
    expect(() => grid.query('hats', {})).toThrow(failed('unknown_query'))
    // @ts-expect-error
    expect(() => grid.execute('hang', { hook: 1 })).toThrow(failed('invalid_input'))
    expect(() => grid.query('coats', { color: 'red' })).toThrow(failed('invalid_input'))
    expect(() => grid.query('reminder', { id: 'none' })).toThrow(failed('not_found'))
  })

  test('mistakes of an application come out at once', () => {
    const grid = new SpaceHarness(cloakroom)
    expect(() => grid.execute('boast', {})).toThrow(
      'command boast: coats of its result does not fit',
    )
    grid.execute('hang', { hook: '1', coat: 'red' })
    expect(() => grid.execute('deface', { hook: '1' })).toThrow(
      expect.objectContaining({ code: 'application_fault', cause: expect.any(TypeError) }),
    )
    expect(() => grid.execute('dawdle', {})).toThrow('dawdle: returned a promise')
    expect(grid.faults.map(({ callback }) => callback.name)).toEqual(['boast', 'deface', 'dawdle'])
    const elsewhere = defineCache('hats', { schema: id, key: 'id' })
    // @ts-expect-error: the compiler says so too
    expect(() => grid.entries(elsewhere)).toThrow('cache hats: is not in the space')
  })
})

describe('several units', () => {
  test('two execute before either melds: the second collides, runs again and is refused', () => {
    const grid = new SpaceHarness(cloakroom)
    const first = grid.unit('one').start('hang', { hook: '1', coat: 'red' })
    const second = grid.unit('two').start('hang', { hook: '1', coat: 'blue' })
    expect(() => first.result()).toThrow('not been melded')
    expect(grid.query('coats', {})).toMatchObject({ coats: 0 })
    grid.settle()
    expect(first.attempts).toBe(1)
    expect(second.attempts).toBe(2)
    expect(() => second.result()).toThrow(rejected('taken', { hook: '1' }))
    expect(grid.read.get(hooks, '1')?.coat).toBe('red')
  })

  test('operations of two units do not collide, whatever the order', () => {
    const grid = new SpaceHarness(cloakroom)
    const first = grid.unit('one').start('pay', { by: 1 })
    expectTypeOf(first.result).returns.toEqualTypeOf<`thanks, ${number}`>()
    const second = grid.unit('two').start('pay', { by: 2 })
    grid.unit('two').meld()
    grid.unit('one').meld()
    expect([first.attempts, second.attempts]).toEqual([1, 1])
    expect([first.result(), second.result()]).toEqual(['thanks, 3', 'thanks, 2'])
  })

  test('commands of one unit build on each other; a refusal stands only with what it was founded on', () => {
    const grid = new SpaceHarness(cloakroom)
    const one = grid.unit('one')
    const red = one.start('hang', { hook: '1', coat: 'red' })
    const blue = one.start('hang', { hook: '1', coat: 'blue' })
    expect(one.pendingCount).toBe(2)
    grid.execute('hang', { hook: '1', coat: 'green' })
    one.meld()
    expect([red.settled, blue.settled]).toEqual([false, false])
    one.settle()
    expect([red.attempts, blue.attempts]).toEqual([2, 2])
    for (const command of [red, blue])
      expect(() => command.result()).toThrow(rejected('taken', { hook: '1' }))
  })

  test('collisions are bounded', () => {
    const grid = new SpaceHarness(cloakroom, { attemptsMax: 1 })
    const late = grid.unit('one').start('hang', { hook: '1', coat: 'red' })
    grid.execute('hang', { hook: '1', coat: 'blue' })
    grid.settle()
    expect(() => late.result()).toThrow(failed('contended'))
  })

  test('a unit that was silent until its origin was forgotten joins again', () => {
    const grid = new SpaceHarness(cloakroom)
    grid.execute('pay', { by: 1 })
    const pending = grid.unit('one').start('pay', { by: 1 })
    grid.advance(originSilentMsMax + 1)
    grid.unit('two').start('pay', { by: 1 })
    grid.settle()
    expect(pending.attempts).toBe(2)
    expect(grid.read.get(till, 'till')?.coins).toBe(3)
  })
})

describe('time', () => {
  test('entries expire at their own time: deleted, or as onExpire says', () => {
    const grid = new SpaceHarness(cloakroom, { now: 1_000 })
    grid.execute('issue', { id: 'ticket', inMs: 50 })
    expect(grid.execute('remind', { id: 'later', inMs: 90 })).toBeNull()
    grid.execute('remind', { id: 'sooner', inMs: 10 })
    grid.advance(49)
    expect(grid.query('reminder', { id: 'sooner' })).toEqual({ id: 'sooner', rungAt: 1_010 })
    expect(grid.read.count(tickets)).toBe(1)
    grid.advance(951)
    expect(grid.now).toBe(2_000)
    expect(grid.read.count(tickets)).toBe(0)
    expect(grid.query('reminder', { id: 'later' })).toEqual({ id: 'later', rungAt: 1_090 })
  })

  test('time may pass with nobody looking for what is due', () => {
    const grid = new SpaceHarness(cloakroom)
    grid.execute('issue', { id: 'ticket', inMs: 50 })
    grid.advance(60, { expire: false })
    expect(grid.read.count(tickets)).toBe(1)
    grid.advance(0)
    expect(grid.read.count(tickets)).toBe(0)
  })

  test('an expiry that was executed before its entry was renewed does nothing', () => {
    const grid = new SpaceHarness(cloakroom)
    grid.execute('issue', { id: 'ticket', inMs: 50 })
    grid.advance(50, { expire: false })
    grid.unit('sweeper').expire()
    grid.execute('renew', { id: 'ticket', inMs: 50 })
    grid.settle()
    expect(grid.read.count(tickets)).toBe(1)
  })

  test('an onExpire that leaves its entry as it was is a mistake', () => {
    const grid = new SpaceHarness(cloakroom)
    grid.execute('remind', { id: 'stuck', inMs: 1 })
    expect(() => grid.advance(1)).toThrow('onExpire has left entry stuck as it was')
  })
})

test('a handler that changes its input fails as it does in a unit', () => {
  const tidyUp = defineCommand('tidyUp', {
    input: Type.Object({ ids: Type.Array(Type.String()) }),
    // @ts-expect-error: inputs are readonly
    handler: (_, { ids }) => ids.sort(),
  })
  const harness = new SpaceHarness(
    defineSpace('tidying', { caches: [], commands: [tidyUp], queries: [] }),
  )
  expect(() => harness.execute('tidyUp', { ids: ['b', 'a'] })).toThrow(/read only/)
})
