import { defineCache, defineCommand, defineSpace, Type } from '@spacegrid/grid/core/define'
import { UnitWorld } from '@spacegrid/grid/kit/unit-world'
import { afterEach, beforeEach, expect, test } from 'vitest'

const notes = defineCache('notes', {
  schema: Type.Object({ id: Type.String(), start: Type.String() }),
  key: 'id',
})

/** What the handler has put, as its transaction has taken it. */
let taken: unknown

const note = defineCommand('note', {
  input: Type.Object({ id: Type.String(), text: Type.String() }),
  handler: (tx, { id, text }) => {
    tx.put(notes, { id, start: text.slice(0, 20) })
    taken = tx.get(notes, id)
  },
})

const space = defineSpace('notes', { caches: [notes], commands: [note] })

let world: UnitWorld
beforeEach(() => {
  world = new UnitWorld(space)
})
afterEach(() => world.stop())

test('what a unit has written itself it does not read back: the value is the one it has taken', async () => {
  const { unit } = await world.startReady()
  const { unit: other } = await world.startReady()
  await world.settled(unit.execute('note', { id: 'a', text: 'a short text' }))
  await world.clock.advance(100)
  expect(unit.get(notes, 'a')).toBe(taken)
  expect(other.get(notes, 'a')).toEqual(taken)
  expect(other.get(notes, 'a')).not.toBe(taken)
  expect(other.state?.digest.toString()).toBe(unit.state?.digest.toString())
})

test('a text cut out of a large input does not keep that input in memory', async () => {
  const { unit } = await world.startReady()
  await world.settled(unit.execute('note', { id: 'a', text: 'much longer. '.repeat(1000) }))
  expect(unit.get(notes, 'a')).toEqual(taken)
  expect(unit.get(notes, 'a')).not.toBe(taken)
})

test('a frame that was sent again, with another time, is known by its new bytes', async () => {
  const { unit, log } = await world.startReady({ republishMs: 200, deadlinePositions: 1000 })
  let lost = 1
  log.fate = () => (lost-- > 0 ? { copies: 0 } : {})
  await world.settled(unit.execute('note', { id: 'a', text: 'a short text' }))
  expect(lost).toBeLessThan(0)
  expect(unit.get(notes, 'a')).toBe(taken)
})
