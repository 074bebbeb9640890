import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { MongoClient } from 'mongodb'
import { LocalServer, type StartOptions } from 'spacegrid/servers/local-server'
import { mongodKind } from 'spacegrid/servers/mongod'

/** mongod without a replica set: no oplog to write, which is MongoDB at its quickest. */
export function startStandaloneMongod(options: StartOptions): Promise<LocalServer> {
  return LocalServer.start(
    {
      ...mongodKind(),
      url: (port) => `mongodb://127.0.0.1:${port}/`,
      async prepare(folder, port) {
        const data = join(folder, 'data')
        await mkdir(data, { recursive: true })
        return [
          ...['--dbpath', data, '--bind_ip', '127.0.0.1', '--port', String(port)],
          ...['--wiredTigerCacheSizeGB', '1', '--nounixsocket', '--quiet'],
        ]
      },
      async isServing(port) {
        const client = new MongoClient(`mongodb://127.0.0.1:${port}/`, {
          directConnection: true,
          serverSelectionTimeoutMS: 2000,
        })
        try {
          return (await client.db('admin').command({ ping: 1 })).ok === 1
        } finally {
          await client.close()
        }
      },
    },
    options,
  )
}
