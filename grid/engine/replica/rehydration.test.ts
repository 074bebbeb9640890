import type { ProcessingUnit } from '@spacegrid/runtime/processing-unit'
import { counting } from '@spacegrid/runtime/test-support/counters'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { GridError } from '../../core/errors.ts'
import { FrameKind } from '../../core/frame.ts'
import { SpaceState } from '../../core/space-state.ts'
import { SeededRandom } from '../../kit/seeded-random.ts'
import { SimulatedLog } from '../../kit/simulated-log.ts'
import { SimulatedStream } from '../../kit/simulated-stream.ts'
import { UnitWorld } from '../../kit/unit-world.ts'
import { sleep } from '../ports/clock.ts'
import { encodeFrame } from '../wire/frame-codec.ts'
import { subjects } from '../wire/subjects.ts'
import { rehydrate } from './rehydration.ts'
import { SnapshotService } from './snapshot-service.ts'
import { ReplicaSnapshot } from './snapshot-source.ts'

let world: UnitWorld
beforeEach(() => {
  world = new UnitWorld(counting)
})
afterEach(() => world.stop())

/** A unit that gives copies of itself. */
async function startGiver(): Promise<ProcessingUnit> {
  const { unit } = await world.startReady()
  await world.clock.advance(100)
  return unit
}

/** Why a copy of the only unit, which has melded a few positions, cannot be used with a log. */
async function refusalWith(log: SimulatedLog): Promise<GridError> {
  const giving = new AbortController()
  const failures: Error[] = []
  const copying = rehydrate(log, world.messaging, world.clock, {
    logName: counting.name,
    sources: ['peer'],
    signal: giving.signal,
    failed: (_, error) => {
      failures.push(error)
      giving.abort()
    },
  })
  await expect(world.settled(copying)).rejects.toMatchObject({ code: 'stopping' })
  return failures[0] as GridError
}

test('a store that takes its time for each piece is copied all the same; a peer that does is given up', async () => {
  const { clock, messaging } = world
  const log = new SimulatedLog(clock, new SimulatedStream(clock))
  const state = new SpaceState()
  const slow = () => {
    const snapshot = new ReplicaSnapshot({ state, listen: () => () => undefined })
    const next = async (entriesMax: number) => {
      await sleep(clock, 12_000)
      return snapshot.next(entriesMax)
    }
    return { next, close: () => undefined }
  }
  const { name: logName } = counting
  for (const subject of [subjects.snapshotFromPeer(logName), subjects.snapshotFromReader(logName)])
    await new SnapshotService(messaging, clock, new SeededRandom(1), slow, {
      ...{ logName, subject, sessionsMax: 1 },
    }).start()
  const failures: string[] = []
  const copying = rehydrate(log, messaging, clock, {
    ...{ logName, sources: ['peer', 'reader'], signal: new AbortController().signal },
    failed: (source, error) => failures.push(`${source}: ${(error as GridError).code}`),
  })
  expect((await world.settled(copying, 60_000)).source).toBe('reader')
  expect(failures).toEqual(['peer: request_timeout'])
})

// architecture.md, invariant 8
test('a copy whose next position the log no longer holds is not used', async () => {
  const unit = await startGiver()
  const log = new SimulatedLog(world.clock, new SimulatedStream(world.clock))
  for (let at = 0; at < unit.position + 5; at++) log.stream.append(new Uint8Array())
  log.stream.trim(unit.position + 3)
  expect((await refusalWith(log)).code).toBe('log_trimmed')
})

test('a copy that is ahead of the log is not used: the log is another one', async () => {
  const unit = await startGiver()
  const log = new SimulatedLog(world.clock, new SimulatedStream(world.clock))
  for (let at = 0; at < unit.position - 1; at++) log.stream.append(new Uint8Array())
  expect((await refusalWith(log)).code).toBe('log_replaced')
})

test('a copy is not used with a log that has lost its tail and gone on otherwise, as long as it may be', async () => {
  const unit = await startGiver()
  const { position } = unit
  const log = new SimulatedLog(world.clock, new SimulatedStream(world.clock))
  const other = encodeFrame({ kind: FrameKind.join, unit: 'other', nonce: 1 })
  for (let at = 0; at < position + 3; at++) log.stream.append(other)
  expect((await refusalWith(log)).code).toBe('log_replaced')
})

test('a copy is used although the log’s clock was wrong when it stored the last record, which was ignored', async () => {
  const { unit } = await world.startReady()
  const link = { origin: 1, id: 7, previous: 5, deadline: 1000 }
  world.logAheadMs = 3_600_000
  const late = { kind: FrameKind.transactions, ...link, transactions: [], parts: 0 } as const
  world.stream.append(encodeFrame({ ...late, at: world.clock.now() }))
  await world.until(() => unit.position === world.stream.last)
  const log = new SimulatedLog(world.clock, world.stream)
  const copied = await world.settled(
    rehydrate(log, world.messaging, world.clock, {
      logName: counting.name,
      sources: ['peer'],
      signal: new AbortController().signal,
    }),
    3000,
  )
  expect(copied.state.position).toBe(unit.position)
})
