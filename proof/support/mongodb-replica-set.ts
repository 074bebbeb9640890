import { join } from 'node:path'
import { MongoClient } from 'mongodb'
import { findFreePort } from 'spacegrid/servers/free-port'
import { LocalServer } from 'spacegrid/servers/local-server'
import { mongodKind } from 'spacegrid/servers/mongod'
import { temporaryFolder } from './temporary-folder.ts'
import { waitFor } from './wait-for.ts'

const name = 'rs0'

/**
 * Three mongods as one replica set, so that there is somebody to step down for. They end with this
 * process.
 */
export class MongodbReplicaSet implements AsyncDisposable {
  readonly url: string
  readonly members: readonly LocalServer[]

  private constructor(members: readonly LocalServer[]) {
    this.members = members
    this.url = `mongodb://${members.map(({ port }) => `127.0.0.1:${port}`).join(',')}/?replicaSet=${name}`
  }

  static async start(): Promise<MongodbReplicaSet> {
    const folder = await temporaryFolder('mongodb-set')
    // One member alone would make itself a set of one as soon as it is asked whether it serves.
    const kind = {
      ...mongodKind(),
      isServing: async (port: number) => (await hello(port)) !== undefined,
    }
    const members = await Promise.all(
      [1, 2, 3].map(async (number) =>
        LocalServer.start(kind, {
          folder: join(folder, `member-${number}`),
          port: await findFreePort(),
          endsWithThisProcess: true,
        }),
      ),
    )
    const set = new MongodbReplicaSet(members)
    await set.#initiate()
    await set.primary()
    return set
  }

  /** The member that is primary now; waits for one. */
  async primary(): Promise<LocalServer> {
    return await waitFor(
      async () => {
        for (const member of this.members)
          if ((await hello(member.port).catch(() => undefined))?.isWritablePrimary) return member
        return undefined
      },
      { what: 'a primary', timeoutMs: 30_000 },
    )
  }

  /** Makes another member the primary, in good order. */
  async stepDown(): Promise<void> {
    const { port } = await this.primary()
    await command(port, { replSetStepDown: 20, secondaryCatchUpPeriodSecs: 10 })
  }

  /** In good order a primary would first wait for a quarter of a minute for its clients to go. */
  async stop(): Promise<void> {
    await Promise.all(this.members.map((member) => member.kill()))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }

  async #initiate(): Promise<void> {
    const [first] = this.members
    const members = this.members.map(({ port }, _id) => ({ _id, host: `127.0.0.1:${port}` }))
    // A dead primary is noticed sooner than after ten seconds.
    const settings = { electionTimeoutMillis: 2000, heartbeatIntervalMillis: 500 }
    await command(first?.port ?? 0, { replSetInitiate: { _id: name, members, settings } })
  }
}

const hello = (port: number) => command(port, { hello: 1 })

async function command(port: number, document: Record<string, unknown>) {
  const client = new MongoClient(`mongodb://127.0.0.1:${port}/`, {
    directConnection: true,
    serverSelectionTimeoutMS: 1000,
  })
  try {
    return await client.db('admin').command(document)
  } finally {
    await client.close()
  }
}
