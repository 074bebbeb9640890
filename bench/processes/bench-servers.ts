import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { useOf } from '@spacegrid/proof/simulator/process-use'
import type { LocalServer } from 'spacegrid/servers/local-server'
import { startMongod } from 'spacegrid/servers/mongod'
import { startNatsServer } from 'spacegrid/servers/nats-server'
import { removeWithThisProcess } from 'spacegrid/servers/reaper'
import { startRedisServer } from 'spacegrid/servers/redis-server'
import { startHazelcast } from '../peers/hazelcast-server.ts'
import { startStandaloneMongod } from '../peers/standalone-mongod.ts'

/** Anything that runs beside this process and is asked for by its URL. */
interface Server {
  readonly url: string
  readonly pid: number
  stop(): Promise<void>
}

type Starter = (folder: string, say: (line: string) => void) => Promise<Server>

const local =
  (start: (options: Parameters<typeof startMongod>[0]) => Promise<LocalServer>): Starter =>
  (folder, say) =>
    start({ folder, say, endsWithThisProcess: true })

const starters = {
  /** As shipped: synced before every acknowledgement. */
  nats: local((options) => startNatsServer(options)),
  /** As NATS has it by default: synced every two minutes. */
  natsDefaultSync: local((options) => startNatsServer(options, { syncInterval: '2m' })),
  /** Keeps nothing on disk. */
  redis: local(startRedisServer),
  /** A replica set of one member, as the data writer needs it. */
  mongodb: local(startMongod),
  /** Without a replica set: MongoDB at its quickest. */
  mongodbStandalone: local(startStandaloneMongod),
  hazelcast: startHazelcast,
} satisfies Record<string, Starter>

export type BenchServerName = keyof typeof starters

/**
 * The servers of one run, started when they are first asked for, on free ports and in a folder of
 * their own, which goes with them. They end with this process, however it ends.
 */
export class BenchServers implements AsyncDisposable {
  readonly #folder: string
  readonly #say: (line: string) => void
  readonly #running = new Map<BenchServerName, Promise<Server>>()

  /** @param say told about downloads */
  static async open(say: (line: string) => void): Promise<BenchServers> {
    const folder = await mkdtemp(join(tmpdir(), 'spacegrid-bench-'))
    removeWithThisProcess(folder)
    return new BenchServers(folder, say)
  }

  private constructor(folder: string, say: (line: string) => void) {
    this.#folder = folder
    this.#say = say
  }

  /** Those that were asked for, whether they could be had or not. */
  get started(): readonly BenchServerName[] {
    return [...this.#running.keys()]
  }

  /** @throws Error saying why, the same one each time, when it cannot be had here */
  async url(name: BenchServerName): Promise<string> {
    let server = this.#running.get(name)
    if (!server) {
      server = starters[name](join(this.#folder, name), this.#say)
      this.#running.set(name, server)
    }
    return (await server).url
  }

  /** Processor time that a server has had so far, ms; NaN where the system does not say. */
  async cpuMs(name: BenchServerName): Promise<number> {
    const server = await this.#running.get(name)
    return server ? (useOf(server.pid)?.cpuMs ?? Number.NaN) : Number.NaN
  }

  /** A new folder below that of the servers, on the same disk. */
  folder(): Promise<string> {
    return mkdtemp(join(this.#folder, 'data-'))
  }

  async stop(): Promise<void> {
    // What could not be started was told when it was asked for.
    await Promise.allSettled(
      [...this.#running.values()].map(async (server) => (await server).stop()),
    )
    await rm(this.#folder, { recursive: true, force: true })
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }
}
