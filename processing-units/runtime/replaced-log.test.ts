import { GridError } from '@spacegrid/grid/core/errors'
import { subjects } from '@spacegrid/grid/engine/wire/subjects'
import { UnitWorld } from '@spacegrid/grid/kit/unit-world'
import { expect, test } from 'vitest'
import { counting } from './test-support/counters.ts'

// architecture.md, invariant 8: the log is checked, not trusted.
test('a unit whose log was replaced begins with no other one as long as nobody knows what is stored', async () => {
  const world = new UnitWorld(counting)
  const { unit } = await world.startReady({ sources: ['peer', 'reader', 'log'] })
  await world.settled(unit.execute('put', { id: 'a', count: 1 }))
  world.stream.replace()
  // What was on its way to the log that is gone lands in the new one: it is not even empty.
  world.stream.append(new Uint8Array([1]))
  await world.clock.advance(60_000)
  expect(unit.readiness()).toMatchObject({ ready: false })
  expect(unit.position).toBe(0)
  await world.stop()
})

test('nor does one that left its log for another reason just before that was replaced', async () => {
  const world = new UnitWorld(counting)
  const { unit, log } = await world.startReady({ sources: ['peer', 'reader', 'log'] })
  await world.settled(unit.execute('put', { id: 'a', count: 1 }))
  const definition = world.stream.read(1)?.data as Uint8Array
  // A position that is left out ends the incarnation, and nobody has seen another log yet.
  log.seen = (record) => ({ ...record, position: record.position + 1 })
  world.stream.append(definition)
  await world.until(() => !unit.readiness().ready)
  log.seen = (record) => record
  world.stream.replace()
  world.stream.append(definition)
  await world.clock.advance(60_000)
  expect(unit.readiness()).toMatchObject({ ready: false })
  expect(unit.position).toBe(0)
  await world.stop()
})

test('a data reader that no longer answers has not taken back that something is stored', async () => {
  const world = new UnitWorld(counting)
  world.stream.append(new Uint8Array([1]))
  const reader = world.messaging.respond(subjects.snapshotFromReader(counting.name), () => {
    throw new GridError('overloaded', 'Others are copying')
  })
  const { unit } = world.start({ sources: ['reader', 'log'] })
  await world.clock.advance(10_000)
  await reader.stop()
  await world.clock.advance(60_000)
  expect(unit.readiness()).toMatchObject({ ready: false })
  expect(unit.position).toBe(0)
  await world.stop()
})
