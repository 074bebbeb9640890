import type { SpaceState } from '@spacegrid/grid/core/space-state'
import { damage } from '@spacegrid/grid/engine/agreement/test-support/damage'
import { afterEach, expect, test } from 'vitest'
import { itemsSpace } from './items-space.ts'
import { Scenario } from './scenario.ts'

const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31))

let scenario: Scenario
let unitCount: number

afterEach(() => scenario.crashAll())

const units = () => Array.from({ length: unitCount }, (_, number) => scenario.unit(number))
const put = (unit: number, id: string) => scenario.execute(unit, 'put', { id, size: 2 })
const divergences = () => units().map((unit) => unit.status().audit?.diverged)
const allReady = () => scenario.until(() => units().every((unit) => unit.readiness().ready))
const stored = (key: string) => scenario.world.store.get(itemsSpace.name, 'items', key)

/** A grid with a store, an image and entries in both. */
async function startGrid(count: number): Promise<void> {
  unitCount = count
  const writerOptions = { trimDelayMs: 500, batchBytesMax: 4 * 1024 * 1024, takeoverMs: 2000 }
  scenario = new Scenario(seed, { auditIntervalMs: 5000, writerOptions })
  for (const role of ['reader', 'writer', 'pump'] as const) scenario.start(role)
  for (let number = 0; number < count; number++) await scenario.startReady('unit', number)
  for (let n = 0; n < 30; n++) await put(0, `k${n}`)
  await scenario.advance(3000)
}

/** Everything that is stored is what the log says, and the units agree. */
async function expectExact(): Promise<void> {
  for (const store of ['store', 'image'] as const)
    expect(await scenario.differencesOf(store)).toEqual([])
  await allReady()
  for (const unit of units()) expect(unit.status().audit?.drift).toBe(0)
}

/**
 * `damaged` lets the pump read something wrong, and `isStored` says whether that has got into the
 * store. Replicas compare themselves some times a second: when they notice before it is stored, it
 * is tried again, with other keys, once the pump is back. Returns the number of the attempt, and
 * how often the pump was found wrong by then.
 */
async function storeWrong(
  damaged: (attempt: number) => Promise<() => void>,
  isStored: (attempt: number) => Promise<boolean>,
): Promise<{ readonly attempt: number; readonly before: number }> {
  for (let attempt = 0; attempt < 20; attempt++) {
    await scenario.until(() => scenario.readiness('pump')?.ready === true)
    const heal = await damaged(attempt)
    await scenario.advance(50)
    heal()
    if (await isStored(attempt))
      return { attempt, before: scenario.pump()?.status().audit?.diverged ?? 0 }
    // At another moment of the second in which they compare themselves.
    await scenario.advance(3210)
  }
  throw new Error('what is wrong was always noticed before it was stored')
}

// architecture.md, invariant 9
test(`one of two units is wrong: the pump has the casting vote (seed ${seed})`, async () => {
  await startGrid(2)
  const heal = damage(scenario.logOf('unit'), 'alpha', 'gamma')
  await put(1, 'alpha')
  await scenario.advance(5)
  heal()
  await scenario.until(() => divergences()[0] === 1)
  await allReady()
  await scenario.advance(10_000)
  expect(divergences()).toEqual([1, 0])
  await expectExact()
})

test(`the only unit is wrong, and the pump is not: the store knows (seed ${seed})`, async () => {
  await startGrid(1)
  const heal = damage(scenario.logOf('unit'), 'alpha', 'gamma')
  await put(0, 'alpha')
  await scenario.advance(5)
  heal()
  await scenario.until(() => divergences()[0] === 1)
  await scenario.advance(10_000)
  expect(divergences()).toEqual([1])
  await expectExact()
})

test(`the pump is wrong: it rebuilds from the units, and what it had stored is put right (seed ${seed})`, async () => {
  await startGrid(2)
  const { attempt, before } = await storeWrong(
    async (n) => {
      const heal = damage(scenario.logOf('pump'), `alpha${n}`, `gamma${n}`)
      await put(0, `alpha${n}`)
      await put(0, 'beta')
      return heal
    },
    async (n) => (await stored(`gamma${n}`)) !== undefined,
  )
  await scenario.until(() => scenario.pump()?.status().audit?.diverged === before + 1)
  await scenario.until(() => scenario.readiness('pump')?.ready === true)
  await put(0, 'delta')
  await scenario.advance(10_000)
  expect(divergences()).toEqual([0, 0])
  expect(await stored(`gamma${attempt}`)).toBeUndefined()
  await expectExact()
})

test(`the pump has a wrong value, which no digest shows, and has stored it (seed ${seed})`, async () => {
  await startGrid(2)
  const { before } = await storeWrong(
    async (n) => {
      const heal = damage(scenario.logOf('pump'), 'even', 'evil')
      await put(0, `alpha${n}`)
      return heal
    },
    async (n) => (await stored(`alpha${n}`))?.value?.group === 'evil',
  )
  await scenario.until(() => scenario.pump()?.status().audit?.diverged === before + 1)
  await scenario.until(() => scenario.readiness('pump')?.ready === true)
  await put(0, 'delta')
  await scenario.advance(10_000)
  await expectExact()
})

test(`an entry of the store that was changed by hand is found when all of them are told (seed ${seed})`, async () => {
  await startGrid(2)
  await put(0, 'alpha')
  await scenario.advance(1000)
  const { reached } = scenario.world.store
  const entry = await stored('k7')
  if (!entry || !reached) throw new Error('nothing is stored')
  const value = { ...entry.value, size: 99 }
  await scenario.world.store.apply(itemsSpace.name, reached.position, reached, [
    { ...entry, value },
  ])
  const said = (what: RegExp) => scenario.trace.some((line) => what.test(line))
  await scenario.until(() => said(/unit-\d \w+: the entry "k7" of items/))
  await scenario.advance(5000)
  expect(said(/the audit finds unit-\d right/)).toBe(true)
  expect(divergences()).toEqual([0, 0])
})

/** Changes the value of an entry in place, as a handler could that changes what it was given. */
function corrupt(state: SpaceState | undefined, key: string): void {
  const { number } = state?.layout.named('items') ?? {}
  const entry = number === undefined ? undefined : state?.find(number, key)
  if (!entry) throw new Error(`${key} is not there`)
  entry.value = { ...entry.value, size: 99 }
}

const sizesOf = (key: string) => units().map((unit) => unit.entry('items', key))

// docs/decisions/0017
test(`a value that an application has changed in most of the units is wrong all the same (seed ${seed})`, async () => {
  await startGrid(2)
  await put(0, 'last')
  await scenario.advance(2000)
  for (const unit of units()) corrupt(unit.state, 'k7')
  await scenario.until(() => divergences().every((count) => count === 1))
  await allReady()
  for (const answer of await Promise.all(sizesOf('k7')))
    expect(answer.value).toMatchObject({ size: 2 })
  expect(scenario.pump()?.status().audit?.diverged).toBe(0)
  await expectExact()
})

test(`a value that is wrong in the pump alone is not the store's: the pump leaves (seed ${seed})`, async () => {
  await startGrid(1)
  await put(0, 'last')
  await scenario.advance(2000)
  corrupt(scenario.pump()?.state, 'k7')
  await scenario.until(() => scenario.pump()?.status().audit?.diverged === 1)
  await scenario.until(() => scenario.readiness('pump')?.ready === true)
  expect(divergences()).toEqual([0])
  await put(0, 'delta')
  await scenario.advance(10_000)
  await expectExact()
})
