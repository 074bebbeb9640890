import { SystemClock } from '@spacegrid/grid/adapters/system/system-clock'
import type { GridError } from '@spacegrid/grid/errors'
import { subjects } from '@spacegrid/grid/records/subjects'
import type { RehydrationSource } from '@spacegrid/grid/replica/rehydration'
import type { ProcessingUnit, UnitEvent } from '@spacegrid/grid/unit/processing-unit'
import { afterEach, expect, test } from 'vitest'
import { compareStored } from './comparison.ts'
import { testSpace } from './test-space.ts'
import { World } from './world.ts'

const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31))
const timeoutMs = 30_000

let world: World

afterEach(() => world.stop())

const isReady = (unit: ProcessingUnit) =>
  expect.poll(() => unit.readiness(), { timeout: timeoutMs }).toEqual({ ready: true })

/** A grid with one of each, ready, and entries in its store. */
async function startGrid(entries: number): Promise<ProcessingUnit> {
  world = new World(new SystemClock(), seed)
  world.reader()
  world.writer({ trimDelayMs: 200 })
  world.pump()
  const { component: unit } = world.unit()
  await isReady(unit)
  await unit.execute('fill', { prefix: 'k', count: entries }, { acknowledge: 'persisted' })
  return unit
}

/** Writes, deletes and creates all the time, until told to stop. */
function keepBusy(unit: ProcessingUnit): () => Promise<void> {
  let stopped = false
  const work = async () => {
    for (let n = 0; !stopped; n++) {
      const id = `k${world.random.below(3000)}`
      const commands: [string, unknown][] = [
        ['put', { id, size: n }],
        ['remove', { id }],
        ['put', { id: `new${n}`, size: n }],
        ['bump', { id: 'c' }],
      ]
      const [name, input] = commands[n % commands.length] as [string, unknown]
      await unit.execute(name, input).catch((error: GridError) => {
        if (error.code !== 'rejected') throw error
      })
      await new Promise((resolve) => setTimeout(resolve, 1))
    }
  }
  const working = work()
  return async () => {
    stopped = true
    await working
  }
}

/** Starts a unit from one source and returns what it could not use. */
async function join(source: RehydrationSource): Promise<[ProcessingUnit, string[]]> {
  const failures: string[] = []
  const report = (event: UnitEvent) => {
    if (event.kind === 'waiting') failures.push(event.error.message)
  }
  const { component: unit } = world.unit({ sources: [source], report })
  await isReady(unit)
  return [unit, failures]
}

// architecture.md, invariant 8
test(`a unit that starts from an image in motion is exact: seed ${seed}`, async () => {
  const unit = await startGrid(3000)
  await expect
    .poll(async () => (await world.image.checkpoint(testSpace.name))?.entries, {
      timeout: timeoutMs,
    })
    .toBe(3000)
  const stop = keepBusy(unit)
  // Sixty pieces of a few milliseconds each, while the image moves from window to window.
  world.imageFaults.delayMsMax = 5
  const [joined, failures] = await join('reader')
  await stop()
  expect(failures).toEqual([])
  await expect.poll(() => joined.status().digest, { timeout: timeoutMs }).toBe(unit.status().digest)
}, 60_000)

test(`a unit that starts from the store, the log's beginning long gone, is exact: seed ${seed}`, async () => {
  const unit = await startGrid(1000)
  const stop = keepBusy(unit)
  await expect.poll(() => world.log.first, { timeout: timeoutMs }).toBeGreaterThan(5)
  const [joined] = await join('store')
  await stop()
  await expect.poll(() => joined.status().digest, { timeout: timeoutMs }).toBe(unit.status().digest)
  expect(joined.status().entries).toBe(unit.status().entries)
}, 60_000)

test('everything dies and comes back: from the image, and from the store when the image is lost', async () => {
  const unit = await startGrid(2000)
  const { digest } = unit.status()
  for (const isImageLost of [false, true]) {
    await world.stop()
    if (isImageLost) await world.image.clear(testSpace.name)
    world.reader()
    world.writer()
    world.pump()
    const units = [world.unit().component, world.unit().component, world.unit().component]
    for (const one of units) await isReady(one)
    for (const one of units) expect(one.status().digest).toBe(digest)
  }
}, 60_000)

test('a transaction of 100,000 changes reaches store and image', async () => {
  const unit = await startGrid(100_000)
  expect((await world.store.checkpoint(testSpace.name))?.entries).toBe(100_000)
  await expect
    .poll(async () => (await world.image.checkpoint(testSpace.name))?.entries, {
      timeout: timeoutMs,
    })
    .toBe(100_000)
  for (const store of [world.store, world.image])
    expect((await compareStored(world, store)).problems.slice(0, 5)).toEqual([])
  expect(unit.status().entries).toBe(100_000)
}, 60_000)

test('an image that nobody could use is not offered twice in a row', async () => {
  await startGrid(500)
  await expect
    .poll(async () => (await world.image.checkpoint(testSpace.name))?.entries, {
      timeout: timeoutMs,
    })
    .toBe(500)
  // Redis evicts what it likes.
  const checkpoint = await world.image.checkpoint(testSpace.name)
  const position = checkpoint?.position ?? 0
  await world.image.apply(testSpace.name, position, checkpoint as NonNullable<typeof checkpoint>, [
    { cache: 'items', key: 'k7', value: undefined, version: 1, position },
  ])
  const [joined, failures] = await join('reader')
  expect(failures[0]).toMatch(/digest/)
  expect(joined.status().entries).toBe(500)
}, 60_000)

test('the archive answers what is stored, and nothing of the grid itself', async () => {
  await startGrid(10)
  const ask = async (request: unknown) => {
    const data = Buffer.from(JSON.stringify(request))
    const answer = await world.messaging.request(subjects.archive(testSpace.name), data, {
      timeoutMs: 1000,
    })
    return JSON.parse(Buffer.from(answer.data).toString())
  }
  expect(await ask({ cache: 'items', key: 'k3' })).toMatchObject({
    value: { id: 'k3', group: 'filled', size: 3 },
  })
  await expect(ask({ cache: 'items', key: 'gone' })).rejects.toMatchObject({ code: 'not_found' })
  for (const request of [{ cache: '_idempotency', key: 'x' }, { cache: 'items' }, null, 'x'])
    await expect(ask(request)).rejects.toMatchObject({ code: 'invalid_input' })
}, 60_000)
