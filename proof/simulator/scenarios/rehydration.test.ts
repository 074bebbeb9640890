import { isGridError } from '@spacegrid/grid/core/errors'
import type { RehydrationSource } from '@spacegrid/grid/engine/replica/rehydration'
import { SeededRandom } from '@spacegrid/grid/kit/seeded-random'
import { afterEach, expect, test } from 'vitest'
import { compareReplica } from '../check/copies.ts'
import type { Settings } from '../plan/settings.ts'
import { itemsSpace } from './items-space.ts'
import { Scenario } from './scenario.ts'

const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31))

let scenario: Scenario

afterEach(() => scenario.crashAll())

/**
 * A grid with one of each, ready, and entries in its store. Unit 1 has not started yet; it will
 * have these sources.
 */
async function startGrid(
  entries: number,
  sources: readonly RehydrationSource[] = ['peer', 'reader', 'log'],
  settings: Partial<Settings> = {},
): Promise<void> {
  const usual = { sources: ['peer', 'reader', 'log'] } as const
  scenario = new Scenario(seed, { unitOptions: [usual, { sources }, usual], ...settings })
  for (const role of ['reader', 'writer', 'pump'] as const) scenario.start(role)
  await scenario.startReady('unit')
  await scenario.execute(0, 'fill', { prefix: 'k', count: entries }, true)
}

/** Writes, deletes and creates all the time, until told to stop. */
function keepBusy(): () => Promise<void> {
  const random = new SeededRandom(seed)
  const { clock } = scenario.world
  let stopped = false
  const work = async () => {
    for (let n = 0; !stopped; n++) {
      const id = `k${random.below(1500)}`
      const commands: [string, unknown][] = [
        ['put', { id, size: n }],
        ['remove', { id }],
        ['put', { id: `new${n}`, size: n }],
        ['bump', { id: 'c' }],
      ]
      const [name, input] = commands[n % commands.length] as [string, unknown]
      await scenario
        .unit()
        .execute(name, input)
        .catch((error) => {
          if (!isGridError(error, 'rejected')) throw error
        })
      await new Promise<void>((resolve) => {
        clock.after(1, resolve)
      })
    }
  }
  const working = work()
  return async () => {
    stopped = true
    await scenario.settled(working)
  }
}

const expectExact = (number: number) => {
  const { state } = scenario.unit(number)
  expect(state && compareReplica(state, scenario.world.reference)).toEqual([])
}

const complaints = () => scenario.trace.filter((line) => /unit-1 \w+: cannot rehydrate/.test(line))

const imageHas = (entries: number) =>
  scenario.until(() => scenario.world.image.reached?.entries === entries)

// architecture.md, invariant 8
test(`a unit that starts from an image in motion is exact: seed ${seed}`, async () => {
  await startGrid(1500, ['reader'])
  await imageHas(1500)
  const stop = keepBusy()
  // Hundreds of pieces of a few milliseconds each, while the image moves from window to window.
  scenario.world.imageFaults.delayMsMax = 5
  await scenario.startReady('unit', 1)
  await stop()
  expect(complaints()).toEqual([])
  expect(scenario.world.coverage.counts.get('scans: of a store in motion')).toBeGreaterThan(0)
  expectExact(1)
  expect(scenario.world.problems).toEqual([])
})

test(`a unit that starts from the store, the log's beginning long gone, is exact: seed ${seed}`, async () => {
  const writerOptions = { trimDelayMs: 200, batchBytesMax: 4 * 1024 * 1024, takeoverMs: 2000 }
  await startGrid(1000, ['store'], { writerOptions })
  const stop = keepBusy()
  await scenario.until(() => scenario.world.log.first > 5)
  await scenario.startReady('unit', 1)
  await stop()
  expectExact(1)
  expect(scenario.world.problems).toEqual([])
})

test.each([false, true])('everything dies and comes back, the image lost: %s', async (isLost) => {
  await startGrid(2000)
  const { digest } = scenario.unit().status()
  scenario.crashAll()
  if (isLost) await scenario.world.image.clear(itemsSpace.name)
  for (const role of ['reader', 'writer', 'pump'] as const) scenario.start(role)
  for (const number of [0, 1, 2]) scenario.start('unit', number)
  for (const number of [0, 1, 2]) {
    await scenario.until(() => scenario.readiness('unit', number)?.ready === true)
    expect(scenario.unit(number).status().digest).toBe(digest)
    expectExact(number)
  }
})

test('a transaction of 100,000 changes reaches store and image', async () => {
  await startGrid(100_000)
  expect(scenario.world.store.reached?.entries).toBe(100_000)
  await imageHas(100_000)
  for (const store of ['store', 'image'] as const)
    expect((await scenario.differencesOf(store)).slice(0, 5)).toEqual([])
  expect(scenario.unit().status().entries).toBe(100_000)
  expect(scenario.world.problems.slice(0, 5)).toEqual([])
}, 60_000)

test('an image that nobody could use is not offered twice in a row', async () => {
  await startGrid(500, ['reader'])
  await imageHas(500)
  // Redis evicts what it likes.
  scenario.world.image.evict(itemsSpace.name, new SeededRandom(seed))
  await scenario.startReady('unit', 1)
  expect(complaints()[0]).toMatch(/digest/)
  expect(scenario.unit(1).status().entries).toBe(500)
})
