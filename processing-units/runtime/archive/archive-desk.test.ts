import { archiveBucketOf } from '@spacegrid/grid/core/archive-buckets'
import { defineCache, defineSpace, Type } from '@spacegrid/grid/core/define'
import { GridError } from '@spacegrid/grid/core/errors'
import { shapeOf } from '@spacegrid/grid/core/shape'
import { SpaceState } from '@spacegrid/grid/core/space-state'
import { InProcessMessaging } from '@spacegrid/grid/drivers/embedded/in-process-messaging'
import {
  decodeEntryAsked,
  type EntryFound,
  encodeEntryFound,
} from '@spacegrid/grid/engine/wire/archive-messages'
import { subjects } from '@spacegrid/grid/engine/wire/subjects'
import { SimulatedClock } from '@spacegrid/grid/kit/simulated-clock'
import { beforeEach, expect, test } from 'vitest'
import { ArchiveDesk } from './archive-desk.ts'

const orders = defineCache('orders', {
  schema: Type.Object({ id: Type.String(), at: Type.Integer() }),
  key: 'id',
  archive: { after: 'at', ms: 0 },
})
const space = defineSpace('shop', { caches: [orders] })

let clock: SimulatedClock
let messaging: InProcessMessaging
let state: SpaceState
let desk: ArchiveDesk
let asked: number
/** What the store says, the next time it is asked. */
let found: () => EntryFound

const cache = 2
const waitMsMax = 1000

beforeEach(() => {
  clock = new SimulatedClock()
  messaging = new InProcessMessaging(clock)
  state = new SpaceState(shapeOf(space))
  state.position = 10
  desk = new ArchiveDesk(state, clock, { logName: 'shop', messaging }, waitMsMax)
  asked = 0
  found = () => ({ from: 10, to: 10, entry: undefined })
  messaging.respond(subjects.archivedEntry('shop'), ({ data }) => {
    asked++
    expect(decodeEntryAsked(data)).toEqual({ cache: 'orders', key: 'a' })
    return { data: encodeEntryFound(found()) }
  })
})

const stored = (archived: boolean, position = 5) => {
  const entry = { cache: 'orders', key: 'a', value: { id: 'a', at: 1 }, version: 7, position }
  return archived ? ({ ...entry, archived: true } as const) : entry
}

function stirBucket(version: number, position: number): void {
  const bucket = archiveBucketOf(state.layout.cache(cache), 'a')
  state.write(state.layout.archived, bucket, { key: bucket }, version, position)
}

/** Whether the look-up has come to its end within a time. */
async function lookUp(withinMs = 0): Promise<'known' | 'open' | GridError> {
  let end: 'known' | 'open' | GridError = 'open'
  desk.lookUp([{ cache, key: 'a' }]).then(
    () => {
      end = 'known'
    },
    (error: GridError) => {
      end = error
    },
  )
  await clock.advance(1)
  await clock.advance(withinMs)
  return end
}

test('what the store has, or has not, is known as of the bucket’s version', async () => {
  expect(desk.find(cache, 'a', 0)).toBeUndefined()
  expect(await lookUp()).toBe('known')
  expect(desk.find(cache, 'a', 0)).toBeNull()
  expect(desk.find(cache, 'a', 3)).toBeUndefined()
  stirBucket(3, 9)
  found = () => ({ from: 9, to: 10, entry: stored(true) })
  expect(await lookUp()).toBe('known')
  expect(desk.find(cache, 'a', 3)).toEqual({ id: 'a', at: 1 })
  expect(Object.isFrozen(desk.find(cache, 'a', 3))).toBe(true)
  expect(desk.find(cache, 'a', 0)).toBeUndefined()
})

test('a store that is behind the replica is asked again', async () => {
  stirBucket(3, 9)
  found = () => ({ from: 8, to: 8, entry: undefined })
  expect(await lookUp(100)).toBe('open')
  expect(desk.find(cache, 'a', 3)).toBeUndefined()
  found = () => ({ from: 9, to: 9, entry: stored(true, 9) })
  await clock.advance(300)
  expect(desk.find(cache, 'a', 3)).toEqual({ id: 'a', at: 1 })
})

test('so is one that is ahead of it, until the replica is there', async () => {
  found = () => ({ from: 10, to: 12, entry: stored(true, 12) })
  expect(await lookUp(100)).toBe('open')
  expect(desk.find(cache, 'a', 0)).toBeUndefined()
  state.position = 12
  await clock.advance(300)
  expect(desk.find(cache, 'a', 0)).toEqual({ id: 'a', at: 1 })
})

test('what is in memory by the store’s word will be here soon', async () => {
  found = () => ({ from: 10, to: 10, entry: stored(false) })
  expect(await lookUp(100)).toBe('open')
  state.write(cache, 'a', { id: 'a', at: 1 }, 7, 10)
  await clock.advance(300)
  expect(desk.find(cache, 'a', 0)).toBeUndefined()
})

test('many who ask for one key are one request', async () => {
  await Promise.all([lookUp(), lookUp(), lookUp()])
  expect(asked).toBe(1)
})

test('whoever waits too long is told why', async () => {
  stirBucket(3, 9)
  found = () => ({ from: 8, to: 8, entry: undefined })
  expect(await lookUp(1300)).toMatchObject({
    code: 'store_unavailable',
    message: expect.stringContaining('too far behind'),
  })
  found = () => {
    throw new GridError('store_unavailable', 'MongoDB is away')
  }
  expect(await lookUp(1300)).toMatchObject({
    code: 'store_unavailable',
    message: expect.stringContaining('MongoDB is away'),
  })
})

test('no more than a bounded number is looked up at a time', async () => {
  found = () => ({ from: 8, to: 8, entry: undefined })
  messaging = new InProcessMessaging(clock)
  desk = new ArchiveDesk(state, clock, { logName: 'shop', messaging }, waitMsMax)
  const keys = Array.from({ length: 1025 }, (_, at) => ({ cache, key: `k${at}` }))
  const outcomes = keys.map((key) =>
    desk.lookUp([key]).then(
      () => 'known',
      ({ code }) => code,
    ),
  )
  await clock.advance(1300)
  const codes = await Promise.all(outcomes)
  expect(codes.at(-1)).toBe('overloaded')
  expect(new Set(codes.slice(0, -1))).toEqual(new Set(['store_unavailable']))
})
