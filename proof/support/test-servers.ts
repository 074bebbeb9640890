import type { LocalServer, StartOptions } from 'spacegrid/servers/local-server'
import { startMongod as startLocalMongod } from 'spacegrid/servers/mongod'
import { type NatsServerOptions, startNatsServer } from 'spacegrid/servers/nats-server'
import { startRedisServer } from 'spacegrid/servers/redis-server'
import { temporaryFolder } from './temporary-folder.ts'

export interface TestServerOptions {
  /**
   * The server's folder; a new temporary one by default. Two servers, one after the other, may
   * share one.
   */
  folder?: string
  /** 0 (default) for a free port. */
  port?: number
}

/*
 * Servers of a test's own, to be killed, paused and restarted. They keep port and data over
 * `restart()`, and end with the process that runs the test; a test that wants them gone earlier
 * says `await using nats = await startNats()`. Tests that only need a server take the shared one
 * instead: `inject('natsUrl')`.
 */

export async function startNats(
  options: TestServerOptions & NatsServerOptions = {},
): Promise<LocalServer> {
  return await startNatsServer(await startOptions('nats', options), options)
}

/** A replica set of one member: transactions and change streams work. */
export async function startMongod(options: TestServerOptions = {}): Promise<LocalServer> {
  return await startLocalMongod(await startOptions('mongodb', options))
}

export async function startRedis(options: TestServerOptions = {}): Promise<LocalServer> {
  return await startRedisServer(await startOptions('redis', options))
}

async function startOptions(name: string, options: TestServerOptions): Promise<StartOptions> {
  const { folder = await temporaryFolder(name), port = 0 } = options
  const say = (line: string) => process.stderr.write(`${line}\n`)
  return { folder, port, say, endsWithThisProcess: true }
}
