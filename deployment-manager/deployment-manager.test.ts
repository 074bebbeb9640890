import { GridError } from '@spacegrid/grid/core/errors'
import { InProcessMessaging } from '@spacegrid/grid/drivers/embedded/in-process-messaging'
import { tellLoad } from '@spacegrid/grid/engine/load/load-teller'
import { SeededRandom } from '@spacegrid/grid/kit/seeded-random'
import { SimulatedClock } from '@spacegrid/grid/kit/simulated-clock'
import { beforeEach, expect, test } from 'vitest'
import { plainSettings } from './decide/test-support/simulated-fleet.ts'
import { DeploymentManager } from './deployment-manager.ts'
import type { Driver } from './drivers/driver.ts'
import type { ScalingOptions } from './scaling-options.ts'
import { SimulatedCell } from './test-support/simulated-cell.ts'

const spaces = [{ name: 'shop', partitions: 1 }]
const startMs = 2000

/** What runs, and a driver that starts and stops it; the units are as busy as the test says. */
class World {
  readonly clock = new SimulatedClock()
  readonly messaging = new InProcessMessaging(this.clock)
  readonly lease = new SimulatedCell()
  readonly journal = new SimulatedCell()
  readonly asked: string[] = []
  /** Units of work. */
  work = 0.2
  /** Whether units say how they fare. */
  speak = true
  fails: GridError | undefined
  wanted = 1
  term = 0
  readonly #busyMs = new Map<number, number>()
  #ready = 1
  #starting = 0

  constructor() {
    this.#tell(1)
    this.#pass()
  }

  driver(): Driver {
    return {
      ...{ name: 'simulated', isHere: true, close: async () => undefined },
      look: async () => ({
        wanted: this.wanted,
        ready: this.#ready,
        starting: this.#starting,
        spares: 0,
      }),
      scale: async (units, term) => {
        if (this.fails) throw this.fails
        if (term < this.term) throw new GridError('fenced', 'too late')
        this.term = term
        this.asked.push(`${units} by ${term}`)
        this.#to(units)
      },
    }
  }

  manager(name: string, options: Partial<ScalingOptions> = {}, seen = {}): DeploymentManager {
    const ports = {
      ...{ messaging: this.messaging, clock: this.clock, random: new SeededRandom(name.length) },
      ...{ lease: this.lease.seenBy(seen), journal: this.journal.seenBy(seen) },
      ...{ driver: this.driver(), idleCores: () => 4 },
    }
    return new DeploymentManager(name, ports, { ...plainSettings, spaces, ...options })
  }

  get ready(): number {
    return this.#ready
  }

  /** One ends by itself. */
  lose(): void {
    this.#ready--
  }

  #to(units: number): void {
    const more = units - this.#ready - this.#starting
    this.wanted = units
    if (more < 0) this.#ready += more
    for (let at = 0; at < more; at++) {
      this.#starting++
      this.clock.after(startMs, () => {
        this.#starting--
        this.#ready++
        this.#tell(this.#ready)
      })
    }
  }

  #tell(id: number): void {
    if (this.#busyMs.has(id)) return
    this.#busyMs.set(id, 0)
    tellLoad('shop', this.messaging, () => {
      if (!this.speak || id > this.#ready) throw new GridError('log_unavailable', 'silent')
      const busyMs = this.#busyMs.get(id) ?? 0
      const log = {
        ...{ partition: 0, answered: 0, shed: 0, pending: 0, limit: 16_384, delayMs: 0 },
        ...{ tripMs: 1, tripMsLeast: 1, queriesWaiting: 0, hotKeys: 0 },
      }
      return {
        ...{ id, name: `shop-${id}`, role: 'unit', ready: true, full: false },
        ...{ busyMs, idleMs: this.clock.monotonic() - busyMs, logs: [log] },
      }
    })
  }

  #pass(): void {
    this.clock.after(100, () => {
      const busyMs = 100 * Math.min(1, this.work / Math.max(1, this.#ready))
      for (const [id, before] of this.#busyMs) this.#busyMs.set(id, before + busyMs)
      this.#pass()
    })
  }
}

let world: World
beforeEach(() => {
  world = new World()
})

const messages = () => {
  const told: string[] = []
  return { told, report: ({ message }: { message: string }) => void told.push(message) }
}

test('units are added when they are busy, and taken away when they have not been needed for long', async () => {
  const { told, report } = messages()
  const manager = world.manager('one', { unitsMax: 2, scaleInAfterMs: 20_000, report })
  manager.start()
  await world.clock.advance(5000)
  expect(manager.status()).toMatchObject({ active: true, wanted: 1, ready: 1, silent: 0 })
  world.work = 1.1
  await world.clock.advance(10_000)
  expect(world.ready).toBe(2)
  world.work = 0.2
  await world.clock.advance(60_000)
  expect(world.ready).toBe(1)
  await manager.stop()
  const { decisions, counts } = manager.status()
  const acts = decisions.filter(({ action }) => action !== 'hold')
  expect(acts.map(({ action, from, to }) => [action, from, to])).toEqual([
    ['scale_out', 1, 2],
    ['scale_in', 2, 1],
  ])
  expect(counts).toContainEqual({ action: 'scale_in', cause: 'less_to_do', count: 1 })
  expect(told.join('\n')).toMatch(/one {2}1 → 2 units: 100 % busy with 0 commands a second/)
})

test('of two one works; when it is gone without a word the other goes on, and knows what was decided', async () => {
  const seen = { isCutOff: false }
  const [one, other] = [
    world.manager('one', { unitsMax: 2 }, seen),
    world.manager('other', { unitsMax: 3 }),
  ]
  one.start()
  await world.clock.advance(100)
  other.start()
  world.work = 1.1
  await world.clock.advance(10_000)
  expect([one.status().active, other.status().active]).toEqual([true, false])
  expect(other.status().holder).toBe('one')
  expect(other.readiness()).toEqual({ ready: true })
  seen.isCutOff = true
  world.work = 1.7
  await world.clock.advance(30_000)
  expect([one.status().active, other.status().active]).toEqual([false, true])
  expect(one.readiness()).toEqual({ ready: false, reason: 'cut off' })
  const acts = other.status().decisions.filter(({ action }) => action === 'scale_out')
  expect(acts.map(({ by, to }) => [by, to])).toEqual([
    ['one', 2],
    ['other', 3],
  ])
  expect(world.asked).toEqual(['2 by 1', '3 by 2'])
})

test('who stops lets the other one work at once', async () => {
  const [one, other] = [world.manager('one'), world.manager('other')]
  one.start()
  await world.clock.advance(100)
  other.start()
  await world.clock.advance(3000)
  await one.stop()
  await world.clock.advance(1500)
  expect(other.status().active).toBe(true)
  await other.stop()
})

test('one that has ended is replaced', async () => {
  const manager = world.manager('one', { unitsMin: 2 })
  manager.start()
  await world.clock.advance(6000)
  expect(world.ready).toBe(2)
  world.lose()
  await world.clock.advance(10_000)
  expect(world.ready).toBe(2)
  expect(manager.status().decisions.at(-1)).toMatchObject({ action: 'replace', cause: 'ended' })
  await manager.stop()
})

test('what the driver cannot do is told, and tried again, ever more seldom', async () => {
  const { told, report } = messages()
  const manager = world.manager('one', { unitsMin: 2, report })
  world.fails = new GridError('no_responder', 'nobody there')
  manager.start()
  await world.clock.advance(20_000)
  const failures = told.filter((line) => line.includes('(failed): nobody there')).length
  expect(failures).toBeGreaterThan(1)
  world.fails = undefined
  await world.clock.advance(20_000)
  expect(world.ready).toBe(2)
  await manager.stop()
})

test('nothing is changed while nothing is known', async () => {
  const manager = world.manager('one', { unitsMax: 2, scaleInAfterMs: 5000 })
  world.work = 1.1
  manager.start()
  await world.clock.advance(10_000)
  expect(world.ready).toBe(2)
  world.speak = false
  world.work = 0.1
  await world.clock.advance(30_000)
  expect(world.ready).toBe(2)
  expect(manager.status()).toMatchObject({ silent: 2 })
  expect(manager.status().decisions.at(-1)).toMatchObject({ action: 'hold', cause: 'unknown' })
  await manager.stop()
})

test('what is refused for the same reason is told once a minute', async () => {
  const { told, report } = messages()
  const manager = world.manager('one', { unitsMax: 1, report })
  world.work = 1.5
  manager.start()
  await world.clock.advance(150_000)
  expect(told.filter((line) => line.includes('UNITS_MAX is 1'))).toHaveLength(3)
  await manager.stop()
})

test('what units have cost is known to the next manager, and has an end', async () => {
  const options = { unitsMax: 2, unitHoursMax: 1, scaleInAfterMs: 5000 }
  const one = world.manager('one', options)
  one.start()
  world.work = 1.1
  await world.clock.advance(1_200_000)
  expect(world.ready).toBe(2)
  await one.stop()
  const other = world.manager('other', options)
  other.start()
  await world.clock.advance(900_000)
  expect(other.status().unitHours).toBeGreaterThan(0.9)
  expect(world.ready).toBe(1)
  expect(other.status().decisions.at(-1)).toMatchObject({ cause: 'budget' })
  await other.stop()
})
