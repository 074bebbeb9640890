import { SimulatedClock } from '@spacegrid/grid/adapters/simulated/simulated-clock'
import { damage } from '@spacegrid/grid/audit/test-support/damage'
import type { ProcessingUnit, UnitEvent } from '@spacegrid/grid/unit/processing-unit'
import { afterEach, expect, test } from 'vitest'
import { compareStored } from './comparison.ts'
import { testSpace } from './test-space.ts'
import { type Process, World } from './world.ts'

const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31))

let world: World
let clock: SimulatedClock
let unitMessages: string[]

afterEach(async () => {
  const stopped = world.stop()
  await clock.advance(30_000)
  await stopped
})

async function until(condition: () => boolean | Promise<boolean>, msMax = 120_000): Promise<void> {
  for (let ms = 0; !(await condition()); ms += 5) {
    if (ms >= msMax) throw new Error(`not after ${msMax} ms:\n${world.events.join('\n')}`)
    await clock.advance(5)
  }
}

async function settled<T>(promise: Promise<T>): Promise<T> {
  let over = false
  const end = () => {
    over = true
  }
  promise.then(end, end)
  await until(() => over)
  return await promise
}

/** A grid with a store, an image and entries in both. */
async function startGrid(unitCount: number) {
  clock = new SimulatedClock()
  world = new World(clock, seed)
  unitMessages = []
  const report = (event: UnitEvent) => {
    if (event.kind === 'audit') unitMessages.push(event.message)
  }
  world.reader({ auditIntervalMs: 5000 })
  world.writer({ trimDelayMs: 500 })
  const pump = world.pump()
  const units: Process<ProcessingUnit>[] = []
  for (let n = 0; n < unitCount; n++) {
    const unit = world.unit({ report })
    await until(() => unit.component.readiness().ready)
    units.push(unit)
  }
  for (let n = 0; n < 30; n++) await put(units, `k${n}`)
  await clock.advance(3000)
  return { pump, units }
}

const put = ([unit]: readonly Process<ProcessingUnit>[], id: string) =>
  settled((unit as Process<ProcessingUnit>).component.execute('put', { id, size: 2 }))

const divergences = (units: readonly Process<ProcessingUnit>[]) =>
  units.map(({ component }) => component.status().audit?.diverged)

/** Everything that is stored is what the log says, and a unit can start from it. */
async function expectExact(units: readonly Process<ProcessingUnit>[]): Promise<void> {
  const { last } = world.log
  for (const store of [world.store, world.image]) {
    await until(async () => ((await store.checkpoint(testSpace.name))?.position ?? 0) >= last)
    expect((await compareStored(world, store)).problems).toEqual([])
  }
  await until(() => units.every(({ component }) => component.readiness().ready))
  for (const { component } of units) expect(component.status().audit?.drift).toBe(0)
}

// architecture.md, invariant 9
test('one of two units is wrong: the pump has the casting vote', async () => {
  const { units } = await startGrid(2)
  const heal = damage(units[0]?.logs[0] as never, 'alpha', 'gamma')
  await put(units.slice(1), 'alpha')
  await clock.advance(5)
  heal()
  await until(() => divergences(units)[0] === 1)
  await until(() => units.every(({ component }) => component.readiness().ready))
  await clock.advance(10_000)
  expect(divergences(units)).toEqual([1, 0])
  await expectExact(units)
})

test('the only unit is wrong, and the pump is not: the store knows', async () => {
  const { units } = await startGrid(1)
  const heal = damage(units[0]?.logs[0] as never, 'alpha', 'gamma')
  await put(units, 'alpha')
  await clock.advance(5)
  heal()
  await until(() => divergences(units)[0] === 1)
  await clock.advance(10_000)
  expect(divergences(units)).toEqual([1])
  await expectExact(units)
})

test('the pump is wrong: it rebuilds from the units, and what it had stored is put right', async () => {
  const { pump, units } = await startGrid(2)
  const heal = damage(pump.logs[0] as never, 'alpha', 'gamma')
  await put(units, 'alpha')
  await put(units, 'beta')
  await clock.advance(50)
  heal()
  // It is stored already.
  expect(await world.store.get(testSpace.name, 'items', 'gamma')).toBeDefined()
  await until(() => pump.component.status().audit?.diverged === 1)
  await until(() => pump.component.readiness().ready)
  await put(units, 'delta')
  await clock.advance(10_000)
  expect(divergences(units)).toEqual([0, 0])
  expect(await world.store.get(testSpace.name, 'items', 'gamma')).toBeUndefined()
  await expectExact(units)
})

test('the pump has a wrong value, which no digest shows, and has stored it', async () => {
  const { pump, units } = await startGrid(2)
  const heal = damage(pump.logs[0] as never, 'even', 'evil')
  await put(units, 'alpha')
  await clock.advance(50)
  heal()
  expect(await world.store.get(testSpace.name, 'items', 'alpha')).toMatchObject({
    value: { group: 'evil' },
  })
  await until(() => pump.component.status().audit?.diverged === 1)
  await until(() => pump.component.readiness().ready)
  await put(units, 'delta')
  await clock.advance(10_000)
  await expectExact(units)
})

test('an entry of the store that was changed by hand is found when all of them are told', async () => {
  const { units } = await startGrid(2)
  await put(units, 'alpha')
  await clock.advance(1000)
  const { name } = testSpace
  const entry = await world.store.get(name, 'items', 'k7')
  const checkpoint = await world.store.checkpoint(name)
  if (!entry || !checkpoint) throw new Error('nothing is stored')
  const value = { ...entry.value, size: 99 }
  await world.store.apply(name, checkpoint.position, checkpoint, [{ ...entry, value }])
  await until(() => unitMessages.some((message) => /the entry "k7" of items/.test(message)))
  await clock.advance(5000)
  expect(unitMessages.join()).toMatch(/the audit finds unit-\d+ right/)
  expect(divergences(units)).toEqual([0, 0])
})
