import { defineProjection, defineQuery, defineSpace, Type } from '@spacegrid/grid/core/define'
import { fateOf, UnitWorld } from '@spacegrid/grid/kit/unit-world'
import { expect, test } from 'vitest'
import { add, counters, put, read } from './test-support/counters.ts'

const fragile = defineProjection('fragile', {
  of: counters,
  where: ({ text }) => {
    if (text === 'poison') throw new Error('it cannot be projected')
    return true
  },
  values: ({ count }) => ({ counters: count() }),
})

const sturdy = defineProjection('sturdy', {
  of: counters,
  values: ({ sum }) => ({ sum: sum('count') }),
})

const size = defineQuery('size', {
  input: Type.Object({}),
  handler: (reader) => reader.get(fragile, 'all'),
})

const sum = defineQuery('sum', {
  input: Type.Object({}),
  handler: (reader) => reader.get(sturdy, 'all'),
})

const space = defineSpace('counting', {
  caches: [counters],
  commands: [add, put],
  queries: [read, size, sum],
  projections: [fragile, sturdy],
})

test('a projection that throws fails its own queries, and leaves the unit in service', async () => {
  const world = new UnitWorld(space)
  const first = await world.startReady()
  await world.settled(first.unit.execute('put', { id: 'x', count: 1 }))
  expect((await first.unit.query('size', {})).result).toEqual({ counters: 1 })
  const poisoned = fateOf(first.unit.execute('put', { id: 'y', count: 2, text: 'poison' }))
  await world.until(() => poisoned.value !== undefined || poisoned.error !== undefined)
  expect(poisoned).toMatchObject({ value: { result: { count: 2 } } })
  // One that joins now meets it while it builds its models.
  const second = await world.startReady()
  for (const { unit, events } of [first, second]) {
    await world.settled(unit.execute('add', { id: 'x' }))
    await expect(unit.query('size', {})).rejects.toMatchObject({
      code: 'application_fault',
      callback: { kind: 'projection', name: 'fragile' },
    })
    expect(events.filter(({ kind }) => kind === 'application_fault')).toHaveLength(1)
    expect(unit.readiness()).toEqual({ ready: true })
  }
  await world.until(() => first.unit.position === second.unit.position)
  for (const { unit } of [first, second])
    expect((await unit.query('sum', {})).result).toEqual({ sum: 5 })
  await world.stop()
})
