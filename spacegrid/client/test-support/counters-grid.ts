import { logNameOf } from '@spacegrid/grid/core/log-name'
import { createHttpServer } from '@spacegrid/grid/doors/http/http-server'
import { serveSpace } from '@spacegrid/grid/doors/nats/space-services'
import { JetStreamLog } from '@spacegrid/grid/drivers/nats/jetstream-log'
import { NatsMessaging } from '@spacegrid/grid/drivers/nats/nats-messaging'
import { SystemClock } from '@spacegrid/grid/drivers/system/system-clock'
import { SystemRandom } from '@spacegrid/grid/drivers/system/system-random'
import { streams, subjects } from '@spacegrid/grid/engine/wire/subjects'
import { uniqueName } from '@spacegrid/proof/support/unique-name'
import { waitFor } from '@spacegrid/proof/support/wait-for'
import { PartitionServices } from '@spacegrid/runtime/partitions/partition-services'
import { PartitionedUnit } from '@spacegrid/runtime/partitions/partitioned-unit'
import { pino } from 'pino'
import { defineCache, defineCommand, defineQuery, defineSpace, Type } from 'spacegrid'

const clock = new SystemClock()
const random = new SystemRandom()
/** A counter goes no further. */
export const most = 5

const counters = defineCache('counters', {
  schema: Type.Object({ id: Type.String(), count: Type.Integer() }),
  key: 'id',
  partitionBy: 'id',
  readable: true,
})
const add = defineCommand('add', {
  input: Type.Object({ id: Type.String(), by: Type.Integer() }),
  partitionBy: 'id',
  handler(tx, { id, by }) {
    const count = (tx.get(counters, id)?.count ?? 0) + by
    if (count > most) tx.reject('too_many', { most })
    tx.put(counters, { id, count })
    tx.emit('Added', { id, count })
    return { count }
  },
})
const count = defineQuery('count', {
  input: Type.Object({ id: Type.String() }),
  partitionBy: 'id',
  handler: (read, { id }) => read.get(counters, id)?.count ?? 0,
})
const total = defineQuery('total', {
  input: Type.Object({}),
  handler: (read) => read.count(counters),
  everyPartition: { merge: (counts) => counts.reduce((one, other) => one + other, 0) },
})

const spaceOfCounters = (name: string) =>
  defineSpace(name, {
    partitions: 4,
    caches: [counters],
    commands: [add],
    queries: [count, total],
    readableEvents: true,
  })

export type CountersSpace = ReturnType<typeof spaceOfCounters>

/** A unit in this process, with its doors, as its program opens them. */
export class RunningUnit {
  readonly unit: PartitionedUnit
  readonly #messaging: NatsMessaging
  readonly #closing: (() => Promise<void>)[] = []
  #port = 0

  static async start(
    name: string,
    space: CountersSpace,
    natsUrl: string,
    copies: number,
  ): Promise<RunningUnit> {
    const messaging = await NatsMessaging.open(natsUrl, { name })
    const unit = new PartitionedUnit(
      name,
      space,
      {
        ...{ messaging, clock, random },
        open: async (partition) => {
          const logName = logNameOf(space.name, partition)
          const log = await JetStreamLog.open(natsUrl, {
            ...{ stream: streams.log(logName), subject: subjects.log(logName) },
          })
          return { log, messaging, clock, random, close: () => log.close() }
        },
      },
      { unit: { sources: ['peer', 'log'] }, relieveMsMax: 0, copies },
    )
    const running = new RunningUnit(unit, messaging)
    await running.#open()
    return running
  }

  private constructor(unit: PartitionedUnit, messaging: NatsMessaging) {
    this.unit = unit
    this.#messaging = messaging
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`
  }

  async #open(): Promise<void> {
    this.unit.start()
    const log = { error: () => undefined }
    const services = await serveSpace(this.#messaging, this.unit, { log })
    const ofPartitions = new PartitionServices(this.#messaging, this.unit, { log })
    const http = createHttpServer([this.unit], { log: pino({ level: 'silent' }) })
    await http.listen({ host: '127.0.0.1', port: 0 })
    const address = http.server.address()
    this.#port = typeof address === 'object' && address !== null ? address.port : 0
    this.#closing.push(
      () => http.close(),
      () => services.stop(),
      () => ofPartitions.stop(),
      () => this.unit.stop(),
      () => this.#messaging.close(),
    )
  }

  /** At most once. */
  async stop(): Promise<void> {
    for (const close of this.#closing.splice(0)) await close()
  }
}

/** Units of a divided space over real NATS. */
export class CountersGrid {
  readonly space: CountersSpace
  readonly units: RunningUnit[] = []
  readonly #natsUrl: string
  readonly #copies: number
  #started = 0

  constructor(natsUrl: string, copies: number) {
    this.space = spaceOfCounters(uniqueName('counters').replaceAll(/[^A-Za-z0-9]/g, ''))
    this.#natsUrl = natsUrl
    this.#copies = copies
  }

  async add(): Promise<RunningUnit> {
    const name = `unit-${++this.#started}`
    const unit = await RunningUnit.start(name, this.space, this.#natsUrl, this.#copies)
    this.units.push(unit)
    return unit
  }

  async remove(unit: RunningUnit): Promise<void> {
    this.units.splice(this.units.indexOf(unit), 1)
    await unit.stop()
  }

  /** Everything is kept as often as it should be, and nothing moves. */
  async settle(): Promise<void> {
    const each = (Math.min(this.#copies, this.units.length) * 4) / this.units.length
    await waitFor(
      () =>
        this.units.every(({ unit }) => {
          const { moving, scarce, members } = unit.placement()
          const isShared =
            members.length === this.units.length &&
            members.every(({ ready }) => Math.abs(ready.length - each) <= 1)
          return unit.readiness().ready && moving === 0 && scarce.length === 0 && isShared
        }),
      { what: 'all units to have their partitions', timeoutMs: 60_000 },
    )
  }

  async stop(): Promise<void> {
    for (const unit of this.units.splice(0)) await unit.stop()
  }
}
