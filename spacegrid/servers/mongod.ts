import { readFileSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { type Document, MongoClient, MongoServerError } from 'mongodb'
import { keyFiles, mongodbUser } from '../keys/key-files.ts'
import { LocalServer, type StartOptions } from './local-server.ts'
import type { ServerKind } from './server-kind.ts'

const replicaSet = 'rs0'

// MongoDB's error codes.
const codeNotYetInitialized = 94
const codeInvalidReplicaSetConfig = 93
const codeAlreadyInitialized = 23
const codeAuthenticationFailed = 18

/** mongod as a replica set of one member: transactions and change streams need a replica set. */
export function startMongod(start: StartOptions, keys?: string): Promise<LocalServer> {
  return LocalServer.start(mongodKind(keys), start)
}

/** @param keys folder of `npx spacegrid keys`: TLS, and a password. Default none */
export function mongodKind(keys?: string): ServerKind {
  return {
    name: 'mongodb',
    customaryPort: 27017,
    url: (port) => {
      const url = `127.0.0.1:${port}/?replicaSet=${replicaSet}`
      return keys === undefined ? `mongodb://${url}` : closedMongoUrl(keys, url)
    },
    async prepare(folder, port) {
      const data = join(folder, 'data')
      await mkdir(data, { recursive: true })
      return [
        ...['--dbpath', data, '--bind_ip', '127.0.0.1', '--port', String(port)],
        ...['--replSet', replicaSet, '--oplogSize', '512', '--wiredTigerCacheSizeGB', '1'],
        ...['--nounixsocket', '--quiet'],
        ...(keys === undefined ? [] : closedArguments(keys)),
      ]
    },
    isServing: (port) => becomePrimary(port, keys),
  }
}

const closedArguments = (keys: string): string[] => [
  ...['--auth', '--keyFile', join(keys, keyFiles.mongodbSet)],
  ...['--tlsMode', 'requireTLS', '--tlsCAFile', join(keys, keyFiles.authority)],
  ...['--tlsCertificateKeyFile', join(keys, keyFiles.certificate('mongodb'))],
  '--tlsAllowConnectionsWithoutCertificates',
]

/**
 * How a role reaches a MongoDB that is closed: the URL names the files of its password and of who
 * has signed the server's certificate, and holds no secret.
 * @param address with the path and what stands behind it, such as `host:27017/?replicaSet=grid`
 */
export function closedMongoUrl(keys: string, address: string): string {
  const files = new URLSearchParams({
    ...{ authSource: 'admin', tls: 'true' },
    tlsCAFile: join(keys, keyFiles.authority),
    passwordFile: join(keys, keyFiles.mongodbPassword),
  })
  return `mongodb://${mongodbUser}@${address}&${files.toString().replaceAll('+', '%20')}`
}

/**
 * One step towards a primary on this port, to be called until it gives true. Safe to repeat: a new
 * data folder gets its replica set, one that was used on another port gets its member's new
 * address, any other is left as it is.
 */
async function becomePrimary(port: number, keys?: string): Promise<boolean> {
  const client = clientOf(port, keys, true)
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
    if (!(error instanceof MongoServerError)) throw error
    if (error.code === codeAlreadyInitialized) return false
    if (keys === undefined || error.code !== codeAuthenticationFailed) throw error
    await found(port, keys)
    return false
  } finally {
    await client.close()
  }
}

/**
 * Where MongoDB has no user yet, whoever works on the machine may found the set, and make the first
 * one: one step of it.
 */
async function found(port: number, keys: string): Promise<void> {
  const client = clientOf(port, keys, false)
  const host = `127.0.0.1:${port}`
  try {
    const admin = client.db('admin')
    const hello = await admin.command({ hello: 1 })
    if (hello.isWritablePrimary === true) await createUser(client, keys)
    else await admin.command({ replSetInitiate: { _id: replicaSet, members: [{ _id: 0, host }] } })
  } catch (error) {
    if (!(error instanceof MongoServerError) || error.code !== codeAlreadyInitialized) throw error
  } finally {
    await client.close()
  }
}

function clientOf(port: number, keys: string | undefined, asUser: boolean): MongoClient {
  const password = keys && readFileSync(join(keys, keyFiles.mongodbPassword), 'utf8').trim()
  return new MongoClient(`mongodb://127.0.0.1:${port}/`, {
    directConnection: true,
    serverSelectionTimeoutMS: 2000,
    ...(keys === undefined ? {} : { tls: true, tlsCAFile: join(keys, keyFiles.authority) }),
    ...(asUser && password ? { auth: { username: mongodbUser, password } } : {}),
  })
}

/** It may do what the grid does, and move the member, which a local server needs. */
async function createUser(client: MongoClient, keys: string): Promise<void> {
  const pwd = readFileSync(join(keys, keyFiles.mongodbPassword), 'utf8').trim()
  const roles = ['root']
  await client.db('admin').command({ createUser: mongodbUser, pwd, roles })
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
