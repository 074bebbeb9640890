import { FrameKind } from '@spacegrid/grid/core/frame'
import { encodeFrame, frameFormat } from '@spacegrid/grid/engine/wire/frame-codec'
import { seal } from '@spacegrid/grid/engine/wire/seal'
import { UnitWorld, type WorldUnit } from '@spacegrid/grid/kit/unit-world'
import { Packr } from 'msgpackr'
import { expect, test } from 'vitest'
import { counting } from './test-support/counters.ts'

const packr = new Packr({ useRecords: false })
const ofAnotherVersion = seal(frameFormat + 96, packr.pack([FrameKind.leave, 1, 2, 3]))
const skip = (position: number) => encodeFrame({ kind: FrameKind.skip, position })

const levelsOf = ({ events }: WorldUnit) =>
  events.flatMap((event) => (event.kind === 'log' ? [`${event.level} ${event.message}`] : []))
const timesRehydrated = ({ events }: WorldUnit) =>
  events.filter(({ kind }) => kind === 'rehydrated').length

async function agreeing(world: UnitWorld, units: readonly WorldUnit[]): Promise<void> {
  await world.until(() => units.every(({ unit }) => unit.position === world.stream.last))
  expect(new Set(units.map(({ unit }) => unit.status().digest)).size).toBe(1)
}

// docs/decisions/0015
test('what is no frame of any version is passed over by all, told once and counted', async () => {
  const world = new UnitWorld(counting)
  const one = await world.startReady()
  const other = await world.startReady()
  await world.settled(one.unit.execute('add', { id: 'x' }))
  const first = world.stream.last + 1
  const damaged = encodeFrame({ kind: FrameKind.join, unit: 'x', nonce: 1 })
  damaged[9] = 255
  for (const bytes of [[], [0xde, 0xad], [0xdd, 255, 255, 255, 255], [...damaged]])
    world.stream.append(new Uint8Array(bytes))
  const { result } = await world.settled(other.unit.execute('add', { id: 'x' }))
  expect(result).toMatchObject({ count: 2 })
  await agreeing(world, [one, other])
  // It reads the same records again, from the log's beginning.
  const third = await world.startReady({ sources: ['log'] })
  await agreeing(world, [one, other, third])
  for (const it of [one, other, third]) {
    expect(timesRehydrated(it)).toBe(1)
    expect(it.unit.status().damagedRecords).toBe(4)
    expect(levelsOf(it)).toHaveLength(4)
    expect(levelsOf(it)[0]).toMatch(`warn passes over position ${first} of the log: `)
  }
  await world.stop()
})

test('a flood of what is no frame is counted, and told with a few lines', async () => {
  const world = new UnitWorld(counting)
  const one = await world.startReady()
  for (let i = 0; i < 3000; i++) world.stream.append(new Uint8Array([i & 0xff, i >>> 8]))
  await world.settled(one.unit.execute('add', { id: 'x' }))
  expect(one.unit.status().damagedRecords).toBe(3000)
  expect(levelsOf(one)).toHaveLength(10)
  await world.stop()
})

test('a copy taken where a record was passed over is no other history', async () => {
  const world = new UnitWorld(counting)
  const one = await world.startReady({ heartbeatMs: 1e9 })
  await world.settled(one.unit.execute('add', { id: 'x' }))
  await world.clock.advance(5000)
  world.stream.append(new Uint8Array([1, 2, 3]))
  await world.until(() => one.unit.position === world.stream.last)
  const other = await world.startReady({ sources: ['peer'] }, {})
  expect(other.events.filter(({ kind }) => kind === 'waiting')).toEqual([])
  await agreeing(world, [one, other])
  await world.stop()
})

test('before a whole frame of another version all stop, and go on answering reads, until the log lets them pass', async () => {
  const world = new UnitWorld(counting)
  const one = await world.startReady()
  const other = await world.startReady()
  await world.settled(one.unit.execute('add', { id: 'x' }))
  const position = world.stream.append(ofAnotherVersion)
  const second = world.stream.append(ofAnotherVersion)
  await world.until(() => !one.unit.readiness().ready && !other.unit.readiness().ready)
  await world.clock.advance(20_000)
  for (const it of [one, other]) {
    const { unit } = it
    expect(unit.readiness().reason).toContain(`stays before position ${position} of the log`)
    expect(levelsOf(it)).toEqual([expect.stringMatching(`error stays before position ${position}`)])
    expect(timesRehydrated(it)).toBe(1)
    expect(await world.settled(unit.query('read', { id: 'x' }))).toMatchObject({
      position: position - 1,
    })
    await expect(world.settled(unit.execute('add', { id: 'x' }))).rejects.toMatchObject({
      code: 'not_ready',
      message: expect.stringContaining('npx spacegrid log skip'),
    })
  }
  // A unit that begins now has the same before it, and answers the same.
  const late = world.start({ sources: ['peer', 'log'] })
  await world.until(() => late.unit.staysAndReads)
  expect(await world.settled(late.unit.query('read', { id: 'x' }))).toMatchObject({
    result: { count: 1 },
  })
  await world.settled(late.unit.stop())
  // Nobody floods the log meanwhile.
  expect(world.stream.last).toBeLessThan(second + 5)
  // A word of the second one alone moves nobody, but is remembered.
  world.stream.append(skip(second))
  await world.clock.advance(3000)
  expect(one.unit.position).toBe(position - 1)
  world.stream.append(skip(position))
  await world.until(() => one.unit.readiness().ready && other.unit.readiness().ready)
  const { result } = await world.settled(other.unit.execute('add', { id: 'x' }))
  expect(result).toMatchObject({ count: 2 })
  // Whoever comes later finds the word behind the record.
  const third = await world.startReady({ sources: ['log'] })
  await agreeing(world, [one, other, third])
  for (const it of [one, other, third]) {
    expect(timesRehydrated(it)).toBe(1)
    expect(it.unit.status().damagedRecords).toBe(0)
    expect(levelsOf(it).at(-1)).toContain(`passes over position ${second} of the log, as the log`)
  }
  await world.stop()
})

test('what can be read is melded, whatever the log says of passing it over', async () => {
  const world = new UnitWorld(counting)
  const one = await world.startReady()
  const { position } = await world.settled(one.unit.execute('add', { id: 'x' }))
  world.stream.append(skip(position))
  world.stream.append(skip(world.stream.last + 5))
  const other = await world.startReady({ sources: ['log'] })
  await agreeing(world, [one, other])
  expect(await world.settled(other.unit.query('read', { id: 'x' }))).toMatchObject({
    result: { count: 1 },
  })
  await world.stop()
})

// architecture.md, invariant 10: so many origins are remembered. Whoever is forgotten joins again.
test('a flood of units that join does not keep the others from their work', async () => {
  const world = new UnitWorld(counting)
  const one = await world.startReady()
  const other = await world.startReady()
  await world.settled(one.unit.execute('add', { id: 'x' }))
  for (let nonce = 0; nonce < 3000; nonce++)
    world.stream.append(encodeFrame({ kind: FrameKind.join, unit: `intruder ${nonce}`, nonce }))
  const { result } = await world.settled(one.unit.execute('add', { id: 'x' }))
  expect(result).toMatchObject({ count: 2 })
  await world.settled(other.unit.execute('add', { id: 'x' }))
  await agreeing(world, [one, other])
  expect(one.unit.state?.origins.size).toBeLessThanOrEqual(1024)
  expect(timesRehydrated(one) + timesRehydrated(other)).toBe(2)
  await world.stop()
})
