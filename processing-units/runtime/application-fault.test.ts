import { runInThisContext } from 'node:vm'
import { ApplicationFault } from '@spacegrid/grid/core/application-fault'
import {
  defineCache,
  defineCommand,
  defineProjection,
  defineQuery,
  defineSpace,
  Type,
} from '@spacegrid/grid/core/define'
import type { Space } from '@spacegrid/grid/core/definition'
import { fateOf, UnitWorld, type WorldUnit } from '@spacegrid/grid/kit/unit-world'
import { expect, test } from 'vitest'

/** An application in a file of its own, so that its lines can be told from the grid's. */
const declare = runInThisContext(
  `(({ defineCache, defineCommand, defineProjection, defineQuery, Type }) => {
  const input = Type.Object({ how: Type.Optional(Type.String()) })
  const notes = defineCache('notes', {
    schema: Type.Object({ id: Type.String(), n: Type.Integer(), until: Type.Optional(Type.Integer()) }),
    key: 'id',
    expiry: 'until',
    onExpire: (tx, { id }) => { tx.put(notes, { id, n: 'ten' }) },
  })
  const hats = defineCache('hats', { schema: Type.Object({ id: Type.String() }), key: 'id' })
  const later = async () => { await null; throw new Error('later') }
  const sums = defineProjection('sums', { of: notes, where: ({ n }) => (n === 13 ? later() : true), values: ({ count }) => ({ notes: count() }) })
  return { caches: [notes], projections: [sums], commands: [
    defineCommand('misfit', { input, handler: (tx) => {
      tx.put(notes, { id: 'a', n: 'one' })
    } }),
    defineCommand('throws', { input, handler: () => {
      throw undefined
    } }),
    defineCommand('result', { input, result: Type.Object({ n: Type.Integer() }), handler: (tx) => {
      tx.put(notes, { id: 'a', n: 1 })
      return { n: 1, more: 2 }
    } }),
    defineCommand('outcome', { input, result: Type.Object({ n: Type.Integer({ maximum: 0 }) }), handler: (tx) => ({
      n: tx.increment(notes, 'b', 'n', 1, { initial: { id: 'b', n: 0 } })
    }) }),
    defineCommand('late', { input, handler: (tx) => {
      tx.put(notes, { id: 'a', n: 1 })
      return later()
    } }),
    defineCommand('answered', { input, handler: (tx) => {
      tx.put(notes, { id: 'c', n: 1 })
    }, answer: () => {
      throw new Error('no answer')
    } }),
    defineCommand('put', { input: Type.Object({ n: Type.Integer(), until: Type.Optional(Type.Integer()) }), handler: (tx, note) => {
      tx.put(notes, { id: 'd', ...note })
    } }),
    defineCommand('swallowed', { input, handler: (tx) => {
      try { tx.put(notes, { id: 'e', n: 1.5 }) } catch {}
      try { tx.increment(notes, 'e', 'n', 1.5) } catch {}
      return { told: 'nothing' }
    } }),
    defineCommand('elsewhere', { input, handler: (tx) => {
      tx.put(hats, { id: 'a' })
    } }),
  ], queries: [
    defineQuery('elsewhere', { input, handler: (read) => read.get(hats, 'a') }),
    defineQuery('total', { input, handler: (read) => read.get(sums, 'all') }),
    defineQuery('wrong', { input, handler: (read) => { read.range(notes, 'byNothing') } }),
    defineQuery('gone', { input, handler: (read) => read.notFound('gone') }),
  ] }
})`,
  { filename: '/application/notes.ts' },
)
const parts = declare({ defineCache, defineCommand, defineProjection, defineQuery, Type })
const space: Space = defineSpace('notes', parts)

const faultsOf = ({ events }: WorldUnit): ApplicationFault[] =>
  events.flatMap((event) =>
    event.kind === 'application_fault' && event.error instanceof ApplicationFault
      ? [event.error]
      : [],
  )

async function told(world: UnitWorld, { unit }: WorldUnit, command: string, input: object = {}) {
  const fate = fateOf(unit.execute(command, input))
  await world.until(() => 'value' in fate || 'error' in fate)
  return fate
}

test.each<[string, object, string]>([
  [
    'misfit',
    { kind: 'command', callback: 'misfit', cache: 'notes', field: 'n', line: '14:10' },
    'command misfit: cache notes: n must be integer',
  ],
  ['throws', { kind: 'command', line: '16:5' }, 'command throws: threw undefined'],
  [
    'result',
    { kind: 'command', field: 'more', line: '19:5' },
    'command result: more of its result does not fit the declared schema: is not a known field',
  ],
  ['late', { kind: 'command', line: '26:5' }, 'command late: returned a promise'],
])('%s: told once, with its line, and nothing is committed', async (name, fields, message) => {
  const world = new UnitWorld(space)
  const one = await world.startReady()
  const entries = one.unit.state?.entryCount
  const { error } = await told(world, one, name)
  const [fault, ...more] = faultsOf(one)
  expect(error).toBe(fault)
  expect(fault).toMatchObject({
    code: 'application_fault',
    status: 500,
    details: { command: name },
  })
  expect(fault?.details).toEqual({ id: fault?.id, command: name })
  const { line, ...others } = fields as { line: string }
  expect(fault?.told).toMatchObject(others)
  expect(fault?.line).toBe(`/application/notes.ts:${line}`)
  expect(fault?.message).toContain(message)
  // What a promise has to say comes later, under the same id.
  expect(more.map(({ id, message }) => [id, message.includes('later')])).toEqual(
    name === 'late' ? [[fault?.id, true]] : [],
  )
  expect(one.unit.state?.entryCount).toBe(entries)
  await world.stop()
})

test.each(['outcome', 'answered'])('%s: what is committed says where', async (name) => {
  const world = new UnitWorld(space)
  const one = await world.startReady()
  const { error } = await told(world, one, name)
  expect(error).toMatchObject({
    code: 'application_fault',
    details: { command: name, position: one.unit.position },
  })
  expect(one.unit.state?.entryCount).toBe(1)
  await world.stop()
})

test('what a handler catches itself has left nothing behind', async () => {
  const world = new UnitWorld(space)
  const one = await world.startReady()
  expect((await told(world, one, 'swallowed')).value?.result).toEqual({ told: 'nothing' })
  expect(one.unit.state?.entryCount).toBe(0)
  await world.stop()
})

test('queries: wrong use is a fault, not found is an answer', async () => {
  const world = new UnitWorld(space)
  const one = await world.startReady()
  await expect(one.unit.query('gone', {})).rejects.toMatchObject({ code: 'not_found' })
  await expect(one.unit.query('wrong', {})).rejects.toMatchObject({
    code: 'application_fault',
    details: { query: 'wrong' },
    line: expect.stringContaining('/application/notes.ts'),
  })
  expect(faultsOf(one)).toHaveLength(1)
  await world.stop()
})

test('a cache that is not in the space is told with what works with it', async () => {
  const world = new UnitWorld(space)
  const one = await world.startReady()
  const { error } = await told(world, one, 'elsewhere')
  await expect(one.unit.query('elsewhere', {})).rejects.toMatchObject({ cache: 'hats' })
  const problem = 'cache hats: is not in the space: add it to the caches of defineSpace'
  expect(faultsOf(one).map(({ cache, message }) => [cache, message])).toEqual([
    ['hats', `command elsewhere: ${problem} (/application/notes.ts:44:10)`],
    ['hats', `query elsewhere: ${problem} (/application/notes.ts:47:63)`],
  ])
  expect(error).toBe(faultsOf(one)[0])
  await world.stop()
})

test('a projection that returns a promise is out of use, told once for all its queries', async () => {
  const world = new UnitWorld(space)
  const one = await world.startReady()
  await told(world, one, 'put', { n: 13 })
  for (let i = 0; i < 3; i++)
    await expect(one.unit.query('total', {})).rejects.toMatchObject({ code: 'application_fault' })
  expect(
    faultsOf(one).map(({ callback, message }) => [callback.kind, message.slice(0, 40)]),
  ).toEqual([
    ['projection', 'projection sums: returned a promise; it '],
    ['projection', 'projection sums: later (/application/not'],
  ])
  expect(one.unit.readiness()).toEqual({ ready: true })
  await world.stop()
})

test('an entry whose onExpire is wrong rests, and is told of', async () => {
  const world = new UnitWorld(space)
  const one = await world.startReady()
  await told(world, one, 'put', { n: 1, until: world.clock.now() + 10 })
  await world.until(() => faultsOf(one).length > 0)
  const [fault] = faultsOf(one)
  expect(fault?.told).toMatchObject({ kind: 'expiry', cache: 'notes', field: 'n' })
  await world.clock.advance(2000)
  expect(faultsOf(one)).toHaveLength(1)
  expect(one.unit.state?.entryCount).toBe(1)
  await world.stop()
})
