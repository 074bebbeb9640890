import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { PatientClient } from '@spacegrid/proof/support/patient-client'
import { spacegridCommand } from '@spacegrid/proof/support/spacegrid-command'
import { temporaryFolder } from '@spacegrid/proof/support/temporary-folder'
import { waitFor } from '@spacegrid/proof/support/wait-for'
import { spacegridProgram } from 'spacegrid/own-program'
import { findFreePort } from 'spacegrid/servers/free-port'
import { reapWithThisProcess } from 'spacegrid/servers/reaper'
import { expect, test } from 'vitest'

const spaceOf = (name: string) => join(import.meta.dirname, `../processing-units/${name}/space.ts`)

interface Printed {
  readonly urls: { readonly http: string; readonly nats: string; readonly mongodb: string }
  readonly processes: readonly { readonly role: string; readonly name: string }[]
}

test('a cluster of two files serves both their spaces from each unit, and its tools find them', {
  timeout: 120_000,
}, async () => {
  const folder = await temporaryFolder('two-spaces')
  const environment = { DATA_DIR: folder, PORT: String(await findFreePort()) }
  const words = ['cluster', spaceOf('ticketing'), spaceOf('auction'), '--units', '2', '--json']
  const cluster = spawn(process.execPath, [spacegridProgram, ...words], {
    env: { ...process.env, NATS_URL: '', MONGODB_URL: '', REDIS_URL: '', ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  reapWithThisProcess(cluster.pid ?? 0)
  let [output, errors] = ['', '']
  cluster.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text
  })
  cluster.stderr.setEncoding('utf8').on('data', (text: string) => {
    errors += text
  })
  await waitFor(() => output.endsWith('\n') || cluster.exitCode !== null, {
    what: 'the cluster',
    timeoutMs: 90_000,
  })
  const { urls, processes } = JSON.parse(output || `"${errors}"`) as Printed
  expect(processes.filter(({ role }) => role === 'processing-unit')).toMatchObject([
    { name: 'unit-1' },
    { name: 'unit-2' },
  ])
  const written = JSON.parse(await readFile(join(folder, 'cluster.json'), 'utf8')) as object
  expect(written).toMatchObject({ urls, processes, spaces: ['ticketing', 'auction'] })

  const client = new PatientClient(urls.http)
  const persisted = { prefer: 'ack=persisted' }
  const sections = [{ section: 'A', rows: 1, seatsPerRow: 2, price: 1 }]
  const event = { eventId: 'e', name: 'E', startsAt: 1_893_456_000_000, sections }
  const created = await client.command('ticketing', 'createEvent', event, persisted)
  expect(created).toMatchObject({ status: 200, body: { result: { seats: 2 } } })
  const lot = { auctionId: 'a', title: 'A', startingPrice: 1, minimumIncrement: 1 }
  const endsAt = 1_893_456_000_000
  const opened = await client.command('auction', 'openAuction', { ...lot, endsAt }, persisted)
  expect(opened.status, JSON.stringify(opened.body)).toBe(200)
  await client.close()

  // By the servers alone: what spaces there are is found by their logs.
  const servers = { NATS_URL: urls.nats, MONGODB_URL: urls.mongodb }
  const audited = await spacegridCommand(['audit'], { environment: { ...environment, ...servers } })
  expect(audited.output).toMatch(/auction: all equal/)
  expect(audited.output).toMatch(/ticketing: all equal/)
  expect(audited.code).toBe(0)

  cluster.kill('SIGTERM')
  expect((await once(cluster, 'exit'))[0], errors).toBe(0)
})
