import { expect, onTestFinished, test } from 'vitest'
import { GridError } from '../core/errors.ts'
import { type LogName, logNamesOf } from '../core/log-name.ts'
import { Host, HostClock } from '../kit/host.ts'
import { Network } from '../kit/network.ts'
import { SeededRandom } from '../kit/seeded-random.ts'
import { SimulatedClock } from '../kit/simulated-clock.ts'
import { CheckedComponent } from './checked-component.ts'
import type { Component } from './component.ts'
import { SharedWork } from './shared-work.ts'

const startMs = 100
const takeoverMs = 800
const yieldMs = 3 * takeoverMs

/** As pumps and writers are: one works, and the others take over when it is silent. */
class Part implements Component {
  state = 'starting'
  reason = 'starting'
  waitsMs = takeoverMs
  #yieldedAt = Number.POSITIVE_INFINITY
  readonly #logName: LogName
  readonly #process: Process

  constructor(logName: LogName, process: Process) {
    this.#logName = logName
    this.#process = process
  }

  start(): void {
    this.#process.clock.after(startMs, () => {
      this.state = 'standby'
      this.reason = ''
      this.#work()
    })
  }

  async stop(): Promise<void> {
    this.state = 'stopped'
  }

  readiness() {
    return this.reason === '' ? { ready: true } : { ready: false, reason: this.reason }
  }

  status() {
    return { state: this.state }
  }

  yield(): void {
    this.state = 'standby'
    this.waitsMs = yieldMs
    this.#yieldedAt = this.#process.clock.monotonic()
    this.#process.world.yields++
  }

  #work(): void {
    if (this.state === 'stopped') return
    const { world, clock } = this.#process
    const workedAt = world.workedAt.get(this.#logName) ?? Number.NEGATIVE_INFINITY
    if (workedAt > this.#yieldedAt) this.waitsMs = takeoverMs
    if (this.state === 'standby' && clock.monotonic() - workedAt > this.waitsMs) {
      this.state = 'active'
      this.waitsMs = takeoverMs
    }
    if (this.state === 'active') world.workedAt.set(this.#logName, clock.monotonic())
    clock.after(50, () => this.#work())
  }
}

interface World {
  /** When somebody did the work of a log last. */
  readonly workedAt: Map<LogName, number>
  yields: number
}

class Process {
  readonly host: Host
  readonly clock: HostClock
  readonly work: SharedWork
  readonly world: World
  readonly parts = new Map<LogName, Part>()
  closed = 0
  fault: GridError | undefined

  constructor(name: string, world: World, clock: SimulatedClock, network: Network, seed: number) {
    this.world = world
    this.host = new Host(name, clock)
    this.clock = new HostClock(this.host, clock, { skewMs: 0, rate: 1 })
    const ports = {
      messaging: network.connect(this.host),
      clock: this.clock,
      random: new SeededRandom(seed),
    }
    const open = async (logName: LogName) => {
      if (this.fault) throw this.fault
      const component = new Part(logName, this)
      this.parts.set(logName, component)
      const close = async () => {
        this.parts.delete(logName)
        this.closed++
      }
      return { component, close }
    }
    const options = { space: 'shop', partitions, role: 'data-pump', name, open }
    this.work = new SharedWork(options, ports)
    this.work.start()
  }

  in(state: string): LogName[] {
    return [...this.parts].filter(([, part]) => part.state === state).map(([logName]) => logName)
  }
}

const partitions = 16
const all = logNamesOf('shop', partitions)

function makeWorld() {
  const clock = new SimulatedClock()
  const network = new Network(clock, new SeededRandom(5))
  const world: World = { workedAt: new Map(), yields: 0 }
  const processes: Process[] = []
  const start = (name: string) => {
    const process = new Process(name, world, clock, network, processes.length + 1)
    processes.push(process)
    return process
  }
  onTestFinished(async () => {
    const stopped = processes.map(({ work }) => work.stop())
    await clock.advance(1000)
    void stopped
  })
  const live = (...ones: Process[]) => ones.flatMap((process) => process.in('active')).sort()
  return { clock, world, start, live }
}

const sorted = (names: readonly LogName[]) => [...names].sort()

test('one process does everything', async () => {
  const { clock, start } = makeWorld()
  const one = start('one')
  expect(one.work.readiness()).toEqual({ ready: false, reason: 'starting' })
  await clock.advance(5000)
  expect(sorted(one.in('active'))).toEqual(sorted(all))
  expect(one.work.readiness()).toEqual({ ready: true })
  expect([...one.work.parts.keys()]).toEqual(all)
})

test('two share the work and cover for each other, whoever was first', async () => {
  const { clock, start, live, world } = makeWorld()
  const one = start('one')
  await clock.advance(5000)
  const two = start('two')
  await clock.advance(10_000)
  expect(live(one, two)).toEqual(sorted(all))
  for (const process of [one, two]) {
    expect(process.in('active').length).toBeGreaterThan(3)
    expect(process.in('active').length + process.in('standby').length).toBe(partitions)
  }
  // Each partition changed hands once.
  expect(world.yields).toBe(two.in('active').length)
})

test('when one is killed the other takes all over within seconds, and gives back', async () => {
  const { clock, start, live } = makeWorld()
  const one = start('one')
  const two = start('two')
  await clock.advance(10_000)
  const before = two.in('active')
  expect(before.length).toBeGreaterThan(3)
  two.host.crash()
  await clock.advance(1500)
  expect(live(one)).toEqual(sorted(all))
  const again = start('two')
  await clock.advance(10_000)
  expect(live(one, again)).toEqual(sorted(all))
  // By its name it has the same partitions as before.
  expect(sorted(again.in('active'))).toEqual(sorted(before))
})

test('of many, two have to do with each partition, and one works for it', async () => {
  const { clock, start, live } = makeWorld()
  const many = Array.from({ length: 8 }, (_, at) => start(`p${at}`))
  await clock.advance(20_000)
  expect(live(...many)).toEqual(sorted(all))
  const kept = many.flatMap(({ parts }) => [...parts.keys()])
  expect(kept).toHaveLength(2 * partitions)
  for (const { work } of many) expect(work.readiness()).toEqual({ ready: true })
})

test('one that stops gracefully says goodbye, and leaves nothing open', async () => {
  const { clock, start, live } = makeWorld()
  const one = start('one')
  const two = start('two')
  await clock.advance(10_000)
  const stopped = two.work.stop()
  await clock.advance(1000)
  await stopped
  expect(two.parts.size).toBe(0)
  expect(two.closed).toBe(partitions)
  await clock.advance(1000)
  expect(live(one)).toEqual(sorted(all))
})

test('one that cannot be opened is told, and tried again', async () => {
  const { clock, start } = makeWorld()
  const one = start('one')
  one.fault = new GridError('log_unavailable', 'No NATS server answers')
  await clock.advance(2000)
  expect(one.work.readiness().reason).toMatch(/^shop\.\d+: No NATS server answers$/)
  one.fault = undefined
  await clock.advance(5000)
  expect(one.in('active')).toHaveLength(partitions)
  expect(one.work.readiness()).toEqual({ ready: true })
})

test('partitions that are not ready are named, within bounds', async () => {
  const { clock, start } = makeWorld()
  const one = start('one')
  await clock.advance(5000)
  for (const part of one.parts.values()) part.reason = 'the log is not connected'
  expect(one.work.readiness().reason).toMatch(/^(shop\.\d+: the log is not connected; ){3}13 more$/)
})

test('whoever comes first and does not work gets the work no sooner than a while later', async () => {
  const { clock, start, live, world } = makeWorld()
  const one = start('one')
  const two = start('two')
  await clock.advance(10_000)
  const [logName] = two.in('active') as [LogName]
  // It looks ready, and never takes over.
  const lazy = two.parts.get(logName) as Part
  lazy.state = 'standby'
  lazy.waitsMs = Number.POSITIVE_INFINITY
  const { yields } = world
  await clock.advance(60_000)
  expect(live(one, two)).toEqual(sorted(all))
  expect(one.in('active')).toContain(logName)
  expect(world.yields - yields).toBeLessThan(5)
})

test('a component whose log has another number of partitions than it was told is not ready', () => {
  const component: Component = {
    start: () => undefined,
    stop: async () => undefined,
    readiness: () => ({ ready: true }),
    status: () => ({ state: 'active' }),
    partitions: 16,
  }
  expect(new CheckedComponent(component, 16).readiness()).toEqual({ ready: true })
  expect(new CheckedComponent(component, 4).readiness().reason).toBe(
    'the definition in the log says that the space has 16 partitions, SPACES says 4',
  )
  const unknown = { ...component, partitions: undefined }
  expect(new CheckedComponent(unknown, 4).readiness()).toEqual({ ready: true })
})
