import { UnitWorld } from '@spacegrid/grid/kit/unit-world'
import { afterEach, expect, test } from 'vitest'
import { counting } from './test-support/counters.ts'

let world = new UnitWorld(counting)
afterEach(async () => {
  await world.stop()
  world = new UnitWorld(counting)
})

const entryOf = async (unit: Awaited<ReturnType<UnitWorld['startReady']>>['unit']) =>
  await unit.entry('counters', 'x')
const correction = (version: number, value: Record<string, unknown>) => ({
  cache: 'counters',
  key: 'x',
  version,
  value,
})

test('an operator replaces an entry, on every replica', async () => {
  const [one, two] = [await world.startReady(), await world.startReady()]
  await world.settled(one.unit.execute('put', { id: 'x', count: 1 }))
  const { version } = await entryOf(one.unit)
  const value = { id: 'x', count: 7, text: 'corrected' }
  const answer = await world.settled(two.unit.correct(correction(version, value)))
  await world.until(() => [one, two].every(({ unit }) => unit.position >= answer.position))
  for (const { unit } of [one, two])
    expect(await entryOf(unit)).toMatchObject({ value, version: answer.version })
})

test('only as long as it is what the operator has seen', async () => {
  const [one, two] = [await world.startReady(), await world.startReady()]
  await world.settled(one.unit.execute('put', { id: 'x', count: 1 }))
  const { version } = await entryOf(one.unit)
  const correct = () => two.unit.correct(correction(version, { id: 'x', count: 7, text: '' }))
  // Another unit's command is before the correction in the log, and not yet known to that unit;
  // then one of its own.
  two.log.fate = () => ({ delayMs: 20 })
  const late = correct()
  await world.settled(one.unit.execute('put', { id: 'x', count: 2 }))
  await expect(world.settled(late)).rejects.toMatchObject({ reason: 'entry_changed' })
  const own = two.unit.execute('put', { id: 'x', count: 3 })
  const { version: present } = await entryOf(two.unit)
  const chained = two.unit.correct(correction(present, { id: 'x', count: 7, text: '' }))
  const [, refused] = await world.settled(Promise.allSettled([own, chained]))
  expect(refused).toMatchObject({ reason: { reason: 'entry_changed' } })
  expect((await entryOf(two.unit)).value).toMatchObject({ count: 3 })
})

test('and only by what fits the schema', async () => {
  const { unit } = await world.startReady()
  await world.settled(unit.execute('put', { id: 'x', count: 1 }))
  const { version } = await entryOf(unit)
  const refusals: [Parameters<typeof unit.correct>[0], string][] = [
    [correction(version, { id: 'x', count: 'many', text: '' }), 'invalid_input'],
    [correction(version, { id: 'x', count: 1, text: '', more: 1 }), 'invalid_input'],
    [correction(version, { id: 'y', count: 1, text: '' }), 'invalid_input'],
    [{ ...correction(version, { id: 'x' }), cache: 'nothing' }, 'unknown_cache'],
    [{ ...correction(version, {}), version: 'x' as unknown as number }, 'invalid_input'],
  ]
  for (const [wrong, code] of refusals)
    await expect(world.settled(unit.correct(wrong))).rejects.toMatchObject({ code })
  expect(await entryOf(unit)).toMatchObject({ value: { count: 1 }, version })
})
