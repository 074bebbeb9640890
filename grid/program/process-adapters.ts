import type { Logger } from 'pino'
import type { LogName } from '../core/log-name.ts'
import { MongoStore } from '../drivers/mongodb/mongo-store.ts'
import { JetStreamLog } from '../drivers/nats/jetstream-log.ts'
import { NatsMessaging } from '../drivers/nats/nats-messaging.ts'
import { RedisImage } from '../drivers/redis/redis-image.ts'
import { SystemClock } from '../drivers/system/system-clock.ts'
import { SystemMemory } from '../drivers/system/system-memory.ts'
import { SystemRandom } from '../drivers/system/system-random.ts'
import { limitsWithin, type MemoryLimits } from '../engine/memory/memory-limits.ts'
import { MemoryWatch } from '../engine/memory/memory-watch.ts'
import type { Clock } from '../engine/ports/clock.ts'
import type { Log } from '../engine/ports/log.ts'
import type { Messaging } from '../engine/ports/messaging.ts'
import type { Random } from '../engine/ports/random.ts'
import type { Store } from '../engine/ports/store.ts'
import { streams, subjects } from '../engine/wire/subjects.ts'
import type { Environment } from './environment.ts'
import { reportFitness } from './fitness-report.ts'
import { tellRefused } from './refused-report.ts'

/** What every role works with on one space. */
export interface RolePorts {
  readonly log: Log
  readonly messaging: Messaging
  readonly clock: Clock
  readonly random: Random
  /** Whether there is room in every process of the space. */
  readonly memory: MemoryWatch
}

/** The adapters of one process; what nobody asks for is never opened. */
export class ProcessAdapters {
  readonly clock = new SystemClock()
  readonly random = new SystemRandom()
  readonly memory: SystemMemory
  /** What fits into the process. */
  readonly limits: MemoryLimits
  readonly #environment: Environment
  readonly #report: Logger
  readonly #opened: { close(): Promise<void> }[] = []
  readonly #logs: JetStreamLog[] = []
  #messaging: Promise<NatsMessaging> | undefined
  #store: MongoStore | undefined
  #image: RedisImage | undefined

  constructor(environment: Environment, report: Logger) {
    this.#environment = environment
    this.#report = report
    this.memory = new SystemMemory(environment.MEMORY_MAX)
    this.limits = limitsWithin(this.memory.budgetBytes)
  }

  /** Of each stream that must not be relied on: why. */
  unfit(): string[] {
    return this.#logs.flatMap(({ unfit }) => unfit ?? [])
  }

  async portsOf(logName: LogName, role: string): Promise<RolePorts> {
    const { clock, random } = this
    const [log, messaging] = await Promise.all([
      this.#openLog(streams.log(logName), subjects.log(logName)),
      this.#openMessaging(),
    ])
    const ports = { memory: this.memory, messaging, clock, random }
    const memory = new MemoryWatch(logName, this.#environment.UNIT_NAME, role, ports)
    return { log, messaging, clock, random, memory }
  }

  openChanges(logName: LogName): Promise<Log> {
    return this.#openLog(streams.changes(logName), subjects.changes(logName))
  }

  /** Only for programs that need `MONGODB_URL`. */
  get store(): Store {
    const { MONGODB_URL = '', MONGODB_DB: database } = this.#environment
    const { scanBytesMax } = this.limits
    this.#store ??= this.#closedLater(
      new MongoStore(MONGODB_URL, this.clock, { database, scanBytesMax }),
    )
    return this.#store
  }

  /** Without `REDIS_URL` there is no warm image. */
  get image(): { readonly image?: Store } {
    const { REDIS_URL } = this.#environment
    if (REDIS_URL === undefined) return {}
    this.#image ??= this.#closedLater(
      new RedisImage(REDIS_URL, this.clock, { scanEntries: this.limits.scanEntriesMax }),
    )
    return { image: this.#image }
  }

  async close(): Promise<void> {
    await Promise.all(this.#opened.map((adapter) => adapter.close()))
  }

  #openMessaging(): Promise<NatsMessaging> {
    const { NATS_URL = '', UNIT_NAME: name } = this.#environment
    const options = { name: `${name} messaging`, onFault: tellRefused(this.#report) }
    this.#messaging ??= NatsMessaging.open(NATS_URL, options).then((it) => this.#closedLater(it))
    return this.#messaging
  }

  async #openLog(stream: string, subject: string): Promise<Log> {
    const { NATS_URL = '', UNIT_NAME: name, STREAM_REPLICAS, STREAM_BYTES_MAX } = this.#environment
    const log = await JetStreamLog.open(NATS_URL, {
      stream,
      subject,
      name: `${name} ${stream}`,
      replicas: STREAM_REPLICAS,
      maxBytes: STREAM_BYTES_MAX,
      fitness: reportFitness(this.#report, stream),
    })
    this.#logs.push(log)
    return this.#closedLater(log)
  }

  #closedLater<A extends { close(): Promise<void> }>(adapter: A): A {
    this.#opened.push(adapter)
    return adapter
  }
}
