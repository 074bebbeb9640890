import { writeFile } from 'node:fs/promises'
import { OtlpCollector } from '@spacegrid/proof/support/otlp-collector'
import { repositoryApplication } from '@spacegrid/proof/support/repository-application'
import { temporaryFolder } from '@spacegrid/proof/support/temporary-folder'
import { inTreeOrder, tracePicture } from '@spacegrid/proof/support/trace-picture'
import { GridClient } from 'spacegrid/client'
import { ProcessCluster } from 'spacegrid/cluster/process-cluster'
import { findFreePort } from 'spacegrid/servers/free-port'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type MetricRole, metricRoles } from '../grid/doors/admin/status-metric.ts'
import { metricsOfRole } from '../scripts/reference/metrics-page.ts'

/*
 * What a grid of processes tells of itself: one grid with every role for all of it.
 */

/** A file for a picture of the trace; not set: none is drawn. */
const picture = process.env.TRACE_PICTURE
const running = new AsyncDisposableStack()
let cluster: ProcessCluster
let client: GridClient
let collector: OtlpCollector

beforeAll(async () => {
  collector = await OtlpCollector.start()
  running.use(collector)
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
    environment: {
      WAITING_ROOM: 'ticketing/opera',
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
      // Only what callers want to be traced.
      OTEL_TRACES_SAMPLER_ARG: '0',
    },
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
      const labelled = [...(declared.get(metric)?.labels ?? []), 'unit', 'role', 'le', 'quantile']
      expect(labelled, metric).toEqual(expect.arrayContaining([...labels]))
    }
  }
  expect([...seen].sort()).toEqual([...metricRoles].sort())
})

/** A command over HTTP, in a trace of its caller. */
async function hold(traceId: string, flags: string, seatId: string): Promise<Response> {
  const answer = await fetch(`${cluster.urls.http}/ticketing/commands/holdSeats`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      traceparent: `00-${traceId}-${caller}-${flags}`,
    },
    body: JSON.stringify({ eventId: 'concert', seatIds: [seatId], customerId: 'ada' }),
  })
  await answer.arrayBuffer()
  return answer
}

const caller = '00f067aa0ba902b7'

test('a command that its caller traces is one tree, from the caller to MongoDB', async () => {
  const traceId = '4bf92f3577b34da6a3ce929d0e0e4736'
  const { status, headers } = await hold(traceId, '01', 'A-1-1')
  expect(status).toBe(200)
  const shapeOf = () =>
    inTreeOrder(collector.trace(traceId)).map(
      ({ span: { name, service }, depth }) => `${'  '.repeat(depth)}${service} ${name}`,
    )
  // Those on the same storey in whichever order they came.
  const whole = [
    'spacegrid-processing-unit command holdSeats',
    '  spacegrid-processing-unit log append',
    '    spacegrid-data-pump meld',
    '      spacegrid-data-pump publish',
    '        spacegrid-data-writer store',
    '          spacegrid-data-writer MongoDB transaction',
    '    spacegrid-processing-unit meld',
    '    spacegrid-processing-unit meld',
    '    spacegrid-query-unit meld',
  ]
  await expect.poll(() => shapeOf().sort(), { timeout: 30_000 }).toEqual([...whole].sort())
  const spans = collector.trace(traceId)
  const [server] = spans.filter(({ name }) => name === 'command holdSeats')
  expect(server?.parentId).toBe(caller)
  expect(headers.get('traceparent')).toBe(`00-${traceId}-${server?.spanId}-01`)
  expect(server?.attributes).toMatchObject({ 'spacegrid.outcome': 'ok', 'spacegrid.door': 'http' })
  const melding = spans.filter(({ name }) => name === 'meld').map(({ unit }) => unit)
  const replicas = cluster.processes.flatMap(({ role, name }) =>
    ['processing-unit', 'query-unit', 'data-pump'].includes(role) ? [name] : [],
  )
  expect(melding.sort()).toEqual(replicas.sort())
  if (picture !== undefined) await writeFile(picture, tracePicture(spans))
})

test('nothing of what a request holds is in a span', () => {
  const told = JSON.stringify(collector.spans)
  for (const marker of ['concert', 'A-1-1', 'ada']) expect(told).not.toContain(marker)
})

test('a command that its caller does not trace is in no span', async () => {
  const untraced = '5bf92f3577b34da6a3ce929d0e0e4737'
  const traced = '6bf92f3577b34da6a3ce929d0e0e4738'
  await hold(untraced, '00', 'A-1-2')
  await hold(traced, '01', 'A-1-3')
  await expect.poll(() => collector.trace(traced).length, { timeout: 30_000 }).toBe(9)
  expect(collector.trace(untraced)).toEqual([])
})

test('the latency of a traced command leads to its trace', async () => {
  const texts = cluster.units.map(async ({ settings: { adminPort } }) => {
    const headers = { accept: 'application/openmetrics-text' }
    return (await fetch(`http://127.0.0.1:${adminPort}/metrics`, { headers })).text()
  })
  expect((await Promise.all(texts)).join('')).toMatch(
    /^spacegrid_command_seconds_bucket\{.*command="holdSeats".*\} \d+ # \{trace_id="[46]bf92f3577b34da6a3ce929d0e0e473[68]"\} /m,
  )
})
