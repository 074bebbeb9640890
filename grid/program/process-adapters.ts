import type { Logger } from 'pino'
import { isGridError } from '../core/errors.ts'
import { type LogName, spaceOf } from '../core/log-name.ts'
import type { DeclaredEvents } from '../core/readable-events.ts'
import { JetStreamEvents } from '../drivers/nats/jetstream-events.ts'
import { JetStreamLog } from '../drivers/nats/jetstream-log.ts'
import { KvCell } from '../drivers/nats/kv-cell.ts'
import { LogConnections } from '../drivers/nats/log-connections.ts'
import { NatsMessaging } from '../drivers/nats/nats-messaging.ts'
import { SystemClock } from '../drivers/system/system-clock.ts'
import { SystemMemory } from '../drivers/system/system-memory.ts'
import { SystemRandom } from '../drivers/system/system-random.ts'
import { limitsWithin, type MemoryLimits } from '../engine/memory/memory-limits.ts'
import { MemoryWatch } from '../engine/memory/memory-watch.ts'
import { KeptSnapshots } from '../engine/past/kept-snapshots.ts'
import type { PastPorts } from '../engine/past/past-states.ts'
import { unitRoles } from '../engine/placement/member.ts'
import type { Cell } from '../engine/ports/cell.ts'
import type { Clock } from '../engine/ports/clock.ts'
import type { Log } from '../engine/ports/log.ts'
import type { Messaging } from '../engine/ports/messaging.ts'
import type { Random } from '../engine/ports/random.ts'
import type { Tracing } from '../engine/ports/tracing.ts'
import { streams, subjects } from '../engine/wire/subjects.ts'
import type { Environment } from './environment.ts'
import { reportFitness } from './fitness-report.ts'
import { streamShare } from './named-spaces.ts'
import { tellRefused } from './refused-report.ts'
import { changesBytes, logBytes, pastBytes, type StreamBytes } from './stream-bytes.ts'

/** How long whoever starts waits for the pump to know what it is to publish, ms. */
const declaredWithinMs = 2000

/** What every role works with on one log. */
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
  /** undefined: nobody traces commands. */
  readonly tracing: Tracing | undefined
  readonly #environment: Environment
  readonly #report: Logger
  readonly #opened: { close(): Promise<void> }[] = []
  readonly #logs = new Set<JetStreamLog>()
  readonly #memories = new Map<string, MemoryWatch>()
  #partitionsMost = 1
  #messaging: Promise<NatsMessaging> | undefined
  #shared: Promise<LogConnections> | undefined

  constructor(environment: Environment, report: Logger, tracing?: Tracing) {
    this.tracing = tracing
    this.#environment = environment
    this.#report = report
    this.memory = new SystemMemory(environment.MEMORY_MAX)
    this.limits = limitsWithin(this.memory.budgetBytes)
  }

  /** Of each stream that must not be relied on: why. */
  unfit(): string[] {
    return [...this.#logs].flatMap(({ unfit }) => unfit ?? [])
  }

  /**
   * @param calledBy the role, as other processes of the space are told of it
   * @param partitions of the space: its streams share the room of one
   */
  async portsOf(logName: LogName, calledBy: string, partitions = 1): Promise<RolePorts> {
    const { clock, random } = this
    const [log, messaging, memory] = await Promise.all([
      this.openLog(logName, partitions),
      this.messaging(),
      this.memoryOf(spaceOf(logName), calledBy),
    ])
    return { log, messaging, clock, random, memory }
  }

  openLog(logName: LogName, partitions = 1): Promise<Log> {
    const bytes = logBytes(this.#environment)
    return this.#open(streams.log(logName), subjects.log(logName), logName, partitions, bytes)
  }

  openChanges(logName: LogName, partitions = 1): Promise<Log> {
    const bytes = changesBytes(this.#environment)
    return this.#open(
      ...[streams.changes(logName), subjects.changes(logName), logName, partitions, bytes],
    )
  }

  /** Where snapshots are kept for those who ask for the past; undefined: none are. */
  async openPast(logName: LogName, partitions = 1): Promise<Log | undefined> {
    if (this.#environment.PAST_MS === 0) return undefined
    const bytes = pastBytes(this.#environment)
    return await this.#open(
      ...[streams.past(logName), subjects.past(logName), logName, partitions, bytes],
    )
  }

  /** What the past of a log is made of, on connections of its own. */
  async pastOf(logName: LogName, partitions = 1): Promise<PastPorts> {
    const [log, past] = await Promise.all([
      this.openLog(logName, partitions),
      this.openPast(logName, partitions),
    ])
    return past ? { log, kept: new KeptSnapshots(past) } : { log }
  }

  /** To be closed by whoever has published there; costs nothing until it is used. */
  async openEvents(logName: LogName): Promise<JetStreamEvents> {
    return new JetStreamEvents((await this.messaging()).connection, logName)
  }

  /**
   * Says which domain events of a log other services may have, before any of them can happen.
   * @param readable left out: none
   */
  async declareEvents(
    logName: LogName,
    readable: DeclaredEvents = false,
    partitions = 1,
  ): Promise<void> {
    const {
      EVENTS_BYTES_MAX: bytesMax,
      EVENTS_AGE_MAX_MS: ageMsMax,
      STREAM_REPLICAS: replicas,
    } = this.#environment
    const share = bytesMax === 0 ? 0 : streamShare(bytesMax, partitions)
    const events = await this.openEvents(logName)
    if (!(await events.declare(readable, { bytesMax: share, ageMsMax, replicas }))) return
    const request = { timeoutMs: declaredWithinMs }
    const messaging = await this.messaging()
    // A pump that starts later, or does not answer, looks by itself.
    await messaging
      .request(subjects.readable(logName), new Uint8Array(), request)
      .catch((error) => {
        if (!isGridError(error)) throw error
      })
  }

  /** One value that several processes change, kept in a key-value bucket of JetStream. */
  async cell(bucket: string, key: string): Promise<Cell> {
    const { connection } = await this.messaging()
    return new KvCell(connection.driver, bucket, key, this.#environment.STREAM_REPLICAS)
  }

  /** Closes a log, or a change queue, before the process ends: nobody uses it any more. */
  async letGo(log: Log): Promise<void> {
    for (const opened of this.#logs)
      if (opened === log) {
        this.#logs.delete(opened)
        await opened.close()
      }
  }

  /** Of a process there is one for each space, whatever it has of it. */
  async memoryOf(space: string, calledBy: string): Promise<MemoryWatch> {
    const ports = {
      memory: this.memory,
      messaging: await this.messaging(),
      clock: this.clock,
      random: this.random,
    }
    let watch = this.#memories.get(space)
    if (!watch) {
      const decides = calledBy !== unitRoles.queries
      watch = new MemoryWatch(space, this.#environment.UNIT_NAME, calledBy, ports, decides)
      this.#memories.set(space, watch)
    }
    return watch
  }

  /** Of any space here; so many may scan the store at a time. */
  get partitionsMost(): number {
    return this.#partitionsMost
  }

  async close(): Promise<void> {
    await Promise.all([...this.#logs].map((log) => log.close()))
    await Promise.all(this.#opened.map((adapter) => adapter.close()))
  }

  messaging(): Promise<NatsMessaging> {
    const { NATS_URL = '', UNIT_NAME: name } = this.#environment
    const options = { name: `${name} messaging`, onFault: tellRefused(this.#report) }
    this.#messaging ??= NatsMessaging.open(NATS_URL, options).then((it) => this.closedLater(it))
    return this.#messaging
  }

  async #open(
    stream: string,
    subject: string,
    logName: LogName,
    partitions: number,
    { bytesMax, variable }: StreamBytes,
  ): Promise<Log> {
    const { NATS_URL = '', UNIT_NAME: name, STREAM_REPLICAS, STREAMS } = this.#environment
    this.#partitionsMost = Math.max(this.#partitionsMost, partitions)
    const server = partitions === 1 ? NATS_URL : await this.#sharedConnections()
    const log = await JetStreamLog.open(server, {
      stream,
      subject,
      name: `${name} ${stream}`,
      replicas: STREAM_REPLICAS,
      isAwaited: STREAMS === 'await',
      maxBytes: streamShare(bytesMax, partitions),
      sizedBy: variable,
      rivals: rivalsOf(logName),
      ...(partitions === 1 ? {} : { division: divisionOf(logName, partitions) }),
      fitness: reportFitness(this.#report, stream),
    })
    this.#logs.add(log)
    return log
  }

  /** Of divided spaces: two connections for each log would be too many for the server. */
  #sharedConnections(): Promise<LogConnections> {
    const { NATS_URL = '', UNIT_NAME: name } = this.#environment
    this.#shared ??= LogConnections.open(NATS_URL, { name: `${name} logs` }).then((it) =>
      this.closedLater(it),
    )
    return this.#shared
  }

  /** Closes it when the process ends, after the logs. */
  closedLater<A extends { close(): Promise<void> }>(adapter: A): A {
    this.#opened.push(adapter)
    return adapter
  }
}

/** Whoever begins a space anew in another number of partitions would not find what is in it. */
function rivalsOf(logName: LogName): { readonly subject: string; readonly is: string } {
  const space = spaceOf(logName)
  return logName === space
    ? { subject: subjects.log(`${space}.*`), is: `${space} has several partitions there` }
    : { subject: subjects.log(space), is: `${space} has one partition there` }
}

const divisionOf = (logName: LogName, partitions: number) => ({
  partitions,
  subjects: subjects.log(`${spaceOf(logName)}.*`),
})
