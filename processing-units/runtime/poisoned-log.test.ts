import { FrameKind } from '@spacegrid/grid/core/frame'
import { shapeOf } from '@spacegrid/grid/core/shape'
import { StepKind } from '@spacegrid/grid/core/steps'
import { UnitWorld } from '@spacegrid/grid/kit/unit-world'
import { Packr } from 'msgpackr'
import { expect, test } from 'vitest'
import { counting } from './test-support/counters.ts'

const packr = new Packr({ useRecords: false, variableMapSize: true })
const earlierFormat = 2
const counters = 2

/**
 * What an earlier version has written to its log, and could not meld: records without a seal, in
 * one chain.
 */
const poison: Readonly<Record<string, readonly unknown[]>> = {
  'an append of nothing': [StepKind.append, counters, 'a', 'tags', undefined, ...none(3), false],
  'an append of a number': [StepKind.append, counters, 'a', 'tags', 7, ...none(3), false],
  'a range of null': [StepKind.take, counters, 0, { equals: null }, 1, 0, {}, 'no', undefined],
  'a cache that is not there': [StepKind.delete, 99, 'a'],
  'an index that is not there': [StepKind.take, counters, 77, {}, 1, 0, {}, 'no', undefined],
}

function none(count: number): undefined[] {
  return new Array(count).fill(undefined)
}

test.each(Object.entries(poison))('a log with %s melds, and commands go on', async (_, step) => {
  const world = new UnitWorld(counting)
  const append = (...packed: unknown[]) =>
    world.stream.append(packr.pack([earlierFormat, ...packed]))
  append(FrameKind.shape, shapeOf(counting))
  append(FrameKind.join, 'earlier', 5)
  const transaction = [1, 1, ...step, 0, false]
  append(FrameKind.transactions, 2, 1, 0, 1000, 0, [], 1, ...transaction)
  const { unit, events } = await world.startReady()
  const { unit: other } = await world.startReady()
  const answer = await world.settled(unit.execute('add', { id: 'x' }))
  expect(answer.result).toEqual({ count: 1 })
  await world.until(() => other.position >= answer.position)
  expect(other.state?.digest.toString()).toBe(unit.state?.digest.toString())
  expect(
    events.filter(({ kind }) => ['rehydrating', 'failed', 'application_fault'].includes(kind)),
  ).toEqual([])
  await world.stop()
})

test('a value nested too deeply to be read is no record, and passed over', async () => {
  const world = new UnitWorld(counting)
  let bytes: Buffer = packr.pack('x')
  for (let level = 0; level < 3000; level++) bytes = Buffer.concat([Buffer.from([0x91]), bytes])
  const head = [earlierFormat, FrameKind.transactions, 2, 1, 0, 1000, 0, [['id', 'text']], 1]
  const put = [1, 1, StepKind.put, counters, 'a', 0, 'a']
  const packed = packr.pack([...head, ...put, null, 0, false])
  const at = packed.lastIndexOf(0xc0)
  world.stream.append(packr.pack([earlierFormat, FrameKind.shape, shapeOf(counting)]))
  world.stream.append(packr.pack([earlierFormat, FrameKind.join, 'earlier', 5]))
  world.stream.append(Buffer.concat([packed.subarray(0, at), bytes, packed.subarray(at + 1)]))
  const { unit } = await world.startReady()
  expect((await world.settled(unit.execute('add', { id: 'x' }))).result).toEqual({ count: 1 })
  await world.stop()
})
