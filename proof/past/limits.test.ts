import { GridError } from '@spacegrid/grid/core/errors'
import { KeptSnapshots } from '@spacegrid/grid/engine/past/kept-snapshots'
import { type PastSettings, PastStates } from '@spacegrid/grid/engine/past/past-states'
import { SimulatedLog } from '@spacegrid/grid/kit/simulated-log'
import type { ProcessingUnit } from '@spacegrid/runtime/processing-unit'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { PastWorld } from './past-world.ts'

let world: PastWorld

beforeEach(async () => {
  world = new PastWorld(1)
  await world.startUnit(0)
  await world.startPump()
  await world.until(() => world.past.last > 0)
  const unit = world.units[0] as ProcessingUnit
  for (let left = 1; left <= 10; left++)
    await world.settled(unit.execute('put', { id: 'tea', shelf: 'a', left }))
})

afterEach(() => world.stop())

/** Over connections on which everything takes so long. */
function statesOver(
  latencyMs: number,
  settings: Partial<PastSettings> = {},
  takeRoom?: () => () => void,
): PastStates {
  const open = (stream: typeof world.log) =>
    new SimulatedLog(world.clock, stream, { latencyMs: () => latencyMs })
  const ports = { log: open(world.log), kept: new KeptSnapshots(open(world.past)) }
  return new PastStates(() => Promise.resolve(ports), world.clock, takeRoom, settings)
}

test('who has waited too long asks again, and finds what was made meanwhile', async () => {
  const states = statesOver(200, { waitMsMax: 500 })
  const position = world.log.last
  await expect(world.settled(states.at(position, (it) => it.position))).rejects.toMatchObject({
    code: 'position_timeout',
    retryAfterMs: 2000,
  })
  await world.clock.advance(10_000)
  expect(await world.settled(states.at(position, (it) => it.position))).toBe(position)
})

test('who finds too many waiting is told so, and the others are answered', async () => {
  const states = statesOver(10, { waitingMax: 3 })
  const asked = [3, 5, 4].map((position) => states.at(position, (it) => it.position))
  await expect(states.at(2, (it) => it.position)).rejects.toMatchObject({ code: 'overloaded' })
  expect(await world.settled(Promise.all(asked))).toEqual([3, 5, 4])
  expect(await world.settled(states.at(2, (it) => it.position))).toBe(2)
})

test('where there is no room nothing is made, until there is', async () => {
  let isFull = true
  const states = statesOver(1, {}, () => {
    if (isFull) throw new GridError('memory_full', 'full')
    return () => undefined
  })
  const ask = () => world.settled(states.at(5, (it) => it.position))
  await expect(ask()).rejects.toMatchObject({ code: 'memory_full' })
  isFull = false
  expect(await ask()).toBe(5)
})

test('what takes too long to be made, or is asked of who stops, is given up', async () => {
  const slow = statesOver(100, { makeMsMax: 50 })
  await expect(world.settled(slow.at(9, (it) => it.position))).rejects.toMatchObject({
    code: 'position_timeout',
  })
  const stopping = statesOver(100)
  const asked = stopping.at(9, (it) => it.position)
  await world.clock.advance(250)
  stopping.close()
  await expect(world.settled(asked)).rejects.toMatchObject({ code: 'stopping' })
})

test('a log that cannot be reached is told, and asked again by the next', async () => {
  const log = new SimulatedLog(world.clock, world.log)
  const states = new PastStates(() => Promise.resolve({ log }), world.clock)
  log.cut()
  const ask = () => world.settled(states.at(5, (it) => it.position))
  await expect(ask()).rejects.toMatchObject({ code: 'log_unavailable' })
  log.heal()
  expect(await ask()).toBe(5)
})

test('a snapshot that is damaged is passed over for the one before', async () => {
  await world.until(() => world.past.last > 5)
  const kept = new KeptSnapshots(new SimulatedLog(world.clock, world.past))
  const [newest, before] = (await world.settled(kept.list())).kept
  const position = Number(newest?.position)
  const log = new SimulatedLog(world.clock, world.log)
  const statesWith = (isDamaged: (at: number) => boolean) => {
    const damaged = new SimulatedLog(world.clock, world.past)
    const read = damaged.read.bind(damaged)
    damaged.read = async (at) => {
      const record = await read(at)
      return record && isDamaged(at) ? { ...record, data: record.data.slice(0, -1) } : record
    }
    const ports = { log, kept: new KeptSnapshots(damaged) }
    return new PastStates(() => Promise.resolve(ports), world.clock)
  }
  const ask = (states: PastStates) => world.settled(states.at(position, (it) => it.position))
  const pieceOf = (snapshot: typeof newest) => Number(snapshot?.first) + 1
  expect(await ask(statesWith((at) => at === pieceOf(newest)))).toBe(position)
  // The log begins at 1 here: without any snapshot it is melded from there.
  const isPiece = (at: number) => at === pieceOf(newest) || at === pieceOf(before)
  expect(await ask(statesWith(isPiece))).toBe(position)
  world.log.trim(2)
  await expect(ask(statesWith(isPiece))).rejects.toMatchObject({ code: 'record_damaged' })
})
