import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { GridError } from '@spacegrid/grid/core/errors'
import { type LogName, spaceOf } from '@spacegrid/grid/core/log-name'
import { EmbeddedEnvironment } from '@spacegrid/grid/drivers/embedded/embedded-environment'
import { EmbeddedPlace } from '@spacegrid/grid/drivers/embedded/embedded-place'
import { EmbeddedStore } from '@spacegrid/grid/drivers/embedded/embedded-store'
import { MongoStore } from '@spacegrid/grid/drivers/mongodb/mongo-store'
import { JetStreamPlace } from '@spacegrid/grid/drivers/nats/jetstream-place'
import { NatsMessaging } from '@spacegrid/grid/drivers/nats/nats-messaging'
import { RedisImage } from '@spacegrid/grid/drivers/redis/redis-image'
import { SystemClock } from '@spacegrid/grid/drivers/system/system-clock'
import { SystemRandom } from '@spacegrid/grid/drivers/system/system-random'
import type { Clock } from '@spacegrid/grid/engine/ports/clock'
import type { LogPlace } from '@spacegrid/grid/engine/ports/log-place'
import type { Messaging } from '@spacegrid/grid/engine/ports/messaging'
import type { Random } from '@spacegrid/grid/engine/ports/random'
import type { RebuildableStore, Store } from '@spacegrid/grid/engine/ports/store'
import { streams, subjects } from '@spacegrid/grid/engine/wire/subjects'
import type { Environment } from '@spacegrid/grid/program/environment'
import { streamShare } from '@spacegrid/grid/program/named-spaces'
import { changesBytes, logBytes, type StreamBytes } from '@spacegrid/grid/program/stream-bytes'
import { findGrid, type GridAddress } from '../audit/audit-targets.ts'
import { logsOfEmbedded, logsOfServers } from '../audit/known-logs.ts'
import { knownServers } from '../servers/start-servers.ts'

/** What is needed to recover what belongs to one log. */
export interface RecoveryPorts {
  readonly log: LogPlace
  /** The change queue. */
  readonly changes: LogPlace
  readonly store: RebuildableStore
  /** The warm image; none where there is no Redis. */
  readonly image?: Store
  /** To hear who runs; none where everything is one process, which must be stopped. */
  readonly messaging?: Messaging
  readonly clock: Clock
  readonly random: Random
}

/** How people call the store and the log of a grid. */
export interface RecoveryNames {
  readonly store: string
  readonly log: (logName: LogName) => string
}

/** An operator's way to the logs and stores of a grid that may be running, stopped or half gone. */
export interface RecoveryGrid {
  readonly kind: 'servers' | 'embedded'
  /** Looked at when none is named. */
  readonly logNames: readonly LogName[]
  readonly names: RecoveryNames
  /** @param among all logs there are to be, where those are not `logNames` */
  portsOf(logName: LogName, among?: readonly LogName[]): Promise<RecoveryPorts>
  close(): Promise<void>
}

/**
 * By the environment; else the cluster, or the servers, that run for this data folder; else the
 * embedded grid that is kept there; undefined when there is none.
 * @throws GridError `log_unavailable` when NATS does not answer
 */
export async function openGridIfAny(environment: Environment): Promise<RecoveryGrid | undefined> {
  const { DATA_DIR: folder } = environment
  const address = (await findGrid(environment)) ?? (await findServers(environment))
  if (address) return await ServerGrid.open(address, environment)
  const isEmbedded = existsSync(join(folder, 'store.mdb')) || existsSync(join(folder, 'owner'))
  return isEmbedded ? new EmbeddedFiles(environment) : undefined
}

/**
 * @param todo what is to be done with it, for people
 * @param orNew files for an embedded grid are made where there is none
 * @throws GridError `configuration_invalid` when there is none; `log_unavailable` when NATS does
 * not answer
 */
export async function openGrid(
  environment: Environment,
  todo = 'recover',
  { orNew = false }: { readonly orNew?: boolean } = {},
): Promise<RecoveryGrid> {
  const grid = await openGridIfAny(environment)
  if (grid) return grid
  if (orNew) return new EmbeddedFiles(environment)
  throw new GridError(
    'configuration_invalid',
    `There is no grid to ${todo}: set NATS_URL and MONGODB_URL, or DATA_DIR to the folder of a grid (now: ${environment.DATA_DIR}); the servers of a cluster that was stopped are started by npx spacegrid servers up`,
  )
}

/**
 * A cluster that has been stopped, or lost its processes, may have its servers running still, or
 * again.
 */
export async function findServers(environment: Environment): Promise<GridAddress | undefined> {
  const running = (await knownServers(environment.DATA_DIR)).filter((known) => known.running)
  if (running.length === 0) return undefined
  const urls = Object.fromEntries(running.map(({ record: { name, url } }) => [name, url]))
  return { ...urls, logNames: await logsOfServers(urls, environment) }
}

class ServerGrid implements RecoveryGrid {
  readonly kind = 'servers'
  readonly logNames: readonly LogName[]
  readonly names: RecoveryNames = {
    store: 'MongoDB',
    log: (logName) => `NATS stream ${streams.log(logName)}`,
  }
  readonly #nats: string
  readonly #environment: Environment
  readonly #clock = new SystemClock()
  readonly #random = new SystemRandom()
  readonly #messaging: NatsMessaging
  readonly #store: MongoStore
  readonly #image: RedisImage | undefined
  readonly #places: LogPlace[] = []

  static async open(address: GridAddress, environment: Environment): Promise<ServerGrid> {
    const { nats, mongodb } = address
    if (nats === undefined || mongodb === undefined)
      throw new GridError(
        'configuration_invalid',
        `${nats === undefined ? 'NATS_URL' : 'MONGODB_URL'} is not known: to recover a grid both NATS and MongoDB are needed, running`,
      )
    const messaging = await NatsMessaging.open(nats, { name: 'recover' })
    return new ServerGrid(nats, mongodb, address, messaging, environment)
  }

  private constructor(
    nats: string,
    mongodb: string,
    { redis, logNames }: GridAddress,
    messaging: NatsMessaging,
    environment: Environment,
  ) {
    this.#nats = nats
    this.#messaging = messaging
    this.#environment = environment
    this.logNames = logNames
    this.#store = new MongoStore(mongodb, this.#clock, { database: environment.MONGODB_DB })
    this.#image = redis ? new RedisImage(redis, this.#clock) : undefined
  }

  async portsOf(logName: LogName, among?: readonly LogName[]): Promise<RecoveryPorts> {
    const place = (kind: 'log' | 'changes', bytes: StreamBytes) =>
      this.#place(logName, kind, bytes, among ?? this.logNames)
    return {
      log: await place('log', logBytes(this.#environment)),
      changes: await place('changes', changesBytes(this.#environment)),
      store: this.#store,
      ...(this.#image ? { image: this.#image } : {}),
      messaging: this.#messaging,
      clock: this.#clock,
      random: this.#random,
    }
  }

  async close(): Promise<void> {
    await Promise.all(this.#places.map((place) => place.close()))
    await Promise.all([this.#store.close(), this.#image?.close(), this.#messaging.close()])
  }

  async #place(
    logName: LogName,
    kind: 'log' | 'changes',
    { bytesMax, variable }: StreamBytes,
    among: readonly LogName[],
  ): Promise<LogPlace> {
    const { STREAM_REPLICAS: replicas } = this.#environment
    const space = spaceOf(logName)
    const partitions = among.filter((it) => it !== space && spaceOf(it) === space).length || 1
    const place = await JetStreamPlace.open(this.#nats, {
      ...{ stream: streams[kind](logName), subject: subjects[kind](logName), replicas },
      ...{ maxBytes: streamShare(bytesMax, partitions), sizedBy: variable, name: 'recover' },
      ...(partitions === 1
        ? {}
        : { division: { partitions, subjects: subjects.log(`${space}.*`) } }),
    })
    this.#places.push(place)
    return place
  }
}

/** The files of an embedded grid that does not run: its folder belongs to one process at a time. */
class EmbeddedFiles implements RecoveryGrid {
  readonly kind = 'embedded'
  readonly logNames: readonly LogName[]
  readonly names: RecoveryNames
  readonly #environment: EmbeddedEnvironment
  readonly #clock = new SystemClock()
  readonly #random = new SystemRandom()
  readonly #store: EmbeddedStore
  readonly #places: LogPlace[] = []

  /** @throws GridError `configuration_invalid` when the grid runs */
  constructor(environment: Environment) {
    const { DATA_DIR: folder } = environment
    this.names = {
      store: join(folder, 'store.mdb'),
      log: (logName) => join(folder, `${logName}-log.mdb`),
    }
    this.#environment = new EmbeddedEnvironment(folder)
    this.#store = new EmbeddedStore(this.#environment, 'store', this.#clock)
    this.logNames = logsOfEmbedded(environment, this.#store.logNames())
  }

  async portsOf(logName: LogName): Promise<RecoveryPorts> {
    return {
      log: this.#place(`${logName}-log`),
      changes: this.#place(`${logName}-changes`),
      store: this.#store,
      clock: this.#clock,
      random: this.#random,
    }
  }

  async close(): Promise<void> {
    await Promise.all(this.#places.map((place) => place.close()))
    await this.#store.close()
    await this.#environment.close()
  }

  #place(name: string): LogPlace {
    const place = new EmbeddedPlace(this.#environment, name, this.#clock)
    this.#places.push(place)
    return place
  }
}
