import { type Frame, FrameKind } from '@spacegrid/grid/core/frame'
import { readRecord } from '@spacegrid/grid/engine/replica/record-reader'
import { encodeFrame } from '@spacegrid/grid/engine/wire/frame-codec'
import { seal } from '@spacegrid/grid/engine/wire/seal'
import { encodeOpening } from '@spacegrid/grid/engine/wire/snapshot-messages'
import { subjects } from '@spacegrid/grid/engine/wire/subjects'
import {
  damagedBytes,
  oddBytes,
  strangeBytes,
} from '@spacegrid/grid/engine/wire/test-support/odd-bytes'
import fc from 'fast-check'
import type { GridError } from 'spacegrid'
import { afterEach, expect, test } from 'vitest'
import { itemsSpace } from './items-space.ts'
import { Scenario } from './scenario.ts'

const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31))
const runs = Number(process.env.FUZZ_RUNS ?? 100)

let scenario: Scenario
afterEach(() => scenario.crashAll())

async function startGrid(): Promise<void> {
  scenario = new Scenario(seed)
  scenario.world.strangersWrite = true
  for (const role of ['reader', 'writer', 'pump'] as const) scenario.start(role)
  await scenario.startReady('unit', 0)
  await scenario.startReady('unit', 1)
}

/** Every copy is what the log says, and nobody had to begin anew. */
async function expectWhole(units: readonly number[] = [0, 1]): Promise<void> {
  const { log, problems, reference } = scenario.world
  await scenario.until(() => units.every((unit) => scenario.unit(unit).position === log.last))
  for (const unit of units)
    expect(scenario.unit(unit).status().digest).toBe(reference.state.digest.toString())
  expect(await scenario.differencesOf('store')).toEqual([])
  expect(await scenario.differencesOf('image')).toEqual([])
  expect(problems).toEqual([])
  const begun = scenario.trace.filter((line) => /unit-\d+ info: rehydrated from/.test(line))
  expect(begun).toHaveLength(units.length)
}

const far = 1e9
const link = { origin: far, id: far, previous: far, deadline: far }
const frames: readonly Frame[] = [
  { kind: FrameKind.join, unit: 'stranger', nonce: 7 },
  { kind: FrameKind.part, ...link, bytes: new Uint8Array(9) },
  { kind: FrameKind.transactions, ...link, transactions: [], parts: 3 },
  { kind: FrameKind.skip, position: 3 },
  { kind: FrameKind.leave, ...link },
]
const frame = fc.constantFrom(...frames.map(encodeFrame))

// architecture.md, invariant 1; docs/decisions/0015
test(`whatever strangers write to the log, all replicas pass it over alike: seed ${seed}`, async () => {
  await startGrid()
  const odd = fc
    .oneof(damagedBytes(frame), strangeBytes(frame))
    .filter((bytes) => (readRecord(bytes) as Partial<GridError>).code !== 'format_unsupported')
  for (const [number, bytes] of fc.sample(odd, { seed, numRuns: runs }).entries()) {
    scenario.world.log.append(bytes)
    if (number % 10 === 0) {
      await scenario.execute(number % 2, 'put', { id: `k${number}`, size: number })
      await scenario.execute(1, 'bump', { id: 'all' })
    }
  }
  await scenario.execute(0, 'fill', { prefix: 'f', count: 20 }, true)
  await expectWhole()
  expect(scenario.unit(0).status().damagedRecords).toBeGreaterThan(0)
  expect(scenario.pump()?.status().damagedRecords).toBe(scenario.unit(0).status().damagedRecords)
  await scenario.startReady('unit', 2)
  await expectWhole([0, 1, 2])
})

test('before a frame of another version all stay, the pump too, and go on when the log says so', async () => {
  await startGrid()
  await scenario.execute(0, 'put', { id: 'a', size: 1 }, true)
  const position = scenario.world.log.append(seal(99, new Uint8Array([0x90])))
  await scenario.advance(10_000)
  const reason = `stays before position ${position} of the log`
  for (const [role, number] of [
    ['unit', 0],
    ['unit', 1],
    ['pump', 0],
  ] as const)
    expect(scenario.readiness(role, number)).toMatchObject({
      ready: false,
      reason: expect.stringContaining(reason),
    })
  scenario.world.log.append(encodeFrame({ kind: FrameKind.skip, position }))
  for (const number of [0, 1])
    await scenario.until(() => scenario.readiness('unit', number)?.ready === true)
  await scenario.execute(1, 'put', { id: 'b', size: 2 }, true)
  // The reference takes no more than the position, as everybody did.
  await expectWhole()
})

test(`whatever strangers publish, nobody ends, and who asks is answered: seed ${seed}`, async () => {
  await startGrid()
  await scenario.execute(0, 'put', { id: 'a', size: 1 }, true)
  const { name } = itemsSpace
  const outsider = scenario.world.network.connect(scenario.world.connect('stranger').host)
  const odd = oddBytes(fc.constantFrom(encodeOpening(undefined), encodeFrame(frames[0] as Frame)))
  const asked = [
    subjects.snapshotFromPeer(name),
    subjects.snapshotFromReader(name),
    subjects.snapshotFromStore(name),
    subjects.archive(name),
  ]
  const codes = new Set<string>()
  for (const bytes of fc.sample(odd, { seed, numRuns: runs })) {
    for (const subject of [subjects.persisted(name), subjects.audit(name)])
      outsider.publish(subject, bytes)
    for (const subject of asked)
      await scenario.settled(
        outsider.request(subject, bytes, { timeoutMs: 2000 }).then(
          () => codes.add('answered'),
          (error) => codes.add(error.code),
        ),
      )
  }
  codes.delete('answered')
  const expected = ['record_damaged', 'format_unsupported', 'invalid_json', 'invalid_input']
  expect([...expected, 'overloaded']).toEqual(expect.arrayContaining([...codes]))
  await scenario.execute(0, 'put', { id: 'b', size: 2 }, true)
  await expectWhole()
})

test('who opens snapshots and never reads them keeps no unit from joining', async () => {
  await startGrid()
  await scenario.execute(0, 'fill', { prefix: 'f', count: 50 }, true)
  const outsider = scenario.world.network.connect(scenario.world.connect('stranger').host)
  const { clock } = scenario.world
  const attack = () => {
    for (const subject of [subjects.snapshotFromPeer, subjects.snapshotFromReader])
      for (let i = 0; i < 3; i++)
        outsider
          .request(subject(itemsSpace.name), encodeOpening(undefined), { timeoutMs: 500 })
          .catch(() => undefined)
    clock.after(50, attack)
  }
  attack()
  await scenario.advance(2000)
  const before = clock.monotonic()
  await scenario.startReady('unit', 2)
  expect(clock.monotonic() - before).toBeLessThan(3000)
  await expectWhole([0, 1, 2])
})

/**
 * The store takes nothing for a while, so that windows wait in the queue; then the writer begins
 * anew, and meets what was done to them.
 */
async function withWaitingWindows(damage: (first: number, last: number) => void): Promise<void> {
  await startGrid()
  const { world } = scenario
  await scenario.execute(0, 'put', { id: 'a', size: 1 }, true)
  const { last } = world.changes
  world.storeFaults.failure = 1
  for (let size = 0; size < 5; size++) {
    await scenario.execute(0, 'put', { id: `k${size}`, size })
    await scenario.advance(200)
  }
  expect(world.changes.last).toBeGreaterThan(last + 3)
  scenario.crash('writer')
  damage(last + 1, world.changes.last)
  world.calm()
  scenario.start('writer')
  await scenario.execute(0, 'put', { id: 'b', size: 2 })
  await expectWhole()
  expect(scenario.trace.join('\n')).toMatch(/writer-0 error: passes over record \d+ of the change/)
  expect(scenario.trace.join('\n')).toMatch(/pump-0 error: .* is published anew/)
}

test('a window that is damaged in the queue is passed over, told, and published anew', async () => {
  await withWaitingWindows((first) => {
    const record = scenario.world.changes.read(first + 1)
    if (record) record.data[record.data.length - 1] = (record.data.at(-1) as number) ^ 1
  })
})

test('what strangers write to the change queue is passed over', async () => {
  await startGrid()
  const { world } = scenario
  world.queueDamaged = true
  for (const bytes of fc.sample(damagedBytes(frame), { seed, numRuns: 10 })) {
    await scenario.execute(0, 'bump', { id: 'all' })
    world.changes.append(bytes)
  }
  await scenario.execute(0, 'put', { id: 'b', size: 2 }, true)
  await expectWhole()
})
