import type { Space } from '@spacegrid/grid/core/definition'
import type { RoleEvent } from '@spacegrid/grid/engine/life/role-event'
import type { Messaging } from '@spacegrid/grid/engine/ports/messaging'
import { Host, HostClock } from '@spacegrid/grid/kit/host'
import { HostLog } from '@spacegrid/grid/kit/host-log'
import { Network } from '@spacegrid/grid/kit/network'
import { SeededRandom } from '@spacegrid/grid/kit/seeded-random'
import { SimulatedClock } from '@spacegrid/grid/kit/simulated-clock'
import { SimulatedLog } from '@spacegrid/grid/kit/simulated-log'
import type { SimulatedMemory } from '@spacegrid/grid/kit/simulated-memory'
import { SimulatedStream } from '@spacegrid/grid/kit/simulated-stream'
import { fateOf } from '@spacegrid/grid/kit/unit-world'
import { PartitionedQueryUnit } from '../../query-unit/partitioned-query-unit.ts'
import { PartitionedUnit, type PartitionedUnitOptions } from '../partitioned-unit.ts'

export interface WorldMember {
  readonly host: Host
  readonly messaging: Messaging
  readonly unit: PartitionedUnit
  readonly events: readonly RoleEvent[]
  /** By partition, as it was opened last. */
  readonly logs: ReadonlyMap<number, HostLog>
}

/** So long nothing has moved: whoever wanted to take something over has begun with it. */
const quietMs = 3000

/** Units of one divided space, each in a host of its own, in virtual time. */
export class PartitionedWorld {
  readonly clock = new SimulatedClock()
  readonly network: Network
  readonly space: Space
  readonly streams: readonly SimulatedStream[]
  readonly #seed: number
  readonly #members: WorldMember[] = []

  constructor(space: Space, seed = 1) {
    this.space = space
    this.#seed = seed
    this.network = new Network(this.clock, new SeededRandom(seed))
    this.streams = Array.from(
      { length: space.partitions ?? 1 },
      (_, at) => new SimulatedStream(this.clock, { identity: `log-${at}` }),
    )
  }

  get members(): readonly WorldMember[] {
    return this.#members
  }

  start(options: PartitionedUnitOptions = {}, memory?: SimulatedMemory): WorldMember {
    return this.#start(PartitionedUnit, options, memory)
  }

  startQueryUnit(options: PartitionedUnitOptions = {}, memory?: SimulatedMemory): WorldMember {
    return this.#start(PartitionedQueryUnit, options, memory)
  }

  #start(
    Unit: typeof PartitionedUnit | typeof PartitionedQueryUnit,
    options: PartitionedUnitOptions,
    memory: SimulatedMemory | undefined,
  ): WorldMember {
    const name = `unit-${this.#members.length}`
    const host = new Host(name, this.clock)
    const clock = new HostClock(host, this.clock, { skewMs: 0, rate: 1 })
    const messaging = this.network.connect(host)
    const random = new SeededRandom(1000 * this.#seed + this.#members.length + 1)
    const events: RoleEvent[] = []
    const logs = new Map<number, HostLog>()
    const unit = new Unit(
      name,
      this.space,
      {
        ...{ messaging, clock, random },
        ...(memory ? { memory } : {}),
        open: async (partition) => {
          const stream = this.streams[partition] as SimulatedStream
          const connection = new SimulatedLog(this.clock, stream, { latencyMs: () => 1 })
          const log = new HostLog(host, connection, this.clock)
          logs.set(partition, log)
          return { log, messaging, clock, random, close: () => connection.close() }
        },
      },
      {
        unit: { sources: ['peer', 'log'] },
        reportOf: () => (event) => events.push(event),
        ...options,
      },
    )
    const member = { host, messaging, unit, events, logs }
    this.#members.push(member)
    unit.start()
    return member
  }

  /** Units that are up and have settled: each partition is kept as often as it should be. */
  async startSettled(count: number, options: PartitionedUnitOptions = {}): Promise<WorldMember[]> {
    const members = Array.from({ length: count }, () => this.start(options))
    await this.settle(members)
    return members
  }

  /** Lets time pass until these, and no others, keep everything, and nothing moves. */
  async settle(members: readonly WorldMember[], msMax = 60_000): Promise<void> {
    const isSettled = () =>
      members.every(({ unit }) => {
        const { members: seen, scarce, moving, copies } = unit.placement()
        const kept = seen.reduce((sum, { ready }) => sum + ready.length, 0)
        const each = Math.min(copies, members.length)
        return (
          seen.length === members.length &&
          unit.readiness().ready &&
          scarce.length === 0 &&
          moving === 0 &&
          kept === each * (this.space.partitions ?? 1)
        )
      })
    let since = this.clock.monotonic()
    await this.until(() => {
      if (!isSettled()) since = this.clock.monotonic()
      return this.clock.monotonic() - since >= quietMs
    }, msMax)
  }

  async until(condition: () => boolean, msMax = 20_000): Promise<void> {
    for (let ms = 0; !condition(); ms += 5) {
      if (ms >= msMax) throw new Error(`the condition does not hold after ${msMax} ms`)
      await this.clock.advance(5)
    }
  }

  async settled<T>(promise: Promise<T>, msMax?: number): Promise<T> {
    const fate = fateOf(promise.then(() => true))
    await this.until(() => fate.value !== undefined || fate.error !== undefined, msMax)
    return await promise
  }

  async stop(): Promise<void> {
    const running = this.#members.splice(0).filter(({ host }) => host.alive)
    for (const { host } of running) host.resume()
    const stopping = Promise.all(running.map(({ unit }) => unit.stop()))
    await this.settled(stopping, 60_000)
  }
}
