import { readFile } from 'node:fs/promises'
import { PatientClient } from '@spacegrid/proof/support/patient-client'
import { repositoryApplication } from '@spacegrid/proof/support/repository-application'
import { unitStatus } from '@spacegrid/proof/support/store-audit'
import { temporaryFolder } from '@spacegrid/proof/support/temporary-folder'
import { waitFor } from '@spacegrid/proof/support/wait-for'
import { ProcessCluster } from 'spacegrid/cluster/process-cluster'
import { findFreePort } from 'spacegrid/servers/free-port'
import { afterAll, expect, test } from 'vitest'

let cluster: ProcessCluster | undefined
let client: PatientClient | undefined
afterAll(async () => {
  await client?.close()
  await cluster?.stop()
})

/** architecture.md, invariant 8, and the transaction size that the design promises. */
test('a unit joins a grid of 200,000 entries from a peer while commands go on', {
  timeout: 180_000,
}, async () => {
  cluster = await ProcessCluster.start({
    units: 1,
    application: repositoryApplication('ticketing'),
    dataDirectory: await temporaryFolder(),
    port: await findFreePort(),
    serverPorts: 'free',
  })
  client = new PatientClient(cluster.urls.http)
  for (const eventId of ['first', 'second']) {
    const sections = [{ section: 'A', rows: 1000, seatsPerRow: 100, price: 1000 }]
    const created = await client.command('ticketing', 'createEvent', {
      eventId,
      name: eventId,
      startsAt: Date.now(),
      sections,
    })
    expect(created).toMatchObject({ status: 200, body: { result: { seats: 100_000 } } })
  }
  let joined = false
  let held = 0
  const buying = (async () => {
    while (!joined) {
      const answer = await client?.command('ticketing', 'holdBestAvailable', {
        eventId: 'first',
        section: 'A',
        quantity: 1,
        customerId: `customer-${held}`,
      })
      expect(answer?.status).toBe(200)
      held++
    }
  })()
  const before = held
  const unit = await cluster.addUnit()
  const during = held - before
  joined = true
  await buying
  expect(during, 'commands while the unit joined').toBeGreaterThan(0)
  expect(await readFile(unit.settings.logFile, 'utf8')).toContain('"source":"peer"')
  const ports = cluster.units.map(({ settings }) => settings.adminPort)
  let statuses = await Promise.all(ports.map((port) => unitStatus(port, 'ticketing')))
  await waitFor(
    async () => {
      statuses = await Promise.all(ports.map((port) => unitStatus(port, 'ticketing')))
      return new Set(statuses.map(({ position }) => position)).size === 1
    },
    { what: 'both units at one position' },
  )
  expect(new Set(statuses.map(({ digest }) => digest)).size).toBe(1)
  expect(statuses[0]?.entries).toBeGreaterThan(200_000)
})
