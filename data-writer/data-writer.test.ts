import { GridError } from '@spacegrid/grid/core/errors'
import { InProcessMessaging } from '@spacegrid/grid/drivers/embedded/in-process-messaging'
import {
  changeAt,
  WindowAuthor,
  windowOf,
} from '@spacegrid/grid/engine/changes/test-support/window-author'
import type { Checkpoint, StoredChange } from '@spacegrid/grid/engine/ports/store'
import { decodePersisted } from '@spacegrid/grid/engine/wire/persisted'
import { subjects } from '@spacegrid/grid/engine/wire/subjects'
import { SimulatedClock } from '@spacegrid/grid/kit/simulated-clock'
import { SimulatedLog } from '@spacegrid/grid/kit/simulated-log'
import { SimulatedStore, type SimulatedStoreOptions } from '@spacegrid/grid/kit/simulated-store'
import { SimulatedStream } from '@spacegrid/grid/kit/simulated-stream'
import { afterEach, expect, test } from 'vitest'
import { DataWriter } from './data-writer.ts'
import type { WriterOptions } from './writer-options.ts'

/** Counts what is asked of it, and can be out of reach or leave its answers on the way. */
class WatchedStore extends SimulatedStore {
  readonly steps: number[][] = []

  override async apply(
    space: string,
    from: number,
    next: Checkpoint,
    changes: readonly StoredChange[],
  ): Promise<void> {
    this.steps.push([from, next.position])
    await super.apply(space, from, next, changes)
  }
}

class Bench {
  readonly clock = new SimulatedClock()
  readonly log = new SimulatedStream(this.clock, { identity: 'log' })
  readonly changes = new SimulatedStream(this.clock, { identity: 'changes' })
  readonly store: WatchedStore
  readonly messaging = new InProcessMessaging(this.clock)
  readonly author = new WindowAuthor(new SimulatedLog(this.clock, this.changes))
  readonly persisted: number[] = []
  readonly #writers: DataWriter[] = []

  constructor(options: SimulatedStoreOptions = {}) {
    this.store = new WatchedStore(options)
    this.messaging.subscribe(subjects.persisted('test'), ({ data }) =>
      this.persisted.push(decodePersisted(data)),
    )
  }

  start(options: WriterOptions = {}): DataWriter {
    const { clock, store, messaging } = this
    const ports = {
      log: new SimulatedLog(clock, this.log),
      changes: new SimulatedLog(clock, this.changes),
      store,
      messaging,
      clock,
    }
    const writer = new DataWriter('test', ports, options)
    writer.start()
    this.#writers.push(writer)
    return writer
  }

  /** The log's records themselves do not matter to a writer, only their number. */
  fillLog(count: number): void {
    for (let n = 0; n < count; n++) this.log.append(new Uint8Array(1))
  }

  async publish(...windows: [from: number, to: number][]): Promise<void> {
    for (const [from, to] of windows) {
      const published = this.author.publish(windowOf(from, to))
      await this.clock.advance(10)
      await published
    }
  }

  async position(): Promise<number | undefined> {
    return (await this.store.checkpoint('test'))?.position
  }

  async stop(): Promise<void> {
    const stopped = Promise.all(this.#writers.map((writer) => writer.stop()))
    await this.clock.advance(10_000)
    await stopped
  }
}

let bench: Bench

afterEach(() => bench.stop())

test('windows that wait are written in one step, and each position is told', async () => {
  bench = new Bench()
  await bench.publish([0, 3], [3, 5], [5, 9])
  const writer = bench.start()
  await bench.clock.advance(100)
  expect(bench.store.steps).toEqual([[0, 9]])
  expect(await bench.store.get('test', 'items', 'key 5')).toMatchObject({ position: 5 })
  await bench.publish([9, 12])
  await bench.clock.advance(100)
  expect(bench.store.steps).toEqual([
    [0, 9],
    [9, 12],
  ])
  expect(bench.persisted).toContain(9)
  expect(writer.readiness()).toEqual({ ready: true })
  // Whoever has only begun to listen learns it too.
  bench.persisted.length = 0
  await bench.clock.advance(2100)
  expect(bench.persisted.length).toBeGreaterThanOrEqual(2)
  expect(new Set(bench.persisted)).toEqual(new Set([12]))
})

test('a step takes no more bytes than it may, but always one window', async () => {
  bench = new Bench()
  await bench.publish([0, 3], [3, 5], [5, 9])
  bench.start({ batchBytesMax: 1 })
  await bench.clock.advance(100)
  expect(bench.store.steps).toEqual([
    [0, 3],
    [3, 5],
    [5, 9],
  ])
})

test('while the store is away everything waits, and nothing is written twice', async () => {
  bench = new Bench()
  bench.store.fault = 'unavailable'
  const writer = bench.start()
  await bench.publish([0, 3], [3, 5])
  await bench.clock.advance(20_000)
  expect(writer.readiness()).toMatchObject({ ready: false, reason: /out of reach/ })
  bench.store.fault = 'none'
  await bench.clock.advance(6000)
  expect(await bench.position()).toBe(5)
  expect(writer.readiness()).toEqual({ ready: true })
  // Applied, but nobody hears of it: the checkpoint tells.
  bench.store.fault = 'unanswered'
  await bench.publish([5, 7])
  await bench.clock.advance(100)
  bench.store.fault = 'none'
  await bench.publish([7, 8])
  await bench.clock.advance(1000)
  expect(bench.store.steps.slice(-2)).toEqual([
    [5, 7],
    [7, 8],
  ])
})

// architecture.md, invariant 6
test('a second writer stands by, and takes over when the store stands still', async () => {
  bench = new Bench()
  const writers = [bench.start(), bench.start()]
  await bench.publish([0, 3], [3, 5])
  await bench.clock.advance(1000)
  expect(await bench.position()).toBe(5)
  const states = () => writers.map((writer) => writer.status().state)
  expect(states().sort()).toEqual(['active', 'standby'])
  const active = writers.find((writer) => writer.status().state === 'active')
  const stopped = active?.stop()
  await bench.clock.advance(4000)
  await stopped
  await bench.publish([5, 7])
  await bench.clock.advance(1990)
  expect(await bench.position()).toBe(7)
  expect(writers.filter((writer) => writer !== active)[0]?.status().state).toBe('active')
})

test('a writer makes room for another one, and goes on itself only if that one does not', async () => {
  bench = new Bench()
  const writers = [bench.start(), bench.start()]
  await bench.publish([0, 3])
  await bench.clock.advance(2000)
  const active = writers.find((writer) => writer.status().state === 'active') as DataWriter
  const other = writers.find((writer) => writer !== active) as DataWriter
  active.yield()
  await bench.clock.advance(300)
  expect(writers.map((writer) => writer.status().state)).toEqual(['standby', 'standby'])
  await bench.publish([3, 5])
  await bench.clock.advance(1500)
  expect(await bench.position()).toBe(5)
  expect(other.status().state).toBe('active')
  expect(active.status().state).toBe('standby')
  // There is nobody left to make room for.
  other.yield()
  await active.stop()
  await bench.publish([5, 7])
  await bench.clock.advance(5000)
  expect(await bench.position()).toBe(7)
  expect(other.status().state).toBe('active')
})

test('under load the second writer writes less than two seconds after the first has gone', async () => {
  bench = new Bench()
  const writers = [bench.start(), bench.start()]
  let last = 0
  const publishAndWait = async (ms: number) => {
    await bench.publish([last, last + 1])
    last++
    await bench.clock.advance(ms)
  }
  for (let count = 0; count < 20; count++) await publishAndWait(40)
  const active = writers.find((writer) => writer.status().state === 'active')
  const standby = writers.find((writer) => writer !== active)
  expect(standby?.status().state).toBe('standby')
  const stopped = active?.stop()
  await bench.clock.advance(10)
  await stopped
  const goneAt = bench.clock.monotonic()
  const stored = await bench.position()
  while ((await bench.position()) === stored && bench.clock.monotonic() - goneAt < 5000)
    await publishAndWait(10)
  expect(bench.clock.monotonic() - goneAt).toBeLessThan(2000)
  expect(standby?.status().state).toBe('active')
})

test('of windows that another writer has written a part of, the rest is not lost', async () => {
  bench = new Bench()
  await bench.publish([0, 3], [3, 5], [5, 9])
  const apply = bench.store.apply.bind(bench.store)
  // The other writer is a little quicker, takes the first window only, and dies.
  bench.store.apply = async (space, _from, _next, _changes) => {
    bench.store.apply = apply
    await apply(space, 0, windowOf(0, 3).checkpoint, windowOf(0, 3).changes)
    throw new GridError('stale_writer', 'The other one was quicker')
  }
  const writer = bench.start()
  await bench.clock.advance(500)
  expect(await bench.position()).toBe(3)
  expect(writer.status().state).toBe('standby')
  await bench.clock.advance(3000)
  expect(await bench.position()).toBe(9)
  expect(writer.readiness()).toEqual({ ready: true })
})

test('a gap is not jumped over: it is named, and closed by a window that begins before it', async () => {
  bench = new Bench()
  await bench.publish([0, 3])
  const writer = bench.start()
  await bench.clock.advance(100)
  await bench.publish([5, 7], [7, 9])
  await bench.clock.advance(5000)
  expect(await bench.position()).toBe(3)
  expect(writer.readiness()).toMatchObject({
    ready: false,
    reason: /goes on at 5, the store is at 3/,
  })
  await bench.publish([2, 8], [8, 11])
  await bench.clock.advance(1000)
  expect(await bench.position()).toBe(11)
  expect(writer.readiness()).toEqual({ ready: true })
})

test('a writer before a gap goes on where another writer has carried the store', async () => {
  bench = new Bench()
  await bench.publish([0, 3])
  const writer = bench.start()
  await bench.clock.advance(100)
  await bench.publish([5, 7], [7, 9])
  await bench.clock.advance(100)
  expect(writer.readiness()).toMatchObject({ ready: false })
  // The other one still had in memory what is no longer in the queue.
  const { checkpoint, changes } = windowOf(3, 7)
  await bench.store.apply('test', 3, checkpoint, changes)
  await bench.clock.advance(5000)
  expect(await bench.position()).toBe(9)
  expect(writer.readiness()).toEqual({ ready: true })
})

test('what belongs to another log is not touched', async () => {
  bench = new Bench()
  await bench.publish([0, 3])
  bench.start()
  await bench.clock.advance(100)
  bench.log.replace()
  await bench.clock.advance(3000)
  const { author, changes } = bench
  const window = windowOf(3, 6)
  const published = author.publish({
    ...window,
    checkpoint: { ...window.checkpoint, logIdentity: bench.log.identity },
  })
  await bench.clock.advance(5000)
  await published
  expect(changes.last).toBe(2)
  expect(await bench.position()).toBe(3)
  const writer = bench.start()
  await bench.clock.advance(1000)
  expect(writer.readiness()).toMatchObject({ ready: false, reason: /belongs to|of the log/ })
})

// architecture.md, invariant 7
test('log and queue are trimmed to where the store was a while ago, and never further', async () => {
  bench = new Bench()
  bench.fillLog(20)
  bench.start({ trimDelayMs: 10_000 })
  await bench.publish([0, 3], [3, 5])
  await bench.clock.advance(9000)
  expect([bench.log.first, bench.changes.first]).toEqual([1, 1])
  await bench.publish([5, 9])
  await bench.clock.advance(3000)
  expect([bench.log.first, bench.changes.first]).toEqual([5, 2])
  await bench.clock.advance(10_000)
  expect([bench.log.first, bench.changes.first]).toEqual([9, 3])
  bench.store.fault = 'unavailable'
  await bench.publish([9, 15])
  await bench.clock.advance(60_000)
  expect([bench.log.first, bench.changes.first]).toEqual([9, 3])
})

test('a store that is refused its step by a bug of ours does not stop the writer for good', async () => {
  bench = new Bench()
  const reports: string[] = []
  bench.start({ report: ({ level, message }) => reports.push(`${level}: ${message}`) })
  await bench.clock.advance(100)
  const apply = bench.store.apply.bind(bench.store)
  let calls = 0
  bench.store.apply = async (...step) => {
    calls++
    if (calls === 1) throw new TypeError('a bug')
    if (calls === 2) throw new GridError('internal', 'refused')
    await apply(...step)
  }
  await bench.publish([0, 2])
  await bench.clock.advance(3000)
  expect(reports).toContain('error: starts again: a bug')
  expect(await bench.position()).toBe(2)
  expect(await bench.store.get('test', 'items', 'key 2')).toMatchObject(changeAt(2))
})

// architecture.md, invariant 6
test('what the store refuses is told once and counted; everything else flows', async () => {
  bench = new Bench()
  const reports: string[] = []
  const report = ({ level, message }: { level: string; message: string }) =>
    reports.push(`${level}: ${message}`)
  bench.store.refuse('items', 'key 3')
  const writer = bench.start({ report })
  const standby = bench.start()
  await bench.publish([0, 3], [3, 5])
  await bench.clock.advance(2000)
  expect(await bench.position()).toBe(5)
  expect(writer.readiness()).toEqual({ ready: true })
  expect([writer.status().quarantined, standby.status().quarantined]).toEqual([1, 1])
  const refusals = () => reports.filter((line) => line.includes('refuses'))
  expect(refusals()).toHaveLength(1)
  expect(refusals()[0]).toMatch(
    /^warn: .*items "key 3".* npx spacegrid quarantine show items 'key 3' --space test$/,
  )
  bench.store.accept('items', 'key 3')
  await bench.store.quarantine.replay('test')
  await bench.clock.advance(2000)
  expect(writer.status().quarantined).toBe(0)
  expect(reports).toContain('info: no longer in quarantine: items "key 3"; left in it: 0')
  expect(refusals()).toHaveLength(1)
})

// architecture.md, invariant 10
test('with too much in quarantine the writer waits and says so, until there is room again', async () => {
  bench = new Bench({ quarantinedMax: 2 })
  for (const key of ['key 3', 'key 5', 'key 6']) bench.store.refuse('items', key)
  const writer = bench.start()
  await bench.publish([0, 3], [3, 5])
  await bench.clock.advance(1000)
  expect(await bench.position()).toBe(5)
  await bench.publish([5, 6])
  await bench.clock.advance(2000)
  expect(await bench.position()).toBe(5)
  expect(writer.readiness()).toMatchObject({ ready: false, reason: /entries are refused/ })
  bench.store.accept('items', 'key 3')
  await bench.store.quarantine.replay('test')
  await bench.clock.advance(6000)
  expect(await bench.position()).toBe(6)
  expect(writer.readiness()).toEqual({ ready: true })
  expect(writer.status().quarantined).toBe(2)
})
