import { repositoryApplication } from '@spacegrid/proof/support/repository-application'
import { temporaryFolder } from '@spacegrid/proof/support/temporary-folder'
import { GridClient } from 'spacegrid/client'
import { ProcessCluster } from 'spacegrid/cluster/process-cluster'
import { findFreePort } from 'spacegrid/servers/free-port'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type MetricRole, metricRoles } from '../grid/doors/admin/status-metric.ts'
import { metricsOfRole } from '../scripts/reference/metrics-page.ts'

/*
 * What a grid of processes tells of itself: one grid with every role for all of it.
 */

const running = new AsyncDisposableStack()
let cluster: ProcessCluster
let client: GridClient

beforeAll(async () => {
  cluster = await ProcessCluster.start({
    units: 2,
    queryUnits: 1,
    waitingRooms: 1,
    elastic: true,
    console: true,
    application: repositoryApplication('ticketing'),
    dataDirectory: await temporaryFolder('telemetry'),
    port: await findFreePort(),
    serverPorts: 'free',
    environment: { WAITING_ROOM: 'ticketing/opera' },
  })
  running.defer(() => cluster.stop())
  client = new GridClient(cluster.urls.http)
  running.defer(() => client.stop())
  await client.command('ticketing', 'createEvent', {
    ...{ eventId: 'concert', name: 'Concert', startsAt: Date.now() },
    sections: [{ section: 'A', rows: 5, seatsPerRow: 5, price: 4500 }],
  })
  await client.query('ticketing', 'availability', { eventId: 'concert' })
}, 180_000)

afterAll(() => running.disposeAsync(), 60_000)

interface Family {
  readonly type: string
  readonly labels: Set<string>
}

/** What a program says under /metrics. */
async function scrape(port: number): Promise<ReadonlyMap<string, Family>> {
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()
  const families = new Map<string, Family>()
  let family: Family | undefined
  for (const line of text.split('\n')) {
    const [, name, type] = /^# TYPE (\S+) (\S+)$/.exec(line) ?? []
    if (name !== undefined && type !== undefined) {
      family = { type, labels: new Set() }
      families.set(name, family)
    } else if (!line.startsWith('#') && line !== '')
      for (const [, label = ''] of line.matchAll(/[{,]([a-z_]+)="/g)) family?.labels.add(label)
  }
  return families
}

test('every role tells the metrics that docs/metrics.md says, and no others', async () => {
  const seen = new Set<string>()
  for (const { role, name, adminPort } of cluster.processes) {
    if (role === 'server' || !adminPort) continue
    seen.add(role)
    const told = await scrape(adminPort)
    const declared = metricsOfRole(role as MetricRole)
    expect([...told.keys()].sort(), name).toEqual([...declared.keys()].sort())
    for (const [metric, { type, labels }] of told) {
      expect(type, metric).toBe(declared.get(metric)?.type)
      const known = [...(declared.get(metric)?.labels ?? []), 'unit', 'role', 'le', 'quantile']
      expect(known, metric).toEqual(expect.arrayContaining([...labels]))
    }
  }
  expect([...seen].sort()).toEqual([...metricRoles].sort())
})
