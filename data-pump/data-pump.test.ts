import { defineCache, defineCommand, defineSpace, Type } from '@spacegrid/grid/core/define'
import { FrameKind } from '@spacegrid/grid/core/frame'
import { InProcessMessaging } from '@spacegrid/grid/drivers/embedded/in-process-messaging'
import { encodeAuditMessage } from '@spacegrid/grid/engine/agreement/audit-codec'
import { WindowAuthor, windowOf } from '@spacegrid/grid/engine/changes/test-support/window-author'
import { WindowAssembler } from '@spacegrid/grid/engine/changes/window-assembler'
import { encodeFrame } from '@spacegrid/grid/engine/wire/frame-codec'
import { subjects } from '@spacegrid/grid/engine/wire/subjects'
import { decodeWindow, type Window } from '@spacegrid/grid/engine/wire/window-codec'
import { SeededRandom } from '@spacegrid/grid/kit/seeded-random'
import { SimulatedClock } from '@spacegrid/grid/kit/simulated-clock'
import { SimulatedLog } from '@spacegrid/grid/kit/simulated-log'
import { SimulatedStream } from '@spacegrid/grid/kit/simulated-stream'
import { ProcessingUnit } from '@spacegrid/runtime/processing-unit'
import { afterEach, expect, test } from 'vitest'
import { DataPump } from './data-pump.ts'
import type { PumpOptions } from './pump-options.ts'
import { UnreliableStream } from './test-support/unreliable-stream.ts'

const items = defineCache('items', {
  schema: Type.Object({ id: Type.String(), size: Type.Integer() }),
  key: 'id',
})
const put = defineCommand('put', {
  input: Type.Object({ id: Type.String(), size: Type.Integer() }),
  handler: (tx, { id, size }) => {
    tx.put(items, { id, size })
    tx.emit('itemPut', { id, size })
  },
})
const space = defineSpace('test', { caches: [items], commands: [put] })

class Bench {
  readonly clock = new SimulatedClock()
  readonly log = new SimulatedStream(this.clock, { identity: 'log' })
  readonly changes = new SimulatedStream(this.clock, { identity: 'changes' })
  readonly messaging = new InProcessMessaging(this.clock)
  readonly random: SeededRandom
  readonly unit: ProcessingUnit
  readonly reports: string[] = []
  /** The pumps' connections, in the order of their start. */
  readonly pumpLogs: SimulatedLog[] = []
  readonly #started: { stop(): Promise<void> }[]

  constructor(seed = 1) {
    this.random = new SeededRandom(seed)
    const { clock, messaging, random } = this
    const ports = { log: new SimulatedLog(clock, this.log), messaging, clock, random }
    this.unit = new ProcessingUnit('unit', space, ports, { sources: ['log'] })
    this.#started = [this.unit]
  }

  async startUnit(): Promise<void> {
    this.unit.start()
    for (let waited = 0; !this.unit.readiness().ready && waited < 100; waited++)
      await this.clock.advance(100)
  }

  async startPump(
    options: PumpOptions = {},
    queueMs = 0,
    events?: UnreliableStream,
  ): Promise<DataPump> {
    const { clock, messaging, random } = this
    const log = new SimulatedLog(clock, this.log)
    this.pumpLogs.push(log)
    const pump = new DataPump(
      'test',
      {
        log,
        changes: new SimulatedLog(clock, this.changes, { latencyMs: () => queueMs }),
        ...(events ? { events } : {}),
        messaging,
        clock,
        random,
      },
      { report: ({ message }) => this.reports.push(message), ...options },
    )
    pump.start()
    this.#started.push(pump)
    // Nobody reads the store here; the pump waits for a data reader before it believes that nothing
    // is stored.
    for (let waited = 0; !pump.readiness().ready && waited < 100; waited++)
      await this.clock.advance(100)
    return pump
  }

  async put(count: number, keys: number): Promise<void> {
    const done = Promise.all(
      Array.from({ length: count }, (_, size) =>
        this.unit.execute('put', { id: `${size % keys}`, size }),
      ),
    )
    let finished = false
    const finish = () => {
      finished = true
    }
    // Both ways: what is only told when all is over would fail unheard until then.
    done.then(finish, finish)
    while (!finished) await this.clock.advance(1)
    await done
  }

  async putAndWait(ms: number): Promise<void> {
    await this.put(1, 1)
    await this.clock.advance(ms)
  }

  async stopUnit(): Promise<void> {
    const stopped = this.unit.stop()
    await this.clock.advance(1000)
    await stopped
  }

  async windows(): Promise<Window[]> {
    const assembler = new WindowAssembler()
    const windows: Window[] = []
    for (let at = 1; at <= this.changes.last; at++) {
      const window = assembler.add(at, this.changes.read(at)?.data as Uint8Array)
      if (window) windows.push(await decodeWindow(window.parts, () => undefined))
    }
    return windows
  }

  async stop(): Promise<void> {
    const stopped = Promise.all(this.#started.map((part) => part.stop()))
    await this.clock.advance(30_000)
    await stopped
  }
}

let bench: Bench

afterEach(() => bench.stop())

test('changes are coalesced, events are kept in full', async () => {
  bench = new Bench()
  await bench.startUnit()
  await bench.put(500, 3)
  const pump = await bench.startPump()
  await bench.clock.advance(1000)
  const windows = await bench.windows()
  expect(pump.status().published).toBe(bench.log.last)
  expect(windows.flatMap(({ changes }) => changes).length).toBeLessThan(30)
  const sizes = windows.flatMap(({ events }) => events.map(({ payload }) => payload.size))
  expect(sizes).toEqual(Array.from({ length: 500 }, (_, size) => size))
  for (const [at, { from }] of windows.entries())
    expect(from).toBe(windows[at - 1]?.checkpoint.position ?? 0)
})

test('an idle pump publishes within a few milliseconds, and shows that it lives when nothing changes', async () => {
  bench = new Bench()
  await bench.startUnit()
  const pump = await bench.startPump()
  await bench.clock.advance(1000)
  const { last } = bench.changes
  await bench.put(1, 1)
  await bench.clock.advance(10)
  expect(bench.changes.last).toBe(last + 1)
  // The unit's own heartbeat moves the log, and changes no entry.
  const { published } = pump.status()
  await bench.clock.advance(21_000)
  expect(pump.status().published).toBeGreaterThan(published)
  expect((await bench.windows()).at(-1)?.changes).toEqual([])
})

// architecture.md, invariants 7 and 10
test('while the queue is full melding waits at a limit, and nothing is dropped', async () => {
  bench = new Bench()
  await bench.startUnit()
  const pump = await bench.startPump({ windowChangesMax: 50 })
  await bench.clock.advance(1000)
  bench.changes.full = true
  for (let round = 0; round < 40; round++) await bench.put(30, 30)
  await bench.clock.advance(5000)
  // One window in publication, one collected: each up to twice the limit and one frame.
  expect(pump.status().pending).toBeLessThan(200)
  expect(pump.status().position).toBeLessThan(bench.log.last)
  expect(pump.readiness().ready).toBe(false)
  bench.changes.full = false
  await bench.clock.advance(20_000)
  expect(pump.status().published).toBe(bench.log.last)
  expect(pump.readiness()).toEqual({ ready: true })
  const windows = await bench.windows()
  expect(windows.flatMap(({ events }) => events)).toHaveLength(1200)
  for (const [at, { from }] of windows.entries())
    expect(from).toBe(windows[at - 1]?.checkpoint.position ?? 0)
})

test('what the store has wrong is published while there is always more to publish than one window takes', async () => {
  bench = new Bench()
  await bench.startUnit()
  await bench.put(100, 100)
  await bench.startPump({ windowChangesMax: 20 }, 50)
  await bench.clock.advance(3000)
  const wanted = ['95', '96', '97', '98', '99'].map((key) => ['items', key] as const)
  const wish = { kind: 'mend', entries: wanted, caches: [], everywhere: false } as const
  const load = async (rounds: number) => {
    for (let round = 0; round < rounds; round++) {
      await bench.put(40, 40)
      await bench.clock.advance(5)
    }
  }
  await load(20)
  const before = (await bench.windows()).length
  bench.messaging.publish(subjects.audit('test'), encodeAuditMessage('log', wish))
  await load(60)
  const published = (await bench.windows()).slice(before).flatMap(({ changes }) => changes)
  const found = new Set(published.map(({ key }) => key))
  expect(wanted.filter(([, key]) => !found.has(key))).toEqual([])
})

// How long a standby waits is partly chance.
const seeds = Array.from({ length: 8 }, (_, at) => at + 1)
test.each(seeds)(
  'under load the second pump publishes less than two seconds after the first has gone (seed %i)',
  async (seed) => {
    bench = new Bench(seed)
    await bench.startUnit()
    const pumps = [await bench.startPump(), await bench.startPump()]
    for (let count = 0; count < 20; count++) await bench.putAndWait(50)
    const active = pumps.find((pump) => pump.status().state === 'active')
    const standby = pumps.find((pump) => pump !== active)
    expect(standby?.status().state).toBe('standby')
    const stopped = active?.stop()
    await bench.clock.advance(10)
    await stopped
    const goneAt = bench.clock.monotonic()
    const last = bench.changes.last
    while (bench.changes.last === last && bench.clock.monotonic() - goneAt < 5000)
      await bench.putAndWait(10)
    expect(bench.clock.monotonic() - goneAt).toBeLessThan(2000)
    expect(standby?.status().state).toBe('active')
  },
)

test('of two pumps one publishes; the other takes over, and both have forgotten nothing', async () => {
  bench = new Bench()
  await bench.startUnit()
  const pumps = [await bench.startPump(), await bench.startPump()]
  await bench.put(10, 10)
  await bench.clock.advance(500)
  await bench.put(10, 10)
  await bench.clock.advance(500)
  expect(pumps.map((pump) => pump.status().state).sort()).toEqual(['active', 'standby'])
  const active = pumps.find((pump) => pump.status().state === 'active')
  const standby = pumps.find((pump) => pump !== active)
  const stopped = active?.stop()
  await bench.clock.advance(5000)
  await stopped
  await bench.put(10, 10)
  await bench.clock.advance(2000)
  expect(standby?.status()).toMatchObject({ state: 'active', published: bench.log.last })
  const events = (await bench.windows()).flatMap((window) => window.events)
  expect(events).toHaveLength(30)
  // Neither had to forget what it knew.
  expect(bench.reports.some((message) => /starts again/.test(message))).toBe(false)
})

test('a pump makes room for another one, and goes on itself only if that one does not', async () => {
  bench = new Bench()
  await bench.startUnit()
  const pumps = [await bench.startPump(), await bench.startPump()]
  const load = async (seconds: number) => {
    for (let second = 0; second < 2 * seconds; second++) {
      await bench.put(5, 5)
      await bench.clock.advance(500)
    }
  }
  await load(3)
  const active = pumps.find((pump) => pump.status().state === 'active') as DataPump
  const other = pumps.find((pump) => pump !== active) as DataPump
  expect(other.status().state).toBe('standby')
  active.yield()
  await load(3)
  expect([active, other].map((pump) => pump.status().state)).toEqual(['standby', 'active'])
  other.yield()
  await active.stop()
  await load(5)
  await bench.clock.advance(500)
  expect(other.status()).toMatchObject({ state: 'active', published: bench.log.last })
  const events = (await bench.windows()).flatMap((window) => window.events)
  expect(events).toHaveLength(22 * 5)
  expect(bench.reports.some((message) => /starts again/.test(message))).toBe(false)
})

// architecture.md, invariants 6 and 8
test('what the log has lost while it waited to be published is not published', async () => {
  bench = new Bench()
  await bench.startUnit()
  await bench.startPump()
  await bench.put(3, 3)
  await bench.clock.advance(500)
  const published = (await bench.windows()).at(-1)
  bench.changes.full = true
  await bench.put(4, 4)
  await bench.clock.advance(500)
  // The queue comes back before the pump's tail has seen what became of the log.
  for (const log of bench.pumpLogs) log.lateMs = () => 60_000
  bench.log.loseTail(4)
  await bench.clock.advance(1)
  for (let nonce = 0; nonce < 6; nonce++)
    bench.log.append(encodeFrame({ kind: FrameKind.join, unit: 'other', nonce }))
  bench.changes.full = false
  await bench.clock.advance(10_000)
  expect((await bench.windows()).at(-1)).toEqual(published)
  expect(bench.reports.join()).toMatch(/The log has another record at/)
})

test('a standby that no longer has what the queue goes on with starts again', async () => {
  bench = new Bench()
  await bench.startUnit()
  const pumps = [await bench.startPump(), await bench.startPump()]
  await bench.put(10, 10)
  await bench.clock.advance(500)
  const author = new WindowAuthor(new SimulatedLog(bench.clock, bench.changes))
  // A third one goes back to where the store is; the windows it will publish are not those these
  // two expect.
  const published = author.publish(windowOf(0, 1))
  await bench.clock.advance(10)
  await published
  await bench.put(10, 10)
  await bench.clock.advance(100)
  expect(
    bench.reports.filter((message) => /Another pump has begun again/.test(message)),
  ).toHaveLength(pumps.length)
})

// architecture.md, invariant 9
test('a pump whose digest is not the published one does not go on', async () => {
  bench = new Bench()
  await bench.startUnit()
  await bench.put(20, 20)
  await bench.stopUnit()
  const { last } = bench.log
  // Another pump, which has gone wrong, says it was there before.
  const published = new WindowAuthor(new SimulatedLog(bench.clock, bench.changes)).publish(
    windowOf(0, last),
  )
  await bench.clock.advance(10)
  await published
  const pump = await bench.startPump()
  await bench.clock.advance(5000)
  expect(pump.readiness()).toMatchObject({ ready: false, reason: /digest/ })
  expect(bench.changes.last).toBe(1)
  expect(bench.reports.some((message) => /digest/.test(message))).toBe(true)
})

test('a pump that the units vouch for publishes anew what was published wrongly', async () => {
  bench = new Bench()
  await bench.startUnit()
  await bench.put(20, 20)
  const { last } = bench.log
  const published = new WindowAuthor(new SimulatedLog(bench.clock, bench.changes)).publish(
    windowOf(0, last),
  )
  await bench.clock.advance(10)
  await published
  await bench.startPump()
  await bench.clock.advance(2000)
  await bench.put(1, 1)
  await bench.clock.advance(2000)
  const [wrong, ...right] = await bench.windows()
  expect(wrong?.changes).toHaveLength(1)
  // Whoever has applied the wrong one gets everything that it should have brought.
  expect(right[0]?.from).toBe(0)
  expect(right[0]?.checkpoint.position).toBeGreaterThan(last)
  expect(right[0]?.changes).toHaveLength(20)
  expect(bench.reports.join()).toMatch(/digest.*publishes anew/)
})

test('a log in place of another one is not followed', async () => {
  bench = new Bench()
  await bench.startUnit()
  await bench.put(20, 20)
  const pump = await bench.startPump()
  await bench.clock.advance(1000)
  const { last } = bench.changes
  bench.log.replace()
  await bench.clock.advance(5000)
  expect(pump.readiness()).toMatchObject({ ready: false, reason: /belongs to the log/ })
  expect(bench.changes.last).toBe(last)
})

// docs/nats.md, "Domain events": they are there before the change queue has what belongs to them.
test('domain events are published for other services before their window', async () => {
  bench = new Bench()
  const events = new UnreliableStream(1, { itemPut: ['size'] })
  await bench.startUnit()
  const pump = await bench.startPump({}, 0, events)
  await bench.put(20, 5)
  await bench.clock.advance(1000)
  const before = bench.changes.last
  expect(events.messages).toHaveLength(20)
  expect(pump.status().eventsPublished).toBe(20)
  events.faultyOf = 1
  await bench.putAndWait(2000)
  expect(bench.changes.last).toBe(before)
  expect(pump.readiness().ready).toBe(false)
  events.faultyOf = 0
  await bench.clock.advance(6000)
  expect(bench.changes.last).toBeGreaterThan(before)
  expect(pump.readiness().ready).toBe(true)
  const emitted = (await bench.windows()).flatMap((window) => window.events)
  const told = events.messages.map(({ data }) => JSON.parse(Buffer.from(data).toString()))
  expect(told).toEqual(
    emitted.map(({ name, payload: { size }, position, transaction: version }) => {
      return { name, payload: { size }, position, version }
    }),
  )
})
