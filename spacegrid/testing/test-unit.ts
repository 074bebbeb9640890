import type { Space } from '@spacegrid/grid/core/definition'
import { GridError } from '@spacegrid/grid/core/errors'
import type { SpaceState } from '@spacegrid/grid/core/space-state'
import type { Cache } from '@spacegrid/grid/core/transaction'
import type { Serving } from '@spacegrid/grid/doors/request/serving'
import { Host, HostClock } from '@spacegrid/grid/kit/host'
import { HostLog } from '@spacegrid/grid/kit/host-log'
import type { Network } from '@spacegrid/grid/kit/network'
import { SeededRandom } from '@spacegrid/grid/kit/seeded-random'
import type { SimulatedClock } from '@spacegrid/grid/kit/simulated-clock'
import { SimulatedLog } from '@spacegrid/grid/kit/simulated-log'
import type { SimulatedStream } from '@spacegrid/grid/kit/simulated-stream'
import { PartitionedUnit } from '@spacegrid/runtime/partitions/partitioned-unit'
import { ProcessingUnit } from '@spacegrid/runtime/processing-unit'
import { serveReactions } from '@spacegrid/runtime/reactions/react-request'
import type { UnitOptions } from '@spacegrid/runtime/unit-options'
import { entriesOf } from './log-reader.ts'

/** What the units of a test grid share. */
export interface TestUnitParts {
  readonly clock: SimulatedClock
  /** One of each partition. */
  readonly streams: readonly SimulatedStream[]
  /** How many there are. */
  readonly units: number
  readonly network: Network
  readonly options: Partial<UnitOptions>
}

interface Life {
  readonly unit: ProcessingUnit | PartitionedUnit
  readonly host: Host
  /** Those that are open. */
  readonly logs: Set<HostLog>
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
  get serving(): Serving {
    if (!this.#life) throw new GridError('not_ready', `${this.name} has crashed`)
    return this.#life.unit
  }

  /** What it holds of each partition; undefined while it has nothing of it that is exact. */
  get states(): readonly (SpaceState | undefined)[] {
    const unit = this.#life?.unit
    if (unit instanceof PartitionedUnit)
      return this.#parts.streams.map((_, partition) => unit.kept.get(partition)?.state)
    return [unit?.state]
  }

  /** It has crashed, stands still, or is cut off. */
  get isAway(): boolean {
    return !this.#life || this.#life.isCut || this.#life.host.paused
  }

  /** Or cannot be. */
  get isReady(): boolean {
    return this.isAway || this.serving.readiness().ready
  }

  /** Whether it has all of the log, or cannot have it. */
  isSettled(): boolean {
    const { streams } = this.#parts
    return this.isAway || this.states.every((it, at) => it?.position === streams[at]?.last)
  }

  entries<V>(cache: Cache<V>): V[] {
    return this.states.flatMap((state) => {
      if (!state) throw new GridError('not_ready', `${this.name} holds nothing`)
      return entriesOf(state, cache)
    })
  }

  start(): void {
    const { clock, streams, network, options } = this.#parts
    const host = new Host(this.name, clock)
    const hostClock = new HostClock(host, clock, { skewMs: 0, rate: 1 })
    const random = new SeededRandom(this.#number + 100 * ++this.#lives)
    const messaging = network.connect(host)
    const ports = { messaging, clock: hostClock, random }
    const logs = new Set<HostLog>()
    const open = (stream: SimulatedStream) => {
      const log = new HostLog(host, new SimulatedLog(clock, stream, { latencyMs: () => 1 }), clock)
      if (this.#life?.host === host && this.#life.isCut) log.cut()
      logs.add(log)
      return { ...ports, log, close: async () => void logs.delete(log) }
    }
    const settings = { sources: ['peer', 'log'] as const, ...options }
    const [first] = streams as readonly [SimulatedStream]
    const unit =
      streams.length === 1
        ? new ProcessingUnit(this.name, this.#space, open(first), settings)
        : new PartitionedUnit(
            this.name,
            this.#space,
            { ...ports, open: async (partition) => open(streams[partition] as SimulatedStream) },
            // Each keeps all of it, and takes it over at once.
            { copies: this.#parts.units, movesMax: streams.length, unit: settings },
          )
    this.#life = { unit, host, logs, isCut: false }
    unit.start()
    const reacting = unit instanceof PartitionedUnit ? unit : unit.reactions
    void serveReactions(messaging, reacting, { error: () => undefined })
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
    const { host, logs } = this.#life
    for (const log of logs) log.cut()
    if (isAlone) this.#parts.network.cut(host)
    this.#life.isCut = true
  }

  heal(): void {
    if (!this.#life) return
    const { host, logs } = this.#life
    for (const log of logs) log.heal()
    this.#parts.network.heal(host)
    this.#life.isCut = false
  }
}
