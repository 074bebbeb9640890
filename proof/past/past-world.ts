import { DataPump } from '@spacegrid/data-pump/data-pump'
import { DataReader } from '@spacegrid/data-reader/data-reader'
import { DataWriter } from '@spacegrid/data-writer/data-writer'
import {
  defineCache,
  defineCommand,
  defineProjection,
  defineQuery,
  defineSpace,
  Type,
} from '@spacegrid/grid/core/define'
import { InProcessMessaging } from '@spacegrid/grid/drivers/embedded/in-process-messaging'
import { KeptSnapshots } from '@spacegrid/grid/engine/past/kept-snapshots'
import { SeededRandom } from '@spacegrid/grid/kit/seeded-random'
import { SimulatedClock } from '@spacegrid/grid/kit/simulated-clock'
import { SimulatedLog } from '@spacegrid/grid/kit/simulated-log'
import { SimulatedStore } from '@spacegrid/grid/kit/simulated-store'
import { SimulatedStream } from '@spacegrid/grid/kit/simulated-stream'
import { fateOf } from '@spacegrid/grid/kit/unit-world'
import { ProcessingUnit } from '@spacegrid/runtime/processing-unit'

const stock = defineCache('stock', {
  schema: Type.Object({
    id: Type.String(),
    shelf: Type.String(),
    left: Type.Integer(),
    until: Type.Optional(Type.Integer()),
  }),
  key: 'id',
  readable: true,
  indexes: { byShelf: ['shelf', 'left'] },
  expiry: 'until',
})

const shelves = defineProjection('shelves', {
  of: stock,
  groupBy: ['shelf'],
  values: ({ count, sum, min }) => ({
    count: count(),
    left: sum(({ left }) => left),
    least: min(({ left }) => left),
  }),
})

const put = defineCommand('put', {
  input: Type.Object({
    id: Type.String(),
    shelf: Type.String(),
    left: Type.Integer(),
    lastsMs: Type.Optional(Type.Integer()),
  }),
  handler: (tx, { lastsMs, ...given }) =>
    tx.put(stock, lastsMs === undefined ? given : { ...given, until: tx.now + lastsMs }),
})

/** An operation: what it leaves is found out when it is melded. */
const take = defineCommand('take', {
  input: Type.Object({ id: Type.String() }),
  handler: (tx, { id }) => ({
    left: tx.increment(stock, id, 'left', -1, { min: 0, otherwise: 'none_left' }),
  }),
})

const remove = defineCommand('remove', {
  input: Type.Object({ id: Type.String() }),
  handler: (tx, { id }) => tx.delete(stock, id),
})

const onShelf = defineQuery('onShelf', {
  input: Type.Object({ shelf: Type.String() }),
  handler: (read, { shelf }) => read.range(stock, 'byShelf', { equals: [shelf] }),
})

const shelfRow = defineQuery('shelfRow', {
  input: Type.Object({ shelf: Type.String() }),
  handler: (read, { shelf }) => read.get(shelves, shelf) ?? null,
})

export const warehouseNamed = (name: string) =>
  defineSpace(name, {
    caches: [stock],
    projections: [shelves],
    commands: [put, take, remove],
    queries: [onShelf, shelfRow],
  })

const warehouse = warehouseNamed('warehouse')

/** How long the past is kept here. */
export const pastMs = 4000
export const trimDelayMs = 1000

/**
 * Units, a pump, a writer and a reader of one space, in virtual time: nothing happens unless a
 * test lets time pass.
 */
export class PastWorld {
  readonly clock = new SimulatedClock()
  readonly log = new SimulatedStream(this.clock, { identity: 'log' })
  readonly changes = new SimulatedStream(this.clock, { identity: 'changes' })
  readonly past = new SimulatedStream(this.clock, { identity: 'past' })
  readonly store = new SimulatedStore()
  readonly messaging = new InProcessMessaging(this.clock)
  readonly random: SeededRandom
  readonly units: ProcessingUnit[] = []
  #pump: DataPump | undefined
  readonly #others: { start(): void; stop(): Promise<void> }[]

  constructor(seed: number) {
    this.random = new SeededRandom(seed)
    const { clock, store, messaging, random } = this
    const logs = () => ({ log: this.#to(this.log), changes: this.#to(this.changes) })
    this.#others = [
      new DataReader('warehouse', { ...logs(), store, messaging, clock, random }),
      new DataWriter(
        'warehouse',
        { ...logs(), past: this.#to(this.past), store, messaging, clock },
        { trimDelayMs },
      ),
    ]
    for (const other of this.#others) other.start()
  }

  #to(stream: SimulatedStream): SimulatedLog {
    return new SimulatedLog(this.clock, stream)
  }

  async startUnit(at: number): Promise<void> {
    const { clock, messaging, random } = this
    const past = { log: this.#to(this.log), kept: new KeptSnapshots(this.#to(this.past)) }
    const unit = new ProcessingUnit(`unit-${at}`, warehouse, {
      ...{ log: this.#to(this.log), messaging, clock, random },
      past: () => Promise.resolve(past),
    })
    this.units[at] = unit
    unit.start()
    await this.until(() => unit.readiness().ready)
  }

  async restartUnit(at: number): Promise<void> {
    await this.settled((this.units[at] as ProcessingUnit).stop())
    await this.startUnit(at)
  }

  async startPump(): Promise<void> {
    const { clock, messaging, random } = this
    const pump = new DataPump(
      'warehouse',
      {
        ...{ log: this.#to(this.log), changes: this.#to(this.changes), past: this.#to(this.past) },
        ...{ messaging, clock, random },
      },
      { pastMs },
    )
    this.#pump = pump
    pump.start()
    await this.until(() => pump.readiness().ready)
  }

  async restartPump(): Promise<void> {
    if (this.#pump) await this.settled(this.#pump.stop())
    await this.startPump()
  }

  async until(condition: () => boolean, msMax = 60_000): Promise<void> {
    for (let ms = 0; !condition(); ms++) {
      if (ms >= msMax) throw new Error(`the condition does not hold after ${msMax} ms`)
      await this.clock.advance(1)
    }
  }

  /** Lets time pass until the promise is settled. */
  async settled<T>(promise: Promise<T>): Promise<T> {
    const fate = fateOf(promise.then(() => true))
    await this.until(() => fate.value !== undefined || fate.error !== undefined)
    return await promise
  }

  async stop(): Promise<void> {
    const parts = [...this.units, ...(this.#pump ? [this.#pump] : []), ...this.#others]
    await this.settled(Promise.all(parts.map((part) => part.stop())))
  }
}
