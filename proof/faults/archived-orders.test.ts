import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { MongoClient } from 'mongodb'
import { connect } from 'nats'
import type { Restored } from 'spacegrid/backup/restore'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { componentStatus } from '../support/component-status.ts'
import { auditCopies } from '../support/copies-audit.ts'
import { FaultGrid } from '../support/fault-grid.ts'
import { nothingFound } from '../support/grid-audit.ts'
import { operate } from '../support/recover-command.ts'
import { auditStore } from '../support/store-audit.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { waitFor } from '../support/wait-for.ts'

const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31))
/** Killed at once, one group after the other. */
const victims = [
  ['data-writer'],
  ['data-pump'],
  ['data-writer', 'data-pump'],
  ['data-writer', 'data-pump', 'data-reader'],
]

interface StoredOrder {
  readonly _id: string
  readonly status: string
  readonly _grid: { readonly archived?: boolean }
}

let grid: FaultGrid
beforeAll(async () => {
  // Orders leave memory as soon as they are made; who cancels one brings it back.
  grid = await FaultGrid.start({ units: 2, environment: { ARCHIVE_ORDERS_MS: '1' } })
})
afterAll(() => grid.stop())

const storedOrders = async () => {
  const { documents } = await auditStore(grid.cluster.urls.mongodb, 'ticketing')
  return (documents.get('orders') ?? []) as unknown as readonly StoredOrder[]
}

/** They are started again while the others go on. */
async function killed(names: readonly string[]): Promise<void> {
  const components = names.map((name) => grid.component(name))
  for (const component of components) component.kill('SIGKILL')
  await Promise.all(components.map((component) => component.gone))
  for (const component of components) await grid.cluster.restart(component)
}

// docs/archive.md: an entry is in the store before it is forgotten by whoever could give it anew.
test(`while orders leave memory and come back, and pump, writer and reader are killed, none is lost and none is doubled (SEED=${seed})`, {
  timeout: 240_000,
}, async () => {
  const crowd = await grid.crowd({ seed })
  const cancelled = () => crowd.ledger.purchases.filter(({ state }) => state === 'cancelled').length
  for (const names of victims) {
    const before = cancelled()
    await waitFor(() => cancelled() > before, {
      ...{ what: 'another order to come back', timeoutMs: 60_000 },
    })
    await killed(names)
  }
  expect(await grid.audit()).toEqual(nothingFound)
  // All that the crowd has bought is in the store, and only there.
  const haveLeft = async () => (await storedOrders()).every(({ _grid }) => _grid.archived === true)
  await waitFor(haveLeft, { what: 'all orders to leave memory', timeoutMs: 60_000 })
  const orders = await storedOrders()
  expect(orders.filter(({ status }) => status === 'cancelled').length).toBeGreaterThanOrEqual(
    cancelled(),
  )
  const bought = crowd.ledger.purchases.filter(
    ({ state }) => state === 'ordered' || state === 'cancelled',
  )
  expect(orders.length).toBeGreaterThanOrEqual(bought.length)
  process.stderr.write(`${orders.length} orders, ${cancelled()} of them came back\n`)
})

// docs/backup.md
test('everything is destroyed: a backup is restored to a position before a mistake, the digest is equal, and what had left memory is there', {
  timeout: 240_000,
}, async () => {
  const { urls } = grid.cluster
  const folder = await temporaryFolder('backup')
  const servers = { NATS_URL: urls.nats, MONGODB_URL: urls.mongodb, REDIS_URL: urls.redis }
  const call = async (expected: number, ...words: string[]) => {
    const outcome = await operate({ ...servers, SPACES: 'ticketing' }, ...words)
    expect(outcome).toMatchObject({ code: expected })
    return outcome
  }
  const client = grid.client()
  await call(0, 'backup', '--out', folder)
  const orderId = await buy(client)
  const { position, digest } = await quietState()
  const before = await storedOrders()
  // The mistake.
  await client.command('ticketing', 'cancelOrder', { orderId }, persisted)
  const second = await call(0, 'backup', '--out', folder)
  expect(second.output).toContain('added to what was there')
  expect((await call(1, 'restore', '--from', folder)).errors).toMatch(/--overwrite/)
  const refused = await call(1, 'restore', '--from', folder, '--overwrite')
  expect(refused.errors).toMatch(/is running: stop all/)

  // One entry alone, into the grid that runs.
  const entry = ['--key', `orders/${orderId}`, '--space', 'ticketing']
  await call(0, 'restore', '--from', folder, '--to', String(position), ...entry)
  const order = await client.query('ticketing', 'order', { orderId })
  expect(order.body.result).toMatchObject({ orderId, status: 'confirmed' })

  const stopped = [...grid.cluster.components]
  await Promise.all(stopped.map((component) => component.stop()))
  await destroyEverything()
  const made = await call(0, 'restore', '--from', folder, '--to', String(position), '--json')
  const { logs } = JSON.parse(made.output) as { logs: Restored[] }
  expect(logs).toMatchObject([{ log: 'ticketing', position, digest, different: [] }])
  await Promise.all(stopped.map((component) => grid.cluster.restart(component)))
  expect(byId(await storedOrders())).toEqual(byId(before))
  const cancelled = await client.command('ticketing', 'cancelOrder', { orderId }, persisted)
  expect(cancelled.status).toBe(200)
  expect(await auditCopies(urls, 'ticketing', 2, 30_000)).toEqual([])
})

// docs/backup.md
test('entries are exported, and imported through the log: lines that are wrong are told by their number', {
  timeout: 120_000,
}, async () => {
  const { urls } = grid.cluster
  const servers = { NATS_URL: urls.nats, MONGODB_URL: urls.mongodb, REDIS_URL: urls.redis }
  const call = (...words: string[]) => operate({ ...servers, SPACES: 'ticketing' }, ...words)
  const folder = await temporaryFolder('export')
  const made = await call('export', 'ticketing', '--out', folder, '--archived', '--json')
  expect(made).toMatchObject({ code: 0 })
  const { entries } = JSON.parse(made.output) as { entries: Record<string, number> }
  expect(entries.orders).toBe((await storedOrders()).length)
  const again = await call('import', 'ticketing', folder, '--json')
  expect(again).toMatchObject({ code: 0 })
  const present = Object.values(entries).reduce((sum, count) => sum + count, 0)
  expect(JSON.parse(again.output)).toMatchObject({ imported: 0, present, invalidCount: 0 })

  const file = join(folder, 'events.ndjson')
  const [line = ''] = (await readFile(file, 'utf8')).split('\n')
  const { value } = JSON.parse(line) as { value: object }
  const named = (eventId: string, name: unknown) =>
    JSON.stringify({ key: eventId, value: { ...value, eventId, name } })
  await writeFile(file, [named('i1', 'One'), named('i2', 5), '{', named('i3', 'Three')].join('\n'))
  const refused = await call('import', 'ticketing', file)
  expect(refused.output).toMatch(
    /events.ndjson:2: name .*\n.*events.ndjson:3: .*\n2 lines are wrong/,
  )
  expect((await grid.client().entry('ticketing', 'events', 'i1')).status).toBe(404)
  const some = await call('import', 'ticketing', file, '--skip-invalid')
  expect(some).toMatchObject({ code: 1, output: expect.stringContaining('2 entries imported, 2') })
  expect((await grid.client().entry('ticketing', 'events', 'i3')).status).toBe(200)
  await writeFile(file, named('i1', 'Another'))
  expect((await call('import', 'ticketing', file)).output).toContain('1 were there already')
  expect(await call('import', 'ticketing', file, '--overwrite')).toMatchObject({ code: 0 })
  const { body } = await grid.client().entry('ticketing', 'events', 'i1')
  expect(body).toMatchObject({ value: { name: 'Another' } })
})

const persisted = { prefer: 'ack=persisted' }

/** One more seat. Returns the order, which has left memory. */
async function buy(client: ReturnType<FaultGrid['client']>): Promise<string> {
  const sections = [{ section: 'A', rows: 1, seatsPerRow: 4, price: 100 }]
  const event = { eventId: 'mistake', name: 'M', startsAt: 0, sections }
  await client.command('ticketing', 'createEvent', event)
  const hold = { eventId: 'mistake', section: 'A', quantity: 4, customerId: 'm' }
  const { result: held } = (await client.command('ticketing', 'holdBestAvailable', hold)).body
  const { holdId } = held as { holdId: string }
  const confirm = { holdId, paymentReference: 'p' }
  const { result } = (await client.command('ticketing', 'confirmHold', confirm, persisted)).body
  const haveLeft = async () => (await storedOrders()).every(({ _grid }) => _grid.archived === true)
  await waitFor(haveLeft, { what: 'all orders to leave memory', timeoutMs: 60_000 })
  return (result as { orderId: string }).orderId
}

/** What a unit is when nothing happens: asked until it is the same twice. */
async function quietState() {
  const unit = grid.cluster.components.find(({ settings }) => settings.role === 'processing-unit')
  const ask = () => componentStatus(unit?.settings.adminPort ?? 0)
  let before = await ask()
  await waitFor(
    async () => {
      const now = await ask()
      const isQuiet = now.position === before.position && now.digestPosition === now.position
      before = now
      return isQuiet
    },
    { what: 'a moment in which nothing happens', timeoutMs: 30_000 },
  )
  return before
}

const byId = (orders: readonly StoredOrder[]) =>
  [...orders].sort((one, other) => Number(one._id > other._id) - 0.5)

async function destroyEverything(): Promise<void> {
  const { urls } = grid.cluster
  const client = await MongoClient.connect(urls.mongodb)
  await client.db('spacegrid').dropDatabase()
  await client.close()
  const connection = await connect({ servers: urls.nats })
  const manager = await connection.jetstreamManager()
  for (const kind of ['LOG', 'CHANGES']) await manager.streams.delete(`SPACE_ticketing_${kind}`)
  await connection.close()
}
