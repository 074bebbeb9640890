import {
  defineCache,
  defineCommand,
  defineQuery,
  defineSpace,
  Type,
} from '@spacegrid/grid/core/define'
import { UnitWorld } from '@spacegrid/grid/kit/unit-world'
import { afterEach, expect, test } from 'vitest'

const notes = defineCache('notes', {
  schema: Type.Object({ id: Type.String(), topic: Type.String(), stars: Type.Integer() }),
  key: 'id',
  indexes: { byTopic: ['topic', 'stars'] },
})
const write = defineCommand('write', {
  input: Type.Object({ topic: Type.String(), count: Type.Integer() }),
  handler(tx, { topic, count }) {
    for (let stars = 0; stars < count; stars++) tx.put(notes, { id: tx.newId(), topic, stars })
  },
})
const input = Type.Object({
  topic: Type.String(),
  limit: Type.Optional(Type.Integer()),
  cursor: Type.Optional(Type.String()),
})
const best = defineQuery('best', {
  input,
  handler: (read, { topic, ...page }) =>
    read.page(notes, 'byTopic', { equals: [topic], reverse: true, ...page }),
})
const rare = defineQuery('rare', {
  input,
  handler: (read, { topic }) =>
    read.page(notes, 'byTopic', {
      equals: [topic],
      filter: ({ stars }) => stars < 0,
      examinedMax: 50,
    }),
})
const late = defineQuery('late', {
  input,
  handler: (read) =>
    read.page(notes, 'byTopic', { filter: (() => Promise.resolve(true)) as never }),
})
const paged = defineSpace('paged', {
  caches: [notes],
  commands: [write],
  queries: [best, rare, late],
})

let world = new UnitWorld(paged)
afterEach(async () => {
  await world.stop()
  world = new UnitWorld(paged)
})

async function filled() {
  const started = await world.startReady()
  await world.settled(started.unit.execute('write', { topic: 'a', count: 100 }))
  await world.settled(started.unit.execute('write', { topic: 'b', count: 5 }))
  return started
}

const starsOf = (result: unknown) =>
  (result as { items: { stars: number }[] }).items.map(({ stars }) => stars)
const nextOf = (result: unknown) => (result as { next?: string }).next

test('a cursor is good on every unit, those that have started since among them', async () => {
  const { unit } = await filled()
  const first = await unit.query('best', { topic: 'a', limit: 3 })
  expect(starsOf(first.result)).toEqual([99, 98, 97])
  const other = await world.startReady()
  await world.settled(unit.stop())
  const second = await world.settled(
    other.unit.query('best', { topic: 'a', limit: 3, cursor: nextOf(first.result) }),
  )
  expect(starsOf(second.result)).toEqual([96, 95, 94])
  const all = await other.unit.query('best', { topic: 'b' })
  expect([starsOf(all.result).length, nextOf(all.result)]).toEqual([5, undefined])
})

test('an explanation says which index was read, and how many entries were looked at', async () => {
  const { unit } = await filled()
  const ask = async (query: string, input: object) =>
    (await unit.query(query, input, { explain: true })).explanation?.[0]?.reads
  const read = { kind: 'page', cache: 'notes', index: 'byTopic', times: 1 }
  expect(await ask('best', { topic: 'a', limit: 3 })).toEqual([
    { ...read, range: { equals: ['a'], reverse: true }, examined: 4, returned: 3 },
  ])
  expect(await ask('rare', { topic: 'b' })).toMatchObject([{ ...read, examined: 5, returned: 0 }])
  // Nothing of it is looked through again as data that nobody knows.
  const { result } = await unit.query('best', { topic: 'a', limit: 3 }, { explain: true })
  expect(starsOf(result)).toEqual([99, 98, 97])
})

test('what a caller asks of a page that cannot be is told to the caller, as no mistake of the application', async () => {
  const { unit, events } = await filled()
  const first = await unit.query('best', { topic: 'a', limit: 3 })
  for (const page of [
    { cursor: 'x' },
    { cursor: '' },
    { topic: 'b', cursor: nextOf(first.result) },
    { limit: 0 },
    { limit: 1_000_000 },
  ])
    await expect(unit.query('best', { topic: 'a', ...page })).rejects.toMatchObject({
      code: 'invalid_input',
      details: { errors: [{ path: 'cursor' in page ? 'cursor' : 'limit' }] },
    })
  await expect(unit.query('rare', { topic: 'a' })).rejects.toMatchObject({
    code: 'query_too_large',
  })
  expect(starsOf((await unit.query('rare', { topic: 'b' })).result)).toEqual([])
  expect(events.filter(({ kind }) => kind === 'application_fault')).toEqual([])
  await expect(unit.query('late', { topic: 'a' })).rejects.toMatchObject({
    code: 'application_fault',
  })
})
