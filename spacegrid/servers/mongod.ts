import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { type Document, MongoClient, MongoServerError } from 'mongodb'
import { LocalServer, type StartOptions } from './local-server.ts'
import type { ServerKind } from './server-kind.ts'

const replicaSet = 'rs0'

// MongoDB's error codes.
const codeNotYetInitialized = 94
const codeInvalidReplicaSetConfig = 93
const codeAlreadyInitialized = 23

/** mongod as a replica set of one member: transactions and change streams need a replica set. */
export function startMongod(start: StartOptions): Promise<LocalServer> {
  return LocalServer.start(mongodKind(), start)
}

export function mongodKind(): ServerKind {
  return {
    name: 'mongodb',
    customaryPort: 27017,
    url: (port) => `mongodb://127.0.0.1:${port}/?replicaSet=${replicaSet}`,
    async prepare(folder, port) {
      const data = join(folder, 'data')
      await mkdir(data, { recursive: true })
      return [
        ...['--dbpath', data, '--bind_ip', '127.0.0.1', '--port', String(port)],
        ...['--replSet', replicaSet, '--oplogSize', '512', '--wiredTigerCacheSizeGB', '1'],
        ...['--nounixsocket', '--quiet'],
      ]
    },
    isServing: becomePrimary,
  }
}

/**
 * One step towards a primary on this port, to be called until it gives true. Safe to repeat: a new
 * data folder gets its replica set, one that was used on another port gets its member's new
 * address, any other is left as it is.
 */
async function becomePrimary(port: number): Promise<boolean> {
  const client = new MongoClient(`mongodb://127.0.0.1:${port}/`, {
    directConnection: true,
    serverSelectionTimeoutMS: 2000,
  })
  try {
    const admin = client.db('admin')
    const hello = await admin.command({ hello: 1 })
    if (hello.isWritablePrimary === true) return true
    const host = `127.0.0.1:${port}`
    const config = await replicaSetConfig(client)
    if (config === undefined) {
      await admin.command({
        replSetInitiate: { _id: replicaSet, members: [{ _id: 0, host }] },
      })
    } else if (config.members[0].host !== host) {
      // The only member does not find itself in its own set, so no majority can agree: force is the
      // only way.
      const moved = {
        ...config,
        version: config.version + 1,
        members: [{ ...config.members[0], host }],
      }
      await admin.command({ replSetReconfig: moved, force: true })
    }
    return false
  } catch (error) {
    if (error instanceof MongoServerError && error.code === codeAlreadyInitialized) return false
    throw error
  } finally {
    await client.close()
  }
}

async function replicaSetConfig(client: MongoClient): Promise<Document | undefined> {
  try {
    return (await client.db('admin').command({ replSetGetConfig: 1 })).config
  } catch (error) {
    if (error instanceof MongoServerError && error.code === codeNotYetInitialized) return undefined
    if (error instanceof MongoServerError && error.code === codeInvalidReplicaSetConfig) {
      return (await client.db('local').collection('system.replset').findOne({})) ?? undefined
    }
    throw error
  }
}
