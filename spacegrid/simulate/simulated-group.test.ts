import {
  defineCache,
  defineCommand,
  defineEvent,
  defineProcess,
  defineReaction,
  defineSpace,
  Type,
} from 'spacegrid'
import { expect, test } from 'vitest'
import { defineSimulation } from '../testing/simulation.ts'
import { findingsOfAll, shortestRun, simulateSeed } from './simulate-space.ts'
import { alone, groupsOf } from './simulated-group.ts'

const id = Type.Object({ id: Type.String() })
const placed = defineEvent('Placed', id)
const orders = defineCache('orders', { schema: id, key: 'id', indexes: { all: ['id'] } })
const parcels = defineCache('parcels', { schema: id, key: 'id', indexes: { all: ['id'] } })
const tickets = defineCache('tickets', { schema: id, key: 'id', indexes: { all: ['id'] } })

const place = defineCommand('place', {
  input: id,
  handler(tx, { id }) {
    if (tx.get(orders, id)) tx.reject('placed')
    tx.put(orders, { id })
    tx.emit(placed, { id })
  },
})
const cancel = defineCommand('cancel', {
  input: id,
  handler: (tx, { id }) => tx.delete(orders, id),
})
const pack = defineCommand('pack', {
  input: id,
  handler: (tx, { id }) => tx.put(parcels, { id }),
})
const issue = defineCommand('issue', {
  input: id,
  handler: (tx, { id }) => tx.put(tickets, { id }),
})

const packing = defineReaction('packing', {
  on: placed,
  space: 'warehouse',
  command: pack,
  input: ({ id }) => ({ id }),
})
const selling = defineProcess('selling', {
  on: placed,
  undo: { command: cancel, input: ({ event }) => event },
  steps: (process) =>
    process
      .call('payment', { run: () => ({ receipt: '' }), undo: () => undefined })
      .command('ticket', {
        space: 'office',
        command: issue,
        input: ({ event }) => event,
      }),
})
const shop = defineSpace('shop', {
  caches: [orders],
  commands: [place, cancel],
  reactions: [packing, selling],
})
const warehouse = defineSpace('warehouse', { caches: [parcels], commands: [pack] })
const office = defineSpace('office', { caches: [tickets], commands: [issue] })
const pays = { calls: { 'selling.payment': () => ({ receipt: 'paid' }) } }

test('spaces that react on each other are simulated together, all others by themselves', () => {
  const other = defineSpace('other', { caches: [parcels], commands: [pack] })
  const groups = groupsOf([
    defineSimulation(warehouse),
    defineSimulation(shop, pays),
    defineSimulation(other),
    defineSimulation(office),
  ])
  expect(groups.map(({ name, leftOut }) => [name, leftOut])).toEqual([
    ['shop + warehouse + office', []],
    ['other', []],
  ])
})

test('what needs more than is there is left out, and that is said', () => {
  const [group] = groupsOf([defineSimulation(shop), defineSimulation(office)])
  expect(group?.leftOut).toEqual([
    'reaction packing of shop is not simulated: warehouse with its command pack is not in the file',
    'process selling of shop is not simulated: nothing stands in for its call payment (calls of defineSimulation)',
  ])
  const [simulated] = group?.simulations ?? []
  expect(simulated?.space.reactions).toBeUndefined()
  expect(simulated?.space.caches.map(({ name }) => name)).toEqual(['orders'])
})

test('alone, a space has no outbox', () => {
  const { space } = alone(defineSimulation(shop, pays))
  expect(space.caches.map(({ name }) => name)).toEqual(['orders'])
})

test('a stand-in is of a call of a process', () => {
  const calls = { 'selling.ticket': () => undefined }
  expect(() => defineSimulation(shop, { calls })).toThrow('calls names selling.ticket')
})

test('what follows from events is done, once and in order, and the same seed gives the same run', async () => {
  const [group] = groupsOf([
    defineSimulation(shop, {
      ...pays,
      finally: { seen: (read) => read.range(orders, 'all').length < 1000 || 'many' },
    }),
    defineSimulation(warehouse),
    defineSimulation(office),
  ])
  if (!group) throw new Error('no group')
  const counts = new Map<string, number>()
  for (let seed = 1; seed <= 6; seed++) {
    const { problems, coverage, digest } = await simulateSeed(group, seed)
    expect([seed, problems]).toEqual([seed, []])
    for (const [what, count] of coverage) counts.set(what, (counts.get(what) ?? 0) + count)
    if (seed === 1) expect((await simulateSeed(group, seed)).digest).toBe(digest)
  }
  expect(counts.get('reaction packing: steps')).toBeGreaterThan(0)
  expect(counts.get('process selling: steps')).toBeGreaterThan(0)
  expect(findingsOfAll(group, counts)).toEqual([])
})

test('the shortest run of a mistake in what follows', async () => {
  const choosy = defineCommand('pack', {
    input: id,
    handler: (tx): void => tx.reject('full'),
  })
  const [group] = groupsOf([
    defineSimulation(
      defineSpace('shop', {
        caches: [orders, parcels],
        commands: [place, choosy],
        reactions: [defineReaction('packing', { on: placed, command: choosy, input: (it) => it })],
      }),
    ),
  ])
  if (!group) throw new Error('no group')
  const [problem = ''] = (await simulateSeed(group, 1)).problems
  expect(problem).toMatch(
    /^dead letter: reaction packing: it waits for people \(packing: full\); Placed/,
  )
  const { asked, problem: same } = await shortestRun(group, 1, problem)
  expect(same).toMatch(/^dead letter: /)
  expect(asked).toHaveLength(1)
})
