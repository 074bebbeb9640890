import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { leaks, operatorsCredential, violations } from '@spacegrid/proof/support/closed-grid'
import { everythingSeenOf } from '@spacegrid/proof/support/failing-programs'
import { PatientClient } from '@spacegrid/proof/support/patient-client'
import { repositoryApplication } from '@spacegrid/proof/support/repository-application'
import { spacegridCommand } from '@spacegrid/proof/support/spacegrid-command'
import { temporaryFolder } from '@spacegrid/proof/support/temporary-folder'
import { Redis } from 'ioredis'
import { MongoClient } from 'mongodb'
import { connect } from 'nats'
import { ProcessCluster } from 'spacegrid/cluster/process-cluster'
import { findFreePort } from 'spacegrid/servers/free-port'
import { afterAll, beforeAll, expect, test } from 'vitest'

const giveUpMs = 60_000

let folder: string
let cluster: ProcessCluster
let client: PatientClient
let credential: string

beforeAll(async () => {
  folder = await temporaryFolder('secure')
  cluster = await ProcessCluster.start({
    ...{ units: 2, queryUnits: 1, secure: true, console: true },
    application: repositoryApplication('ticketing'),
    dataDirectory: folder,
    port: await findFreePort(),
    serverPorts: 'free',
    environment: { PAST_MS: '600000' },
  })
  credential = await operatorsCredential(folder)
  client = new PatientClient(cluster.urls.http, { credential })
})

afterAll(async () => {
  await client?.close()
  await cluster?.stop()
})

const portOf = (name: string) => cluster.processes.find((it) => it.name === name)?.port ?? 0

/** @returns where the hold stands in the log */
async function sell(eventId: string): Promise<number> {
  const sections = [{ section: 'A', rows: 2, seatsPerRow: 5, price: 1 }]
  const event = { eventId, name: eventId, startsAt: Date.now() + 86_400_000, sections }
  const done = await client.persist('ticketing', 'createEvent', event, giveUpMs)
  expect(done?.status).toBe(200)
  const asked = { eventId, section: 'A', quantity: 2, customerId: 'one' }
  const held = await client.persist('ticketing', 'holdBestAvailable', asked, giveUpMs)
  expect(held?.status).toBe(200)
  return held?.body.position as number
}

async function get(url: string, headers: Record<string, string> = {}): Promise<number> {
  const response = await fetch(url, { headers: { authorization: credential, ...headers } })
  await response.arrayBuffer()
  return response.status
}

test('a closed grid does all that it does, after kills too, and NATS refuses it nothing', {
  timeout: 300_000,
}, async () => {
  const position = await sell('first')
  for (const name of ['ticketing-1', 'data-pump', 'data-writer', 'data-reader', 'query-unit-1']) {
    const component = cluster.components.find(({ settings }) => settings.name === name)
    if (!component) throw new Error(`there is no ${name}`)
    component.kill('SIGKILL')
    await component.gone
    await cluster.restart(component)
  }
  await sell('second')
  const { queries = '' } = cluster.urls
  for (const url of [cluster.urls.http, queries]) {
    const ask = (name: string, headers = {}) => get(`${url}/ticketing/queries/${name}`, headers)
    expect(await ask('availability?eventId=second')).toBe(200)
    expect(await ask('availability?eventId=second', { 'Grid-Consistency': 'latest' })).toBe(200)
    expect(await ask('availability?eventId=first', { 'Grid-Position': `=${position}` })).toBe(200)
    expect(await get(`${url}/ticketing/archive/events/first`)).toBe(200)
  }
  // A query unit passes it on.
  const passed = await fetch(`${queries}/ticketing/commands/releaseHold`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: credential },
    body: JSON.stringify({ holdId: 'none' }),
  })
  expect(passed.status).toBe(409)
  const { code, output, errors } = await spacegridCommand(['audit'], {
    environment: { DATA_DIR: folder },
  })
  expect([code, errors]).toEqual([0, ''])
  expect(output).toContain('ticketing: all equal')
  expect(await violations(folder)).toEqual([])
})

test('no key, password or token is in a log, a command line, an environment or a file of ours', async () => {
  const pids = cluster.processes.map(({ pid }) => pid)
  expect(pids.length).toBeGreaterThan(8)
  expect(await leaks(folder, pids)).toEqual([])
})

test('nobody comes in without a key or a password, whatever is asked', async () => {
  const { nats, mongodb, redis, http, queries = '' } = cluster.urls
  const unit = cluster.units[0]?.settings.adminPort
  for (const authorization of ['', 'Bearer guess', 'Api-Key guess', `${credential}x`]) {
    for (const url of [http, queries])
      for (const asked of ['queries/order?orderId=1', 'caches/seats/1', 'events'])
        expect(await get(`${url}/ticketing/${asked}`, { authorization }), asked).toBe(401)
    for (const asked of ['status', 'metrics'])
      expect(await get(`http://127.0.0.1:${unit}/${asked}`, { authorization })).toBe(401)
  }
  const port = { nats: portOf('nats'), mongodb: portOf('mongodb'), redis: portOf('redis') }
  for (const options of [{}, { user: 'unit', pass: 'guess' }, { token: 'guess' }])
    await expect(
      connect({
        ...{ port: port.nats, timeout: 3000, reconnect: false },
        ...{ ...options, tls: { rejectUnauthorized: false } as object },
      }),
    ).rejects.toThrow(/authorization violation/i)
  for (const auth of [undefined, { username: 'spacegrid', password: 'guess' }]) {
    const stranger = new MongoClient(`mongodb://127.0.0.1:${port.mongodb}/`, {
      ...{ directConnection: true, serverSelectionTimeoutMS: 3000 },
      ...{ tls: true, tlsAllowInvalidCertificates: true, ...(auth ? { auth } : {}) },
    })
    await expect(
      stranger.db('spacegrid').collection('ticketing.seats').findOne({}),
    ).rejects.toThrow(/authentication/i)
    await stranger.close()
  }
  for (const password of [undefined, 'guess']) {
    const stranger = new Redis({
      ...{ host: '127.0.0.1', port: port.redis, lazyConnect: true, retryStrategy: () => null },
      ...{ tls: { rejectUnauthorized: false }, ...(password ? { password } : {}) },
    })
    stranger.on('error', () => undefined)
    await expect(stranger.connect().then(() => stranger.dbsize())).rejects.toThrow()
    stranger.disconnect()
  }
  // And the addresses that are told hold no more than names of files.
  expect([nats, mongodb, redis].join()).not.toMatch(/:[^/@]+@/)
})

test('what fails for its password, its host or a certificate says nothing of a secret', {
  timeout: 300_000,
}, async () => {
  const { nats, mongodb, redis } = cluster.urls
  const secrets = await temporaryFolder('markers')
  const space = repositoryApplication('ticketing').files[0] ?? ''
  const marked = (name: string) => `MARKER-${name}-of-nobody-else-0123456789`
  const inFile = async (name: string, text: string) => {
    const path = join(secrets, name)
    await writeFile(path, text)
    return path
  }
  const mongodbOf = (host: string, query: string) =>
    `mongodb://spacegrid:${marked('mongodb')}@${host}/?${query}`
  const mongodbQuery = `authSource=admin&tls=true&tlsCAFile=${join(folder, 'keys/ca.pem')}`
  const redisOf = (host: string, query: string) => `rediss://:${marked('redis')}@${host}${query}`
  const redisQuery = `?tlsCAFile=${join(folder, 'keys/ca.pem')}`
  const secret = {
    ...{ SPACES: 'ticketing', STREAMS: 'await', HOST: '127.0.0.1', DATA_DIR: secrets },
    ...{ ADMIN_TOKEN: marked('admin'), CONSOLE_TOKEN: marked('console') },
    ...{ WAITING_ROOM: 'ticketing/concert', WAITING_ROOM_KEY: marked('room') },
  }
  const own = (role: string, more: Record<string, string>) => ({
    ...{ ...secret, NATS_URL: nats.replace('operator.nk', `${role}.nk`) },
    ...{ MONGODB_URL: mongodb, REDIS_URL: redis, ...more },
  })
  const port = { mongodb: portOf('mongodb'), redis: portOf('redis'), nats: portOf('nats') }
  const audit = (more: Record<string, string>) => own('operator', more)
  type Failing = [words: string[], environment: Record<string, string>, until: RegExp]
  const wrong: Record<string, Failing> = {
    'password of MongoDB': [
      ['data-writer'],
      own('data-writer', { MONGODB_URL: mongodbOf(`127.0.0.1:${port.mongodb}`, mongodbQuery) }),
      /authentication failed/i,
    ],
    'host of MongoDB, in a file': [
      ['data-reader'],
      own('data-reader', {
        MONGODB_URL: '',
        MONGODB_URL_FILE: await inFile('mongodb', mongodbOf('127.0.0.1:1', mongodbQuery)),
      }),
      /ECONNREFUSED/,
    ],
    'authority of MongoDB': [
      ['audit'],
      audit({ MONGODB_URL: mongodbOf(`127.0.0.1:${port.mongodb}`, 'tls=true') }),
      /certificate/,
    ],
    'URL of MongoDB': [
      ['data-writer'],
      own('data-writer', { MONGODB_URL: `mongodb://u:${marked('mongodb')}@127.0.0.1/?nonsense=1` }),
      /Not a MongoDB URL/,
    ],
    'password of Redis': [
      ['audit'],
      audit({ REDIS_URL: redisOf(`127.0.0.1:${port.redis}`, redisQuery) }),
      /WRONGPASS/,
    ],
    'host of Redis': [['audit'], audit({ REDIS_URL: redisOf('127.0.0.1:1', '') }), /ECONNREFUSED/],
    'authority of Redis': [
      ['audit'],
      audit({ REDIS_URL: redisOf(`127.0.0.1:${port.redis}`, '') }),
      /certificate/,
    ],
    'password of NATS': [
      ['unit', space],
      own('unit', {
        NATS_URL: `tls://unit:${marked('nats')}@127.0.0.1:${port.nats}${redisQuery}`,
      }),
      /NATS refuses the credentials/,
    ],
    'authority of NATS': [
      ['unit', space],
      own('unit', { NATS_URL: `tls://${marked('nats')}@127.0.0.1:${port.nats}` }),
      /no trust between us and NATS/,
    ],
    'host of NATS, in a file': [
      ['console'],
      own('console', {
        NATS_URL: '',
        NATS_URL_FILE: await inFile('nats', `tls://u:${marked('nats')}@127.0.0.1:1`),
      }),
      /NATS does not answer/,
    ],
    'key of NATS': [
      ['unit', space],
      own('unit', {
        NATS_URL: `tls://127.0.0.1:${port.nats}?nkeyFile=${await inFile('nk', marked('nkey'))}`,
      }),
      /holds no seed/,
    ],
    tokens: [
      ['console'],
      own('console', { ADMIN_TOKEN: `${marked('admin')} \u00e9`, CONSOLE_TOKEN: 'MARKER' }),
      /ADMIN_TOKEN=\*\*\*/,
    ],
  }
  const run = async ([what, [words, environment, until]]: [string, Failing]) => ({
    ...{ what, until },
    told: await everythingSeenOf({ what, words, environment, until, token: marked('admin') }),
  })
  const isAudit = ([, [words]]: [string, Failing]) => words[0] === 'audit'
  const all = Object.entries(wrong)
  const seen = await Promise.all(all.filter((one) => !isAudit(one)).map(run))
  // A unit gives one snapshot at a time.
  for (const one of all.filter(isAudit)) seen.push(await run(one))
  for (const { what, told, until } of seen) {
    expect.soft(told.output, what).toMatch(until)
    for (const [where, text] of Object.entries(told))
      expect.soft(text, `${what}: ${where}`).not.toContain('MARKER')
  }
})
