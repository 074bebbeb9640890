import { execFile } from 'node:child_process'
import { isDeepStrictEqual } from 'node:util'
import { PatientClient } from '@spacegrid/proof/support/patient-client'
import { repositoryApplication } from '@spacegrid/proof/support/repository-application'
import {
  documentOf,
  forgetImage,
  tamperWithDocument,
  tamperWithImage,
} from '@spacegrid/proof/support/tampering'
import { temporaryFolder } from '@spacegrid/proof/support/temporary-folder'
import { waitFor } from '@spacegrid/proof/support/wait-for'
import { ProcessCluster } from 'spacegrid/cluster/process-cluster'
import { spacegridProgram } from 'spacegrid/own-program'
import { findFreePort } from 'spacegrid/servers/free-port'
import { afterAll, beforeAll, expect, test } from 'vitest'

let cluster: ProcessCluster
let folder: string
let client: PatientClient

beforeAll(async () => {
  folder = await temporaryFolder('audit')
  cluster = await ProcessCluster.start({
    units: 2,
    application: repositoryApplication('ticketing'),
    dataDirectory: folder,
    port: await findFreePort(),
    serverPorts: 'free',
  })
  client = new PatientClient(cluster.urls.http)
  await client.command('ticketing', 'createEvent', {
    eventId: 'e1',
    name: 'On sale',
    startsAt: Date.now() + 86_400_000,
    sections: [{ section: 'A', rows: 40, seatsPerRow: 50, price: 4500 }],
  })
}, 120_000)

afterAll(async () => {
  await client?.close()
  await cluster?.stop()
})

interface Outcome {
  readonly code: number
  readonly output: string
  readonly errors: string
}

/** `spacegrid audit`, as an operator would. */
function audit(...options: string[]): Promise<Outcome> {
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [spacegridProgram, 'audit', ...options],
      { env: { ...process.env, NATS_URL: '', MONGODB_URL: '', DATA_DIR: folder } },
      (error, output, errors) => resolve({ code: error ? Number(error.code) : 0, output, errors }),
    )
  })
}

/** Customers, until told to stop. */
function sell(): () => Promise<number> {
  let stopped = false
  const customer = async (number: number): Promise<number> => {
    let held = 0
    for (let n = 0; !stopped; n++) {
      const { status } = await client.command('ticketing', 'holdBestAvailable', {
        eventId: 'e1',
        section: 'A',
        quantity: 1,
        customerId: `c${number}-${n}`,
      })
      if (status === 200) held++
    }
    return held
  }
  const customers = Array.from({ length: 4 }, (_, number) => customer(number))
  return async () => {
    stopped = true
    return (await Promise.all(customers)).reduce((sum, count) => sum + count, 0)
  }
}

// architecture.md, invariant 9
test('while commands go on every copy is equal, each at its own position', async () => {
  const stop = sell()
  const { code, output, errors } = await audit()
  expect(await stop()).toBeGreaterThan(10)
  expect(`${errors}${output}`).toMatch(/ticketing: all equal/)
  expect(code).toBe(0)
  for (const who of ['ticketing-1  ', 'ticketing-2  ', 'data-pump  ', 'warm image  ', 'store  '])
    expect(output).toMatch(new RegExp(`^${who}.*yes$`, 'm'))
  // The grid has compared itself all the time, and nobody had to leave.
  for (const { settings } of cluster.components.filter(
    ({ settings: { role } }) => role !== 'data-reader' && role !== 'data-writer',
  )) {
    const response = await fetch(`http://127.0.0.1:${settings.adminPort}/metrics`)
    const metrics = await response.text()
    const metric = (name: string) =>
      Number(new RegExp(`^${name}\\{.*\\} (.*)$`, 'm').exec(metrics)?.[1])
    expect(metric('spacegrid_audit_comparisons_total')).toBeGreaterThan(0)
    expect(metric('spacegrid_audit_entries_total')).toBeGreaterThan(0)
    expect(metric('spacegrid_drift')).toBe(0)
    expect(metric('spacegrid_diverged_total')).toBe(0)
  }
})

test('a field changed by hand in the warm image is named', async () => {
  const key = await tamperWithImage(cluster.urls.redis, 'spacegrid:ticketing:events', 'name', 'X')
  const { code, output } = await audit('--json')
  expect(code).toBe(1)
  const { reports } = JSON.parse(output) as { reports: { rows: Record<string, unknown>[] }[] }
  const wrong = reports[0]?.rows.filter(({ equal }) => equal !== true)
  expect(wrong).toMatchObject([
    { name: 'warm image', equal: false, differences: [{ cache: 'events', key, kind: 'value' }] },
  ])
  // docs/operations.md, what to do then
  await forgetImage(cluster.urls.redis, 'ticketing')
  expect(await audit()).toMatchObject({ code: 0 })
})

// docs/decisions/0017
test('a document changed by hand is written anew from the units', async () => {
  const { key, before } = await tamperWithDocument(
    cluster.urls.mongodb,
    'ticketing.seats',
    'price',
    1,
  )
  await waitFor(
    async () =>
      isDeepStrictEqual(
        (await documentOf(cluster.urls.mongodb, 'ticketing.seats', key))?.price,
        before.price,
      ),
    { what: 'the document to be as it was', timeoutMs: 30_000 },
  )
  expect(await audit('--space', 'ticketing')).toMatchObject({ code: 0 })
})

test('what cannot be compared is told, with code 2', async () => {
  const unknown = await audit('--space', 'nothing')
  expect(unknown).toMatchObject({ code: 2, errors: expect.stringMatching(/holds nothing: is/) })
  expect((await audit('--differences', 'x')).code).toBe(2)
  const help = await audit('--help')
  expect(help.output).toMatch(/Exit code: 0 all copies are equal/)
  expect(help.code).toBe(0)
})
