import { defineCommand, defineSpace, Type } from '@spacegrid/grid/core/define'
import { fateOf, UnitWorld } from '@spacegrid/grid/kit/unit-world'
import { expect, test } from 'vitest'
import { add, counters, put, read } from './test-support/counters.ts'

/** What cannot be kept: an integer of arbitrary size. */
const emitHuge = defineCommand('emitHuge', {
  input: Type.Object({ id: Type.String() }),
  handler: (tx, { id }) => {
    tx.put(counters, { id, count: 7, text: '' })
    tx.emit('huge', { size: 2n ** 80n })
  },
})

const space = defineSpace('counting', {
  caches: [counters],
  commands: [add, put, emitHuge],
  queries: [read],
})

test('data that cannot be kept fails its own command, and none of its neighbours', async () => {
  const world = new UnitWorld(space)
  const { unit, events } = await world.startReady()
  const fates = [
    fateOf(unit.execute('add', { id: 'x' })),
    fateOf(unit.execute('emitHuge', { id: 'y' })),
    fateOf(unit.execute('emitHuge', { id: 'y' }, { acknowledge: 'accepted' })),
    fateOf(unit.execute('add', { id: 'y' })),
    fateOf(unit.execute('add', { id: 'x' })),
  ]
  await world.until(() => fates.every(({ value, error }) => value ?? error))
  expect(fates).toMatchObject([
    { value: { result: { count: 1 } } },
    { error: { code: 'application_fault' } },
    { error: { code: 'application_fault' } },
    { value: { result: { count: 1 } } },
    { value: { result: { count: 2 } } },
  ])
  expect(events.map(({ kind }) => kind)).not.toContain('rehydrating')
  await world.stop()
})
