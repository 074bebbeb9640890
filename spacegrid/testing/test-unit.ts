import type { Cache, Space } from '@spacegrid/grid/core/definition'
import { GridError } from '@spacegrid/grid/core/errors'
import type { SpaceState } from '@spacegrid/grid/core/space-state'
import { Host, HostClock } from '@spacegrid/grid/kit/host'
import { HostLog } from '@spacegrid/grid/kit/host-log'
import type { Network } from '@spacegrid/grid/kit/network'
import { SeededRandom } from '@spacegrid/grid/kit/seeded-random'
import type { SimulatedClock } from '@spacegrid/grid/kit/simulated-clock'
import { SimulatedLog } from '@spacegrid/grid/kit/simulated-log'
import type { SimulatedStream } from '@spacegrid/grid/kit/simulated-stream'
import { ProcessingUnit } from '@spacegrid/runtime/processing-unit'
import type { UnitOptions } from '@spacegrid/runtime/unit-options'
import { entriesOf } from './log-reader.ts'

/** What the units of a test grid share. */
export interface TestUnitParts {
  readonly clock: SimulatedClock
  readonly stream: SimulatedStream
  readonly network: Network
  readonly options: Partial<UnitOptions>
}

interface Life {
  readonly unit: ProcessingUnit
  readonly host: Host
  readonly log: HostLog
  isCut: boolean
}

/** A place for a processing unit: one after the other lives in it. */
export class TestUnit {
  readonly name: string
  readonly #number: number
  readonly #space: Space
  readonly #parts: TestUnitParts
  #lives = 0
  #life: Life | undefined

  constructor(number: number, space: Space, parts: TestUnitParts) {
    this.name = `unit-${number}`
    this.#number = number
    this.#space = space
    this.#parts = parts
  }

  /** @throws GridError `not_ready` when it has crashed */
  get serving(): ProcessingUnit {
    if (!this.#life) throw new GridError('not_ready', `${this.name} has crashed`)
    return this.#life.unit
  }

  /** What it holds; undefined while it has nothing that is exact. */
  get state(): SpaceState | undefined {
    return this.#life?.unit.state
  }

  /** Or cannot be. */
  get isReady(): boolean {
    return this.#isAway() || this.serving.readiness().ready
  }

  /** Whether it has all of the log, or cannot have it. */
  isSettled(last: number): boolean {
    return this.#isAway() || this.state?.position === last
  }

  entries<V>(cache: Cache<V>): V[] {
    if (!this.state) throw new GridError('not_ready', `${this.name} holds nothing`)
    return entriesOf(this.state, cache)
  }

  start(): void {
    const { clock, stream, network, options } = this.#parts
    const host = new Host(this.name, clock)
    const hostClock = new HostClock(host, clock, { skewMs: 0, rate: 1 })
    const connection = new SimulatedLog(clock, stream, { latencyMs: () => 1 })
    const log = new HostLog(host, connection, clock)
    const random = new SeededRandom(this.#number + 100 * ++this.#lives)
    const messaging = network.connect(host)
    const ports = { log, messaging, clock: hostClock, random }
    const unit = new ProcessingUnit(this.name, this.#space, ports, {
      sources: ['peer', 'log'],
      ...options,
    })
    this.#life = { unit, host, log, isCut: false }
    unit.start()
  }

  whenGone(tell: () => void): void {
    this.#life?.host.whenGone(tell)
  }

  crash(): void {
    this.#life?.host.crash()
    this.#life = undefined
  }

  pause(): void {
    this.#life?.host.pause()
  }

  resume(): void {
    this.#life?.host.resume()
  }

  /** From the log, and from the other units too if that is said. */
  cut(isAlone: boolean): void {
    if (!this.#life) return
    const { host, log } = this.#life
    log.cut()
    if (isAlone) this.#parts.network.cut(host)
    this.#life.isCut = true
  }

  heal(): void {
    if (!this.#life) return
    const { host, log } = this.#life
    log.heal()
    this.#parts.network.heal(host)
    this.#life.isCut = false
  }

  #isAway(): boolean {
    return !this.#life || this.#life.isCut || this.#life.host.paused
  }
}
