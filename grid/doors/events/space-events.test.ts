import type { Socket } from 'node:net'
import { PassThrough, Writable } from 'node:stream'
import { expect, test } from 'vitest'
import { defineSpace } from '../../core/define.ts'
import { noTelemetry } from '../../engine/ports/telemetry.ts'
import type { FollowedBatch, Following, Happening } from '../request/live.ts'
import { StreamTelemetry } from '../request/stream-telemetry.ts'
import { SpaceEvents } from './space-events.ts'
import { StreamReader } from './stream-reader.ts'
import { Streams } from './streams.ts'

/** Tells what it is given, when it is given. */
class ScriptedFollowing implements Following {
  readers = 0
  readonly #batches: FollowedBatch[] = []
  #wake: (() => void) | undefined
  #position: number

  constructor(position: number) {
    this.#position = position
  }

  tell(...positions: number[]): void {
    const happenings = positions.map(
      (position): Happening => ({
        ...{ kind: 'event', name: 'Told', payload: { position } },
        ...{ partition: 0, point: { position }, version: position },
      }),
    )
    const to = positions.at(-1) ?? this.#position
    const [from, points] = [[{ position: this.#position }], [{ position: to }]]
    this.#batches.push({ happenings, from, points, reset: undefined })
    this.#position = to
    this.#wake?.()
  }

  async next(): Promise<FollowedBatch> {
    while (this.#batches.length === 0)
      await new Promise<void>((wake) => {
        this.#wake = wake
      })
    return this.#batches.shift() as FollowedBatch
  }

  close(): void {
    this.tell()
  }
}

const bytesMax = 1000

/** Takes nothing, ever. */
class StuckSocket extends Writable {
  ended = 0
  last = ''

  override _write(): void {
    // Whoever writes is never told that it has been taken.
  }

  override end(...[chunk]: unknown[]): this {
    this.ended++
    this.last = String(chunk)
    return super.end(chunk)
  }

  destroySoon(): void {
    this.destroy()
  }
}

function reader() {
  const socket = new PassThrough()
  let text = ''
  socket.setEncoding('utf8').on('data', (more: string) => {
    text += more
  })
  const told = () =>
    [...text.matchAll(/"payload":\{"position":(\d+)\}/g)].map(([, at]) => Number(at))
  return { told, open: () => new StreamReader(socket as unknown as Socket, bytesMax) }
}

test('who has caught up goes on with the others, and is not told again what they are told later', async () => {
  const { events, followings } = openEvents()
  const [steady, back] = [reader(), reader()]
  const joined = events.join({}, undefined, steady.open)
  followings[0]?.tell()
  await joined
  await events.join({}, '8', back.open)
  // It is further than the others, who have not been told of 11 yet.
  followings[1]?.tell(9, 11)
  await expect.poll(back.told).toEqual([9, 11])
  await expect.poll(() => followings[0]?.readers).toBe(2)
  followings[0]?.tell(11, 12)
  await expect.poll(steady.told).toEqual([11, 12])
  await expect.poll(back.told).toEqual([9, 11, 12])
  followings[0]?.tell(13)
  await expect.poll(back.told).toEqual([9, 11, 12, 13])
  expect(followings).toHaveLength(2)
})

// docs/live.md, "Limits": whatever waits for one reader is bounded, and the others do not wait.
test('a reader that never takes a byte is let go at its bound, and others are told everything', async () => {
  const { events, followings } = openEvents()
  const stuck = new StuckSocket()
  const quick = Array.from({ length: 5 }, () => reader())
  const open = () => new StreamReader(stuck as unknown as Socket, bytesMax)
  const joined = events.join({}, undefined, open)
  followings[0]?.tell()
  await joined
  for (const one of quick) await events.join({}, undefined, one.open)
  const told: number[] = []
  let largest = 0
  for (let position = 11; position < 211; position++) {
    followings[0]?.tell(position)
    told.push(position)
    // None of them waits until the stuck one has taken something: it never does.
    for (const one of quick) await expect.poll(one.told, { interval: 1 }).toEqual(told)
    largest = Math.max(largest, stuck.writableLength)
  }
  expect(stuck.ended).toBe(1)
  expect(stuck.last).toContain('event: reconnect\ndata: {"reason":"slow"}')
  // The bound, what came when it was not reached yet, and the goodbye.
  expect(largest).toBeLessThan(2 * bytesMax)
  // Nothing is kept for it: the channel has but the others.
  stuck.destroy()
  await expect.poll(() => followings[0]?.readers).toBe(quick.length)
})

function openEvents() {
  const followings: ScriptedFollowing[] = []
  const live = {
    follow: (_: unknown, after?: string) => {
      const following = new ScriptedFollowing(Number(after ?? 10))
      followings.push(following)
      return following
    },
    watch: () => Promise.reject(new Error('nobody watches')),
    status: () => ({
      remembers: true,
      bytes: 0,
      followed: 0,
      queries: 0,
      evaluations: 0,
      readers: 0,
    }),
  }
  const events = new SpaceEvents({
    space: defineSpace('told', { caches: [] }),
    streams: new Streams(),
    unit: () => ({ live }),
    shown: (_, payload) => payload,
    telemetry: new StreamTelemetry(noTelemetry, 'told'),
  })
  return { events, followings }
}
