import {
  defineCache,
  defineCommand,
  defineQuery,
  defineSpace,
  Type,
} from '@spacegrid/grid/core/define'
import { Host, HostClock } from '@spacegrid/grid/kit/host'
import { HostLog } from '@spacegrid/grid/kit/host-log'
import { Network } from '@spacegrid/grid/kit/network'
import { SeededRandom } from '@spacegrid/grid/kit/seeded-random'
import { SimulatedClock } from '@spacegrid/grid/kit/simulated-clock'
import { SimulatedLog } from '@spacegrid/grid/kit/simulated-log'
import { SimulatedStream } from '@spacegrid/grid/kit/simulated-stream'
import { fateOf } from '@spacegrid/grid/kit/unit-world'
import { ProcessingUnit } from '../../processing-unit.ts'
import type { ProcessingUnitOptions } from '../../processing-unit-options.ts'

const counters = defineCache('counters', {
  schema: Type.Object({ id: Type.String(), count: Type.Integer() }),
  key: 'id',
})

const input = Type.Object({ id: Type.String() })

/** Any handler: what it writes depends on what it has read. */
const add = defineCommand('add', {
  input,
  affinity: 'id',
  handler: (tx, { id }) => {
    const count = (tx.get(counters, id)?.count ?? 0) + 1
    if (count < 0) tx.reject('negative', { count })
    tx.put(counters, { id, count })
    return { count }
  },
})

const refuse = defineCommand('refuse', {
  input,
  affinity: 'id',
  handler: (tx, { id }): void => tx.reject('refused', { count: tx.get(counters, id)?.count ?? 0 }),
})

/** The same entries, without an affinity. */
const addAnywhere = defineCommand('addAnywhere', { input, handler: add.handler })

const count = defineQuery('count', {
  input,
  handler: (read, { id }) => read.get(counters, id)?.count ?? 0,
})

export const hotCounters = defineSpace('hot', {
  caches: [counters],
  commands: [add, refuse, addAnywhere],
  queries: [count],
})

export interface AffinityMember {
  readonly host: Host
  readonly unit: ProcessingUnit
}

/** What became of the commands of some clients. */
export interface Told {
  /** Each count that was told. */
  readonly counts: number[]
  readonly errors: unknown[]
}

/** Units of one space that is not divided, each in a host of its own, in virtual time. */
export class AffinityWorld {
  readonly clock = new SimulatedClock()
  readonly network: Network
  readonly stream = new SimulatedStream(this.clock)
  readonly #members: AffinityMember[] = []

  constructor(seed = 1) {
    this.network = new Network(this.clock, new SeededRandom(seed))
  }

  start(options: ProcessingUnitOptions = {}): AffinityMember {
    const name = `unit-${this.#members.length}`
    const host = new Host(name, this.clock)
    const clock = new HostClock(host, this.clock, { skewMs: 0, rate: 1 })
    const messaging = this.network.connect(host)
    // Where all are equally fast, the same one comes first each time, and the others never.
    const ways = new SeededRandom(100 + this.#members.length)
    const latencyMs = () => 1 + ways.below(4)
    const connection = new SimulatedLog(this.clock, this.stream, { latencyMs })
    const log = new HostLog(host, connection, this.clock)
    const random = new SeededRandom(this.#members.length + 1)
    const ports = { log, messaging, clock, random }
    const unit = new ProcessingUnit(name, hotCounters, ports, {
      sources: ['peer', 'log'],
      ...options,
    })
    const member = { host, unit }
    this.#members.push(member)
    unit.start()
    return member
  }

  async startReady(count: number, options?: ProcessingUnitOptions): Promise<AffinityMember[]> {
    const members = Array.from({ length: count }, () => this.start(options))
    await this.until(() => members.every(({ unit }) => unit.readiness().ready))
    await this.clock.advance(1000)
    return members
  }

  /** So many clients at each unit give commands, one after the other each, for so long. */
  async work(
    members: readonly AffinityMember[],
    ms: number,
    { clients = 4, keyed = false, command = 'add', told = { counts: [], errors: [] } as Told } = {},
  ): Promise<Told> {
    const until = this.clock.monotonic() + ms
    let turn = 0
    const working = members.flatMap(({ unit, host }, at) =>
      Array.from({ length: clients }, async (_, client) => {
        while (host.acts() && this.clock.monotonic() < until) {
          const idempotencyKey = `${this.clock.monotonic()}-${at}-${client}-${turn++}`
          try {
            const options = keyed ? { idempotencyKey } : {}
            const { result } = await unit.execute(command, { id: 'x' }, options)
            told.counts.push((result as { count: number }).count)
          } catch (error) {
            told.errors.push(error)
            await new Promise<void>((wake) => this.clock.after(20, wake))
          }
        }
      }),
    )
    await this.clock.advance(ms)
    const alive = Promise.all(
      working.filter((_, at) => members[Math.floor(at / clients)]!.host.acts()),
    )
    await this.settled(alive, 20_000)
    return told
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
    await this.settled(Promise.all(running.map(({ unit }) => unit.stop())), 60_000)
  }
}
