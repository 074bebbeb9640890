import { PatientClient } from '@spacegrid/proof/support/patient-client'
import { repositoryApplication } from '@spacegrid/proof/support/repository-application'
import { auditStore, unitStatus } from '@spacegrid/proof/support/store-audit'
import { temporaryFolder } from '@spacegrid/proof/support/temporary-folder'
import { type SaleLedger, sellOut } from '@spacegrid/proof/support/ticket-buyers'
import { waitFor } from '@spacegrid/proof/support/wait-for'
import { ProcessCluster } from 'spacegrid/cluster/process-cluster'
import { findFreePort } from 'spacegrid/servers/free-port'
import { afterAll, describe, expect, test } from 'vitest'

const rows = 20
const seatsPerRow = 25
const seats = rows * seatsPerRow
const buyers = 2000

const clusters: ProcessCluster[] = []
afterAll(async () => {
  for (const cluster of clusters) await cluster.stop()
})

async function startCluster(dataDirectory: string, units = 3): Promise<ProcessCluster> {
  const cluster = await ProcessCluster.start({
    units,
    application: repositoryApplication('ticketing'),
    dataDirectory,
    port: await findFreePort(),
    serverPorts: 'free',
  })
  clusters.push(cluster)
  return cluster
}

async function createEvent(client: PatientClient, eventId: string): Promise<void> {
  const created = await client.command('ticketing', 'createEvent', {
    eventId,
    name: 'On sale',
    startsAt: Date.now() + 86_400_000,
    sections: [{ section: 'A', rows, seatsPerRow, price: 4500 }],
  })
  expect(created).toMatchObject({ status: 200, body: { result: { seats } } })
}

/** Everything that was promised, looked at from outside. */
async function audit(cluster: ProcessCluster, eventId: string, ledger: SaleLedger): Promise<void> {
  const taken = ledger.orders.flatMap((order) => order.seatIds)
  expect(new Set(taken).size, 'a seat was given twice').toBe(taken.length)
  const units = cluster.components.filter(({ settings }) => settings.role === 'processing-unit')
  let stored = await auditStore(cluster.urls.mongodb, 'ticketing')
  let statuses = await Promise.all(
    units.map((unit) => unitStatus(unit.settings.adminPort, 'ticketing')),
  )
  await waitFor(
    async () => {
      stored = await auditStore(cluster.urls.mongodb, 'ticketing')
      statuses = await Promise.all(
        units.map((unit) => unitStatus(unit.settings.adminPort, 'ticketing')),
      )
      return statuses.every((status) => status.position === stored.position)
    },
    { what: 'MongoDB and all units at one position', timeoutMs: 60_000 },
  )
  expect(stored.computedDigest, 'MongoDB is not what its checkpoint says').toBe(stored.digest)
  for (const status of statuses)
    expect(status).toMatchObject({ digest: stored.digest, entries: stored.entries })
  const orders = new Map(
    (stored.documents.get('orders') ?? []).map((order) => [order.orderId, order]),
  )
  for (const order of ledger.orders)
    expect(orders.get(order.orderId), `acknowledged order ${order.orderId}`).toMatchObject({
      customerId: order.customerId,
      seatIds: order.seatIds,
    })
  const customers = new Set([...orders.values()].map((order) => order.customerId))
  for (const customer of ledger.refused)
    expect(customers.has(customer), `${customer} was refused`).toBe(false)
  const sold = (stored.documents.get('seats') ?? []).filter(
    (seat) => seat.eventId === eventId && seat.status === 'sold',
  )
  expect(sold.length).toBe(
    [...orders.values()]
      .filter((order) => order.eventId === eventId)
      .flatMap((order) => order.seatIds as string[]).length,
  )
}

describe('tickets on three processing units', () => {
  test('2,000 buyers compete for 500 seats: exactly 500 are sold, each once', {
    timeout: 240_000,
  }, async () => {
    const cluster = await startCluster(await temporaryFolder())
    const client = new PatientClient(cluster.urls.http)
    await createEvent(client, 'concert')
    const ledger = await sellOut(client, {
      eventId: 'concert',
      section: 'A',
      rows,
      seatsPerRow,
      buyers,
      giveUpMs: 60_000,
      random: Math.random,
    })
    expect(ledger.unanswered).toEqual([])
    expect(ledger.orders.flatMap((order) => order.seatIds).length).toBe(seats)
    await audit(cluster, 'concert', ledger)
    const available = await client.query('ticketing', 'availability', { eventId: 'concert' })
    expect(JSON.stringify(available.body.result)).toContain(`"sold":${seats}`)
    await client.close()
  })

  test('all units, pump, writer, reader, NATS and Redis killed during the sale: nothing acknowledged is lost', {
    timeout: 300_000,
  }, async () => {
    // architecture.md, invariant 5
    const dataDirectory = await temporaryFolder()
    const cluster = await startCluster(dataDirectory)
    const client = new PatientClient(cluster.urls.http)
    await createEvent(client, 'match')
    const sale = sellOut(client, {
      eventId: 'match',
      section: 'A',
      rows,
      seatsPerRow,
      buyers,
      giveUpMs: 90_000,
      random: Math.random,
    })
    // Waited for at the end; until then nobody else would hear it fail.
    sale.catch(() => undefined)
    await waitFor(
      async () =>
        JSON.stringify(
          (await client.query('ticketing', 'availability', { eventId: 'match' })).body,
        ).match(/"sold":[1-9]\d/) !== null,
      {
        what: 'the first seats to be sold',
        timeoutMs: 60_000,
      },
    )
    for (const component of cluster.components) component.kill('SIGKILL')
    await Promise.all([
      cluster.servers.get('nats')?.kill(),
      cluster.servers.get('redis')?.kill(),
      ...cluster.components.map((c) => c.gone),
    ])
    const again = await ProcessCluster.start({
      units: 3,
      application: repositoryApplication('ticketing'),
      dataDirectory,
      port: Number(new URL(cluster.urls.http).port),
      serverPorts: 'free',
    })
    clusters.unshift(again)
    const ledger = await sale
    expect(ledger.unanswered).toEqual([])
    expect(ledger.orders.flatMap((order) => order.seatIds).length).toBe(seats)
    await audit(again, 'match', ledger)
    await client.close()
  })
})
