import { type Logger, pino } from 'pino'
import { createAdminServer } from '../doors/admin/admin-server.ts'
import type { StatusSource } from '../doors/admin/status-source.ts'
import { MongoStore } from '../drivers/mongodb/mongo-store.ts'
import { JetStreamLog } from '../drivers/nats/jetstream-log.ts'
import { NatsMessaging } from '../drivers/nats/nats-messaging.ts'
import { RedisImage } from '../drivers/redis/redis-image.ts'
import type { TellRefused } from '../drivers/refused-messages.ts'
import { SystemClock } from '../drivers/system/system-clock.ts'
import { SystemMemory } from '../drivers/system/system-memory.ts'
import { SystemRandom } from '../drivers/system/system-random.ts'
import { ReadinessWatch } from '../engine/life/readiness-watch.ts'
import type { Report } from '../engine/life/role-event.ts'
import { limitsWithin, type MemoryLimits } from '../engine/memory/memory-limits.ts'
import { MemoryWatch } from '../engine/memory/memory-watch.ts'
import type { Clock } from '../engine/ports/clock.ts'
import type { Log } from '../engine/ports/log.ts'
import type { Messaging } from '../engine/ports/messaging.ts'
import type { Random } from '../engine/ports/random.ts'
import type { Store } from '../engine/ports/store.ts'
import { streams, subjects } from '../engine/wire/subjects.ts'
import type { Component } from './component.ts'
import { type Environment, type EnvironmentName, readEnvironment } from './environment.ts'
import { reportFitness } from './fitness-report.ts'
import { stopOnSignals } from './graceful-stop.ts'
import { tellRefused } from './refused-report.ts'
import { reportTo } from './role-log.ts'
import { tellWaiting } from './tell-waiting.ts'

/** What a component of one space may work with. */
export interface ComponentPorts {
  readonly log: Log
  readonly changes: Log
  readonly messaging: Messaging
  readonly clock: Clock
  readonly random: Random
  /** Only for programs that need `MONGODB_URL`. */
  readonly store: Store
  /** Without `REDIS_URL` there is no warm image. */
  readonly image: { readonly image?: Store }
  /** What fits into the process. */
  readonly limits: MemoryLimits
}

export interface ComponentProgram {
  /** Such as `data-pump`. */
  readonly role: string
  /** Variables that the program cannot do without. */
  readonly required: readonly EnvironmentName[]
  readonly create: (
    space: string,
    ports: ComponentPorts,
    report: Report,
    environment: Environment,
  ) => Component
}

/**
 * A component as a program, configured by its environment: one instance for each space of `SPACES`, health and status on `ADMIN_PORT`. Stops
 * gracefully on SIGTERM and SIGINT.
 * @throws GridError `configuration_invalid`, or `log_unavailable` when NATS cannot be reached at the start
 */
export async function runComponent({ role, required, create }: ComponentProgram): Promise<void> {
  const environment = readEnvironment(['NATS_URL', ...required])
  const { UNIT_NAME: name, HOST: host, ADMIN_PORT: port } = environment
  const log = pino({ name, level: environment.LOG_LEVEL })
  const shared = new SharedAdapters(environment, log)
  const awaited = tellWaiting(log, environment)
  const components = new Map<string, Component>()
  const watches = new Map<string, MemoryWatch>()
  for (const space of environment.SPACES.split(',')) {
    const ports = await shared.portsOf(space)
    components.set(space, create(space, ports, reportTo(log, { space }), environment))
    watches.set(space, shared.memoryWatch(space, role, ports))
  }
  awaited()
  for (const [space, component] of components) {
    component.start()
    new ReadinessWatch(shared.clock, component, reportTo(log, { space })).start()
  }
  for (const watch of watches.values()) watch.start()
  const admin = createAdminServer(
    statusOf(name, role, components, watches, () => shared.unfit()),
    { log },
  )
  await admin.listen({ host, port })
  log.info({ role, spaces: environment.SPACES, adminPort: port }, 'started')
  stopOnSignals({
    stop: async () => {
      log.info('stopping')
      await Promise.all([...components.values()].map((component) => component.stop()))
      await Promise.all([...watches.values()].map((watch) => watch.stop()))
      await admin.close()
      await shared.close()
    },
  })
}

/** The adapters of one process; what no component asks for is never opened. */
class SharedAdapters {
  readonly #environment: Environment
  readonly #onFault: TellRefused
  readonly clock = new SystemClock()
  readonly #random = new SystemRandom()
  readonly memory: SystemMemory
  readonly #limits: MemoryLimits
  readonly #report: Logger
  readonly #opened: { close(): Promise<void> }[] = []
  readonly #logs: JetStreamLog[] = []
  #messaging: Promise<NatsMessaging> | undefined
  #store: MongoStore | undefined
  #image: RedisImage | undefined

  constructor(environment: Environment, report: Logger) {
    this.#environment = environment
    this.#report = report
    this.#onFault = tellRefused(report)
    this.memory = new SystemMemory(environment.MEMORY_MAX)
    this.#limits = limitsWithin(this.memory.budgetBytes)
  }

  /** Of each stream that must not be relied on: why. */
  unfit(): string[] {
    return this.#logs.flatMap(({ unfit }) => unfit ?? [])
  }

  async portsOf(space: string): Promise<ComponentPorts> {
    const { NATS_URL = '', UNIT_NAME: name } = this.#environment
    const messagingOptions = { name: `${name} messaging`, onFault: this.#onFault }
    this.#messaging ??= NatsMessaging.open(NATS_URL, messagingOptions).then((it) =>
      this.#closedLater(it),
    )
    const [log, changes, messaging] = await Promise.all([
      this.#openLog(streams.log(space), subjects.log(space)),
      this.#openLog(streams.changes(space), subjects.changes(space)),
      this.#messaging,
    ])
    const store = () => this.#openStore()
    const image = () => this.#openImage()
    return {
      log,
      changes,
      messaging,
      clock: this.clock,
      random: this.#random,
      limits: this.#limits,
      get store() {
        return store()
      },
      get image() {
        return image()
      },
    }
  }

  memoryWatch(
    space: string,
    role: string,
    { messaging, clock, random }: ComponentPorts,
  ): MemoryWatch {
    const ports = { memory: this.memory, messaging, clock, random }
    return new MemoryWatch(space, this.#environment.UNIT_NAME, role, ports)
  }

  async close(): Promise<void> {
    await Promise.all(this.#opened.map((adapter) => adapter.close()))
  }

  async #openLog(stream: string, subject: string): Promise<Log> {
    const { NATS_URL = '', UNIT_NAME: name, STREAM_REPLICAS, STREAM_BYTES_MAX } = this.#environment
    const options = { stream, subject, name: `${name} ${stream}` }
    const log = await JetStreamLog.open(NATS_URL, {
      ...options,
      replicas: STREAM_REPLICAS,
      maxBytes: STREAM_BYTES_MAX,
      fitness: reportFitness(this.#report, stream),
    })
    this.#logs.push(log)
    return this.#closedLater(log)
  }

  #openStore(): Store {
    const { MONGODB_URL = '', MONGODB_DB: database } = this.#environment
    this.#store ??= this.#closedLater(
      new MongoStore(MONGODB_URL, this.clock, {
        database,
        scanBytesMax: this.#limits.scanBytesMax,
      }),
    )
    return this.#store
  }

  #openImage(): { readonly image?: Store } {
    const { REDIS_URL } = this.#environment
    if (REDIS_URL === undefined) return {}
    this.#image ??= this.#closedLater(
      new RedisImage(REDIS_URL, this.clock, { scanEntries: this.#limits.scanEntriesMax }),
    )
    return { image: this.#image }
  }

  #closedLater<A extends { close(): Promise<void> }>(adapter: A): A {
    this.#opened.push(adapter)
    return adapter
  }
}

function statusOf(
  name: string,
  role: string,
  components: ReadonlyMap<string, Component>,
  watches: ReadonlyMap<string, MemoryWatch>,
  unfit: () => readonly string[],
): StatusSource {
  return {
    unit: name,
    role,
    notReady: () => [
      ...unfit(),
      ...[...components].flatMap(([space, component]) => {
        const { ready, reason } = component.readiness()
        return ready ? [] : [`space ${space}: ${reason ?? 'not ready'}`]
      }),
    ],
    spaces: () =>
      Object.fromEntries(
        [...components].map(([space, component]) => {
          const memory = watches.get(space)?.status()
          return [space, { ...component.status(), ...(memory ? { memory } : {}) }]
        }),
      ),
  }
}
