import { ProcessingUnit } from '@spacegrid/runtime/processing-unit'
import type { ProcessingUnitOptions } from '@spacegrid/runtime/processing-unit-options'
import { QueryUnit } from '@spacegrid/runtime/query-unit/query-unit'
import type { Space } from '../core/definition.ts'
import {
  InProcessMessaging,
  type InProcessMessagingOptions,
} from '../drivers/embedded/in-process-messaging.ts'
import type { RoleEvent } from '../engine/life/role-event.ts'
import { MemoryWatch } from '../engine/memory/memory-watch.ts'
import { unitRoles } from '../engine/placement/member.ts'
import type { Clock } from '../engine/ports/clock.ts'
import type { Memory } from '../engine/ports/memory.ts'
import { SeededRandom } from './seeded-random.ts'
import { SimulatedClock } from './simulated-clock.ts'
import { SimulatedLog, type SimulatedLogOptions } from './simulated-log.ts'
import { SimulatedStream } from './simulated-stream.ts'

export interface WorldUnit {
  readonly unit: ProcessingUnit
  readonly log: SimulatedLog
  readonly events: readonly RoleEvent[]
}

/** What became of a promise, to be looked at while the time stands still. */
export interface Fate<T> {
  value?: T
  error?: unknown
}

export function fateOf<T>(promise: Promise<T>): Fate<T> {
  const fate: Fate<T> = {}
  promise.then(
    (value) => {
      fate.value = value
    },
    (error: unknown) => {
      fate.error = error
    },
  )
  return fate
}

/**
 * Units of one space on a simulated log, in virtual time: nothing happens unless a test lets time
 * pass.
 */
export class UnitWorld {
  readonly clock = new SimulatedClock()
  /** How far the log's clock is ahead of the units'. */
  logAheadMs = 0
  readonly stream = new SimulatedStream({
    now: () => this.clock.now() + this.logAheadMs,
    monotonic: () => this.clock.monotonic(),
    worked: () => this.clock.worked(),
    after: (ms, callback) => this.clock.after(ms, callback),
    soon: (callback) => this.clock.soon(callback),
  })
  readonly messaging: InProcessMessaging
  readonly #space: Space
  readonly #units: WorldUnit[] = []
  readonly #watches: MemoryWatch[] = []

  constructor(space: Space, options: InProcessMessagingOptions = {}) {
    this.#space = space
    this.messaging = new InProcessMessaging(this.clock, options)
  }

  /**
   * `memory`: of the unit's process; left out, there is always room in it. `space`: another version
   * of the application. `takesCommands: false` makes a query unit.
   */
  start(
    options: ProcessingUnitOptions = {},
    logOptions: SimulatedLogOptions = {},
    clock: Clock = this.clock,
    memory?: Memory,
    space: Space = this.#space,
  ): WorldUnit {
    const number = this.#units.length
    const log = new SimulatedLog(this.clock, this.stream, { latencyMs: () => 1, ...logOptions })
    const events: RoleEvent[] = []
    const { messaging } = this
    const random = new SeededRandom(number + 1)
    const name = `unit-${number}`
    const ports = { ...(memory ? { memory } : {}), messaging, clock, random }
    const takesCommands = options.takesCommands ?? true
    const role = takesCommands ? unitRoles.commands : unitRoles.queries
    const watch = new MemoryWatch(this.#space.name, name, role, ports, takesCommands)
    const Unit = takesCommands ? ProcessingUnit : QueryUnit
    const unit = new Unit(
      name,
      space,
      { log, messaging, clock, random, memory: watch },
      { sources: ['peer', 'log'], report: (event) => events.push(event), ...options },
    )
    const started = { unit, log, events }
    this.#units.push(started)
    this.#watches.push(watch)
    watch.start()
    unit.start()
    return started
  }

  async startReady(
    options?: ProcessingUnitOptions,
    logOptions?: SimulatedLogOptions,
    clock?: Clock,
    memory?: Memory,
  ): Promise<WorldUnit> {
    const started = this.start(options, logOptions, clock, memory)
    await this.until(() => started.unit.readiness().ready)
    return started
  }

  /** Lets time pass until the condition holds. */
  async until(condition: () => boolean, msMax = 20_000): Promise<void> {
    for (let ms = 0; !condition(); ms++) {
      if (ms >= msMax) throw new Error(`the condition does not hold after ${msMax} ms`)
      await this.clock.advance(1)
    }
  }

  /** Lets time pass until the promise is settled. */
  async settled<T>(promise: Promise<T>, msMax?: number): Promise<T> {
    const fate = fateOf(promise.then(() => true))
    await this.until(() => fate.value !== undefined || fate.error !== undefined, msMax)
    return await promise
  }

  async stop(): Promise<void> {
    for (const { log } of this.#units) log.heal()
    for (const watch of this.#watches.splice(0)) await watch.stop()
    await this.settled(Promise.all(this.#units.splice(0).map(({ unit }) => unit.stop())))
  }
}
