import { join } from 'node:path'
import { connect, type JetStreamManager } from 'nats'
import { findFreePort } from 'spacegrid/servers/free-port'
import type { LocalServer } from 'spacegrid/servers/local-server'
import { startNatsServer } from 'spacegrid/servers/nats-server'
import { temporaryFolder } from './temporary-folder.ts'
import { waitFor } from './wait-for.ts'

const size = 3
const requestMs = 2000

/** Three nats-servers as one cluster, for streams of three replicas. They end with this process. */
export class NatsCluster implements AsyncDisposable {
  readonly url: string
  readonly #members: ReadonlyMap<string, LocalServer>

  private constructor(members: ReadonlyMap<string, LocalServer>) {
    this.#members = members
    this.url = [...members.values()].map(({ url }) => url).join(',')
  }

  static async start(): Promise<NatsCluster> {
    const folder = await temporaryFolder('nats-cluster')
    const routes: number[] = []
    while (routes.length < size) routes.push(await findFreePort())
    const members = await Promise.all(
      routes.map(async (port, at): Promise<[string, LocalServer]> => {
        const serverName = `member-${at + 1}`
        const server = await startNatsServer(
          { folder: join(folder, serverName), endsWithThisProcess: true },
          { cluster: { serverName, port, routes } },
        )
        return [serverName, server]
      }),
    )
    const cluster = new NatsCluster(new Map(members))
    await cluster.#untilMeeting()
    return cluster
  }

  get members(): LocalServer[] {
    return [...this.#members.values()]
  }

  /** Where the stream's leader is; waits for one. */
  async leaderOf(stream: string): Promise<LocalServer> {
    return await waitFor(
      async () => {
        const leader = await this.#ask(
          async (manager) => (await manager.streams.info(stream)).cluster?.leader,
        )
        return this.#members.get(leader ?? '')
      },
      { what: `a leader of ${stream}`, timeoutMs: 30_000 },
    )
  }

  /** Another member becomes the stream's leader, in good order. */
  async stepDown(stream: string): Promise<void> {
    const connection = await connect({ servers: this.#servers, timeout: requestMs })
    try {
      await connection.request(`$JS.API.STREAM.LEADER.STEPDOWN.${stream}`, '', {
        timeout: requestMs,
      })
    } finally {
      await connection.close()
    }
  }

  /** Until it is that member. */
  async leadBy(stream: string, member: LocalServer): Promise<void> {
    await waitFor(
      async () => {
        if ((await this.leaderOf(stream)) === member) return true
        await this.stepDown(stream).catch(() => undefined)
        return false
      },
      { what: `${stream} to be led by another member`, timeoutMs: 60_000 },
    )
  }

  /** Resolves once every replica of the stream is there and up to date. */
  async untilCurrent(stream: string): Promise<void> {
    await waitFor(
      async () => {
        const cluster = await this.#ask(
          async (manager) => (await manager.streams.info(stream)).cluster,
        )
        return (
          cluster?.replicas?.length === size - 1 && cluster.replicas.every(({ current }) => current)
        )
      },
      { what: `all replicas of ${stream} to be current`, timeoutMs: 60_000 },
    )
  }

  async stop(): Promise<void> {
    await Promise.all(this.members.map((member) => member.stop()))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }

  get #servers(): string[] {
    return this.members.map(({ port }) => `127.0.0.1:${port}`)
  }

  /** JetStream answers once the members have found each other and have a leader. */
  async #untilMeeting(): Promise<void> {
    const answers = () => this.#ask((manager) => manager.getAccountInfo())
    await waitFor(answers, { what: 'JetStream of the cluster', timeoutMs: 30_000 })
  }

  async #ask<T>(question: (manager: JetStreamManager) => Promise<T>): Promise<T> {
    const connection = await connect({ servers: this.#servers, timeout: requestMs })
    try {
      return await question(await connection.jetstreamManager({ timeout: requestMs }))
    } finally {
      await connection.close()
    }
  }
}
