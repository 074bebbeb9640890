import { fateOf, UnitWorld } from '@spacegrid/grid/kit/unit-world'
import { afterEach, expect, test } from 'vitest'
import { counting } from './test-support/counters.ts'

let world = new UnitWorld(counting)
afterEach(async () => {
  world.stream.full = false
  await world.stop()
  world = new UnitWorld(counting)
})

/**
 * architecture.md, invariant 3: a caller is not told "no" while a copy of the frame may still land.
 */
test('a frame is not given up when the log refuses a copy while another one is still on its way', async () => {
  const { unit, log, events } = await world.startReady({ republishMs: 50 })
  log.fate = () => ({ delayMs: 300 })
  const fate = fateOf(unit.execute('add', { id: 'x' }))
  await world.clock.advance(10)
  log.fate = () => ({})
  world.stream.full = true
  await world.clock.advance(250)
  world.stream.full = false
  await world.until(() => fate.value !== undefined || fate.error !== undefined)
  expect(fate).toMatchObject({ value: { result: { count: 1 } } })
  expect(unit.readiness()).toEqual({ ready: true })
  expect(events.map(({ kind }) => kind)).not.toContain('rehydrating')
})

test('a frame is not given up when the log refuses a copy of what it has stored', async () => {
  let tailMs = 1
  const { unit } = await world.startReady({ republishMs: 50 }, { latencyMs: () => tailMs })
  const fate = fateOf(unit.execute('add', { id: 'x' }))
  // The append is on its way; what the tail sees of it comes late.
  await world.clock.advance(0)
  tailMs = 200
  await world.clock.advance(2)
  tailMs = 1
  world.stream.full = true
  await world.clock.advance(150)
  world.stream.full = false
  await world.until(() => fate.value !== undefined || fate.error !== undefined)
  expect(fate).toMatchObject({ value: { result: { count: 1 } } })
})

test('commands that wait behind a frame which the log refuses are told so as well', async () => {
  const { unit } = await world.startReady({ framesInFlightMax: 1 })
  world.stream.full = true
  const first = fateOf(unit.execute('add', { id: 'x' }))
  await world.clock.advance(1)
  const second = fateOf(unit.execute('add', { id: 'y' }))
  await world.until(() => first.error !== undefined && second.error !== undefined, 100)
  expect(first.error).toMatchObject({ code: 'log_full' })
  expect(second.error).toMatchObject({ code: 'log_full' })
  world.stream.full = false
  expect(await world.settled(unit.execute('add', { id: 'x' }))).toMatchObject({
    result: { count: 1 },
  })
})

test('commands that wait behind a frame of unknown fate are told that the log is full', async () => {
  const { unit, log } = await world.startReady(
    { framesInFlightMax: 1, republishMs: 50 },
    { timeoutMs: 20 },
  )
  log.fate = () => ({ copies: 0 })
  const first = fateOf(unit.execute('add', { id: 'x' }))
  await world.clock.advance(30)
  log.fate = () => ({})
  world.stream.full = true
  const second = fateOf(unit.execute('add', { id: 'y' }))
  await world.until(() => second.error !== undefined, 500)
  expect(second.error).toMatchObject({ code: 'log_full' })
  expect(first).toEqual({})
  world.stream.full = false
  await world.until(() => first.value !== undefined, 500)
  expect(first.value).toMatchObject({ result: { count: 1 } })
})
