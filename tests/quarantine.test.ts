import { execFile } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { PatientClient } from '@spacegrid/proof/support/patient-client'
import { repositoryApplication } from '@spacegrid/proof/support/repository-application'
import { auditStore, unitStatus } from '@spacegrid/proof/support/store-audit'
import { temporaryFolder } from '@spacegrid/proof/support/temporary-folder'
import { waitFor } from '@spacegrid/proof/support/wait-for'
import { Redis } from 'ioredis'
import { MongoClient } from 'mongodb'
import type { ComponentProcess } from 'spacegrid/cluster/component-process'
import { ProcessCluster } from 'spacegrid/cluster/process-cluster'
import { spacegridProgram } from 'spacegrid/own-program'
import { findFreePort } from 'spacegrid/servers/free-port'
import { afterAll, beforeAll, expect, test } from 'vitest'

let cluster: ProcessCluster
let folder: string
let client: PatientClient
let mongodb: MongoClient
let bought = 0
/** Orders that the rule below forbids. */
const forbidden: string[] = []

beforeAll(async () => {
  folder = await temporaryFolder('quarantine')
  cluster = await ProcessCluster.start({
    units: 2,
    application: repositoryApplication('ticketing'),
    dataDirectory: folder,
    port: await findFreePort(),
    serverPorts: 'free',
  })
  client = new PatientClient(cluster.urls.http)
  mongodb = await MongoClient.connect(cluster.urls.mongodb)
  await command('createEvent', {
    eventId: 'e1',
    name: 'On sale',
    startsAt: Date.now() + 86_400_000,
    sections: [{ section: 'A', rows: 100, seatsPerRow: 100, price: 4500 }],
  })
}, 120_000)

afterAll(async () => {
  await mongodb?.close()
  await client?.close()
  await cluster?.stop()
})

const orders = () => mongodb.db('spacegrid').collection<{ _id: string }>('ticketing.orders')

async function command(name: string, input: unknown) {
  const answer = await client.persist('ticketing', name, input, 20_000)
  expect(answer?.status).toBe(200)
  return { ...answer?.body.result, position: answer?.body.position ?? 0 }
}

/** Returns the order and the log position at which it was committed. */
async function buy(paymentReference: string): Promise<{ orderId: string; position: number }> {
  const hold = { eventId: 'e1', section: 'A', quantity: 1, customerId: `c${++bought}` }
  const { holdId } = (await command('holdBestAvailable', hold)) as unknown as { holdId: string }
  const order = await command('confirmHold', { holdId, paymentReference })
  return order as unknown as { orderId: string; position: number }
}

async function buyForbidden(): Promise<string> {
  const { orderId } = await buy('cash')
  forbidden.push(orderId)
  return orderId
}

/** Everything up to the position is in MongoDB, or in quarantine. */
async function persisted(position: number): Promise<void> {
  const checkpoints = mongodb
    .db('spacegrid')
    .collection<{ _id: string; position: number }>('grid.checkpoints')
  const stored = async () => (await checkpoints.findOne({ _id: 'ticketing' }))?.position ?? 0
  await waitFor(async () => (await stored()) >= position, {
    what: `MongoDB to be at ${position}`,
    timeoutMs: 30_000,
  })
}

const component = (role: string): ComponentProcess => {
  const found = cluster.components.find(({ settings }) => settings.role === role)
  if (!found) throw new Error(`there is no ${role}`)
  return found
}

const ask = async (role: string, path: string) =>
  await (await fetch(`http://127.0.0.1:${component(role).settings.adminPort}${path}`)).text()

interface Outcome {
  readonly code: number
  readonly output: string
  readonly errors: string
}

/** A command as an operator gives it. */
function operate(command: string, ...options: string[]): Promise<Outcome> {
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [spacegridProgram, command, ...options],
      { env: { ...process.env, NATS_URL: '', MONGODB_URL: '', DATA_DIR: folder } },
      (error, output, errors) => resolve({ code: error ? Number(error.code) : 0, output, errors }),
    )
  })
}

const quarantine = (...options: string[]) => operate('quarantine', ...options)

async function quarantinedKeys(): Promise<string[]> {
  const { entries } = JSON.parse((await quarantine('list', '--json')).output) as {
    entries: { key: string }[]
  }
  return entries.map(({ key }) => key).sort()
}

/** Every unit, pump, warm image and the store, quarantine included, entry by entry. */
async function expectAllEqual(): Promise<void> {
  const { code, output, errors } = await operate('audit', '--space', 'ticketing')
  expect(`${errors}${output}`).toMatch(/ticketing: all equal/)
  expect(code).toBe(0)
}

// architecture.md, invariant 6
test('what a rule of the database forbids is kept aside, while everything else is stored', async () => {
  expect((await quarantine('list')).output).toBe(
    'Nothing is in quarantine (looked in ticketing).\n',
  )
  await persisted((await buy('card 0')).position)
  const validator = { $jsonSchema: { properties: { paymentReference: { pattern: '^card' } } } }
  await mongodb.db('spacegrid').command({ collMod: 'ticketing.orders', validator })
  await buyForbidden()
  const allowed = await buy('card 1')
  await persisted(allowed.position)
  expect(await orders().findOne({ _id: allowed.orderId })).toMatchObject({ customerId: 'c3' })
  expect(await orders().findOne({ _id: forbidden[0] as string })).toBeNull()
  expect(await quarantinedKeys()).toEqual(forbidden)

  const { output } = await quarantine('list')
  expect(output).toMatch(/^SPACE +CACHE +KEY/)
  expect(output).toMatch(/^ticketing +orders +"\w+".* 121 +Document failed validation/m)
  const shown = await quarantine('show', 'orders', forbidden[0] as string)
  expect(shown.output).toMatch(/paymentReference/)
  expect(shown.output).toMatch(/"paymentReference": "cash"/)
})

test('and its writer tells of it, and goes on after a kill', async () => {
  const writer = component('data-writer')
  await waitFor(async () => /"quarantined":1\b/.test(await ask('data-writer', '/status')), {
    what: 'the status to tell of it',
  })
  expect(await ask('data-writer', '/metrics')).toMatch(/^spacegrid_quarantined_entries\{.*\} 1$/m)
  expect(await readFile(writer.settings.logFile, 'utf8')).toMatch(
    /the store refuses orders .*npx spacegrid quarantine show orders/,
  )
  writer.kill('SIGKILL')
  await writer.gone
  await buyForbidden()
  const { position } = await buy('card 2')
  await cluster.restart(writer)
  await persisted(position)
  // Killed again, in the middle of work.
  const busy = component('data-writer')
  const sales = Array.from({ length: 20 }, (_, n) => (n % 4 === 0 ? buyForbidden() : buy('card')))
  await sales[0]
  busy.kill('SIGKILL')
  await Promise.all(sales)
  await busy.gone
  await cluster.restart(busy)
  await persisted((await buy('card 3')).position)
  expect(await quarantinedKeys()).toEqual(forbidden.toSorted())
  expect(JSON.parse(await ask('data-writer', '/status'))).toMatchObject({ ready: true })
})

// architecture.md, invariants 8 and 9
test('units that start from MongoDB have the exact space, what is in quarantine included', async () => {
  await expectAllEqual()
  const before = await unitStatus(cluster.units[0]?.settings.adminPort ?? 0, 'ticketing')
  const fallen = [...cluster.units, component('data-pump')]
  for (const process of fallen) process.kill('SIGKILL')
  await Promise.all(fallen.map(({ gone }) => gone))
  const redis = new Redis(cluster.urls.redis)
  await redis.flushall()
  redis.disconnect()
  // The pump last, so that there is no warm image to start from.
  for (const process of fallen) await cluster.restart(process)
  const after = await unitStatus(cluster.units[0]?.settings.adminPort ?? 0, 'ticketing')
  expect(after.entries).toBeGreaterThanOrEqual(before.entries)
  const log = await readFile(cluster.units[0]?.settings.logFile ?? '', 'utf8')
  expect(log).toMatch(/"source":"reader"|rehydrated from reader/)
  const key = forbidden[1] as string
  expect((await client.query('ticketing', 'order', { orderId: key })).body).toMatchObject({
    result: { paymentReference: 'cash' },
  })
  await expectAllEqual()
})

test('an operator corrects a value, which every unit and MongoDB get', async () => {
  const key = forbidden[0] as string
  const file = join(folder, 'value.json')
  expect(await quarantine('show', 'orders', key, '--output', file)).toMatchObject({ code: 0 })
  const value = JSON.parse(await readFile(file, 'utf8')) as Record<string, unknown>
  const fix = async (changes: Record<string, unknown>) => {
    await writeFile(file, JSON.stringify({ ...value, ...changes }))
    return await quarantine('fix', 'orders', key, '--file', file)
  }
  expect(await fix({ total: 'much' })).toMatchObject({
    code: 1,
    errors: expect.stringMatching(/cache orders: total/),
  })
  expect(await fix({ orderId: 'another' })).toMatchObject({ code: 1 })
  expect(await fix({ paymentReference: 'cheque' })).toMatchObject({
    code: 1,
    errors: expect.stringMatching(/MongoDB refuses this value too: Document failed validation/),
  })
  expect(await fix({ paymentReference: 'card 4' })).toMatchObject({
    code: 0,
    output: expect.stringMatching(/MongoDB has taken it/),
  })
  forbidden.shift()
  expect(await orders().findOne({ _id: key })).toMatchObject({ paymentReference: 'card 4' })
  expect(await quarantinedKeys()).toEqual(forbidden.toSorted())
  expect(await fix({})).toMatchObject({
    code: 1,
    errors: expect.stringMatching(/not in quarantine/),
  })
})

test('and when the rule is gone they are replayed, beside the writer', async () => {
  const [first = ''] = forbidden
  const refused = await quarantine('replay', 'orders', first)
  expect(refused).toMatchObject({ code: 1, errors: expect.stringMatching(/1 entry still refused/) })
  const sales = Array.from({ length: 20 }, () => buy('card'))
  await mongodb.db('spacegrid').command({ collMod: 'ticketing.orders', validator: {} })
  expect(await quarantine('replay', 'orders', first)).toMatchObject({
    code: 0,
    output: '1 entry stored and out of quarantine.\n',
  })
  expect(await quarantine('replay', '--all')).toMatchObject({
    code: 0,
    output: `${forbidden.length - 1} entries stored and out of quarantine.\n`,
  })
  expect(await quarantinedKeys()).toEqual([])
  await Promise.all(sales)
  await persisted((await buy('card 5')).position)
  // The documents themselves, without any quarantine, are the space at the checkpoint.
  const { digest, computedDigest, documents } = await auditStore(cluster.urls.mongodb, 'ticketing')
  expect(computedDigest).toBe(digest)
  expect(documents.get('orders')).toHaveLength(bought)
  await expectAllEqual()
})

test('what cannot be done is told in one line', async () => {
  expect(await quarantine('show', 'orders', 'nothing')).toMatchObject({
    code: 1,
    errors: expect.stringMatching(/^orders "nothing" is not in quarantine/),
  })
  expect(await quarantine('replay')).toMatchObject({ code: 2 })
  const help = await quarantine('--help')
  expect(help).toMatchObject({ code: 0, output: expect.stringMatching(/Exit code: 0 done/) })
})
