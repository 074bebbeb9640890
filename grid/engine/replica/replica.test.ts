import { beforeEach, expect, test } from 'vitest'
import { FrameKind } from '../../core/frame.ts'
import { SpaceState } from '../../core/space-state.ts'
import { SimulatedClock } from '../../kit/simulated-clock.ts'
import { SimulatedLog } from '../../kit/simulated-log.ts'
import { SimulatedStream } from '../../kit/simulated-stream.ts'
import { encodeFrame } from '../wire/frame-codec.ts'
import { Replica } from './replica.ts'

let clock: SimulatedClock
let stream: SimulatedStream
let replica: Replica
let failures: Error[]
let nonce = 0

/** A record like no other. */
const write = (count: number): void => {
  for (let at = 0; at < count; at++)
    stream.append(encodeFrame({ kind: FrameKind.join, unit: 'unit', nonce: ++nonce }))
}

/** The log's server comes back without its last records, and others are written in their place. */
const loseTail = async (count: number, then: number): Promise<void> => {
  stream.loseTail(count)
  await clock.advance(1)
  write(then)
  await clock.advance(1)
}

const verified = async (): Promise<unknown> => {
  const asked = replica.verify().then(
    () => 'there',
    (error) => error.code,
  )
  await clock.advance(10)
  return await asked
}

beforeEach(async () => {
  clock = new SimulatedClock()
  stream = new SimulatedStream(clock)
  failures = []
  replica = new Replica(new SimulatedLog(clock, stream), new SpaceState())
  replica.listen({ broken: (error) => failures.push(error) })
  replica.start()
  write(5)
  await clock.advance(10)
  expect(replica.state.position).toBe(5)
})

// architecture.md, invariant 8
test('a replica that was held while the log lost its end does not go on with another history', async () => {
  const release = await replica.hold()
  await loseTail(2, 4)
  release()
  await clock.advance(10)
  expect(failures).toMatchObject([{ code: 'log_replaced' }])
  expect(replica.state.position).toBe(5)
})

test('a replica that was held goes on where the log has what it has seen', async () => {
  const release = await replica.hold()
  write(2)
  await loseTail(1, 2)
  release()
  await clock.advance(10)
  expect(failures).toEqual([])
  expect(replica.state.position).toBe(8)
})

test('a replica does not begin behind a record that is another one by then', async () => {
  const timeSeen = stream.read(5)?.time
  await replica.stop()
  await loseTail(1, 3)
  const { state } = replica
  replica = new Replica(new SimulatedLog(clock, stream), state, { timeSeen })
  replica.listen({ broken: (error) => failures.push(error) })
  replica.start()
  await clock.advance(10)
  expect(failures).toMatchObject([{ code: 'log_replaced' }])
})

test('a replica that is held can ask whether the log still has what it has seen', async () => {
  await replica.hold()
  expect(await verified()).toBe('there')
  await loseTail(1, 0)
  expect(await verified()).toBe('log_unavailable')
  write(1)
  expect(await verified()).toBe('log_replaced')
})

test('what was trimmed is taken to be there: nobody can tell', async () => {
  await replica.hold()
  write(1)
  stream.trim(6)
  expect(await verified()).toBe('there')
})

test('before anything was read there is nothing that could have been lost', async () => {
  replica = new Replica(new SimulatedLog(clock, stream), new SpaceState())
  expect(await verified()).toBe('there')
})
