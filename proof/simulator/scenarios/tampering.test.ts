import { FrameKind } from '@spacegrid/grid/core/frame'
import { readRecord } from '@spacegrid/grid/engine/replica/record-reader'
import { encodeFrame } from '@spacegrid/grid/engine/wire/frame-codec'
import { seal } from '@spacegrid/grid/engine/wire/seal'
import type { Tampering } from '@spacegrid/grid/kit/simulated-store'
import { afterEach, expect, test } from 'vitest'
import { itemsSpace } from './items-space.ts'
import { Scenario } from './scenario.ts'

const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31))

let scenario: Scenario

afterEach(() => scenario.crashAll())

const put = (id: string) => scenario.execute(0, 'put', { id, size: 2 })
const said = (what: RegExp) => scenario.trace.some((line) => what.test(line))
const tamper = (tampering: Tampering, isSeen = true) =>
  scenario.world.store.tamper(itemsSpace.name, tampering, isSeen)

async function startGrid(auditIntervalMs = 0): Promise<void> {
  scenario = new Scenario(seed, {
    auditIntervalMs,
    writerOptions: { trimDelayMs: 500, batchBytesMax: 4 * 1024 * 1024, takeoverMs: 2000 },
  })
  for (const role of ['reader', 'writer', 'pump'] as const) scenario.start(role)
  for (const number of [0, 1]) await scenario.startReady('unit', number)
  for (let n = 0; n < 30; n++) await put(`k${n}`)
  await scenario.advance(3000)
}

/** Exactly what the log says is stored, and can be read. */
async function expectRight(): Promise<void> {
  const { store } = scenario.world
  await scenario.until(() => store.tampered.size === 0 && !store.isCheckpointTampered, 30_000)
  await scenario.advance(3000)
  expect(await scenario.differencesOf('store')).toEqual([])
  const scan = await store.scan(itemsSpace.name)
  let count = 0
  for await (const chunk of scan?.chunks() ?? []) count += chunk.length
  expect(count).toBe(store.reached?.entries)
}

const entry = (key: string) => ({ cache: 'items', key })
const edited = { entry: entry('k7'), value: { id: 'k7', size: 99, group: 'odd' } }

// docs/decisions/0017
const tamperings: readonly (readonly [string, Tampering])[] = [
  ['an entry that is changed', edited],
  ['an entry that is removed', { entry: entry('k8'), value: undefined }],
  ['an entry that is added', { entry: entry('new'), value: { id: 'new', size: 1 } }],
  ['a cache that is dropped', { cache: 'items' }],
  ['a checkpoint that is removed', { checkpoint: 'removed' }],
  ['a checkpoint that is changed', { checkpoint: 'changed' }],
]

test.each(tamperings)(`%s behind a grid at rest is mended (seed ${seed})`, async (_, tampering) => {
  await startGrid()
  tamper(tampering)
  await expectRight()
  expect(said(/somebody else than the grid has changed the store/)).toBe(true)
})

test.each(tamperings)(`%s while commands go on is mended (seed ${seed})`, async (_, tampering) => {
  await startGrid()
  for (let n = 0; n < 60; n++) {
    if (n === 20) tamper(tampering)
    await put(`k${n % 40}`)
    await scenario.advance(20)
  }
  await expectRight()
})

// docs/decisions/0016
test(`what the pump says to the log, so that it moves, says when (seed ${seed})`, async () => {
  await startGrid()
  const { log } = scenario.world
  const { last } = log
  tamper(edited)
  await expectRight()
  const frames = Array.from({ length: log.last - last }, (_, n) =>
    readRecord(log.read(last + 1 + n)?.data ?? new Uint8Array()),
  )
  const moved = frames.filter((frame) => 'shape' in frame)
  expect(moved).not.toEqual([])
  for (const frame of moved) expect(frame).toHaveProperty('at')
})

// docs/decisions/0015
test(`before a record of another version the pump does not try to move the log (seed ${seed})`, async () => {
  await startGrid()
  const { log } = scenario.world
  scenario.world.strangersWrite = true
  const position = log.append(seal(99, new Uint8Array([0x90])))
  await scenario.advance(1000)
  tamper(edited)
  await scenario.advance(20_000)
  expect(log.last).toBe(position)
  log.append(encodeFrame({ kind: FrameKind.skip, position, at: scenario.world.clock.now() }))
  await expectRight()
})

test(`what nobody saw is found when the store is counted (seed ${seed})`, async () => {
  await startGrid(5000)
  tamper(edited, false)
  tamper({ entry: entry('k9'), value: undefined }, false)
  tamper({ entry: entry('new'), value: { id: 'new', size: 1 } }, false)
  await expectRight()
  expect(said(/not as they were written: .*items "k7"/)).toBe(true)
})

test(`a store changed while all was down is not served: the warm image is used, and the store mended (seed ${seed})`, async () => {
  await startGrid(5000)
  scenario.crashAll()
  tamper(edited)
  await scenario.advance(100)
  for (const role of ['reader', 'writer', 'pump'] as const) scenario.start(role)
  for (const number of [0, 1]) await scenario.startReady('unit', number)
  expect((await scenario.unit(0).entry('items', 'k7')).value).toMatchObject({ size: 2 })
  await expectRight()
})

test(`a store changed while all was down is refused when there is nothing else (seed ${seed})`, async () => {
  await startGrid()
  scenario.crashAll()
  tamper(edited)
  await scenario.world.image.clear(itemsSpace.name)
  scenario.world.log.trim(scenario.world.store.reached?.position ?? 0)
  for (const role of ['reader', 'writer', 'pump'] as const) scenario.start(role)
  scenario.start('unit')
  await scenario.advance(10_000)
  expect(scenario.readiness('unit')).toMatchObject({ ready: false })
  expect(said(/The store does not hold items "k7" .*npx spacegrid recover/)).toBe(true)
})
