import { readFile, writeFile } from 'node:fs/promises'
import { OtlpCollector } from '@spacegrid/proof/support/otlp-collector'
import { repositoryApplication } from '@spacegrid/proof/support/repository-application'
import { temporaryFolder } from '@spacegrid/proof/support/temporary-folder'
import { inTreeOrder, tracePicture } from '@spacegrid/proof/support/trace-picture'
import { connect, headers as natsHeaders } from 'nats'
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
      LOG_LEVEL: 'trace',
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

/** All that the programs have written, a line each. */
const logLines = async (): Promise<readonly string[]> => {
  const files = cluster.components.map(({ settings: { logFile } }) => readFile(logFile, 'utf8'))
  return (await Promise.all(files)).flatMap((text) => text.split('\n'))
}

const lineOf = async (requestId: string): Promise<object | undefined> => {
  const found = (await logLines()).find((line) => line.includes(`"${requestId}"`))
  return found === undefined ? undefined : JSON.parse(found)
}

test('a request is found in the log by the id that its caller gave it, over both doors', async () => {
  const asked = { eventId: 'concert' }
  const url = `${cluster.urls.http}/ticketing/queries/availability?eventId=concert`
  const { headers } = await fetch(url, { headers: { 'x-request-id': 'by-http-7' } })
  expect(headers.get('x-request-id')).toBe('by-http-7')
  const nats = await connect({ servers: cluster.urls.nats })
  const said = natsHeaders()
  said.set('X-Request-Id', 'by-nats-7')
  const subject = 'spacegrid.ticketing.command.releaseHold'
  await nats.request(subject, JSON.stringify({ holdId: 'none' }), { headers: said, timeout: 5000 })
  await nats.request('spacegrid.ticketing.query.availability', JSON.stringify(asked), {
    timeout: 5000,
  })
  await nats.close()
  await expect
    .poll(() => lineOf('by-http-7'))
    .toMatchObject({
      ...{ msg: 'request', door: 'http', space: 'ticketing', request: 'query availability' },
      outcome: 'ok',
    })
  await expect
    .poll(() => lineOf('by-nats-7'))
    .toMatchObject({
      ...{ door: 'nats', request: 'command releaseHold', outcome: 'rejected' },
    })
})

test('nothing of what requests hold is in a log, whatever becomes of them', async () => {
  const mark = 'Ada-Lovelace-1815'
  const { http } = cluster.urls
  const post = (path: string, body: string, headers: Record<string, string> = {}) =>
    fetch(`${http}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body,
    }).then((answer) => answer.arrayBuffer())
  const seats = (seatIds: readonly string[]) =>
    JSON.stringify({ eventId: 'concert', seatIds, customerId: mark })
  const secret = {
    ...{ authorization: `Bearer ${mark}`, 'api-key': mark, cookie: `session=${mark}` },
    ...{ 'idempotency-key': mark, referer: `https://${mark}.example/`, 'user-agent': mark },
  }
  await post('/ticketing/commands/holdSeats', seats(['A-2-1']), secret)
  await post('/ticketing/commands/holdSeats', seats(['A-2-2']), secret)
  await post('/ticketing/commands/holdSeats', seats([mark]))
  await post('/ticketing/commands/holdSeats', `{"customerId":"${mark}`)
  await post('/ticketing/commands/holdSeats', `["${mark}"]`)
  await post('/ticketing/commands/createEvent', `{"eventId":"${mark}"}`)
  await post('/ticketing/queries/availability', `{"eventId":"${mark}"}`)
  await post(`/ticketing/commands/${mark}`, mark)
  for (const path of [
    `/ticketing/queries/ordersByCustomer?customerId=${mark}`,
    `/ticketing/queries/availability?eventId=${mark}&${mark}=1`,
    `/ticketing/caches/seats/${mark}`,
    `/ticketing/archive/orders/${mark}`,
    `/${mark}?${mark}`,
  ])
    await (await fetch(`${http}${path}`, { headers: secret })).arrayBuffer()
  const nats = await connect({ servers: cluster.urls.nats })
  for (const name of ['command.holdSeats', 'query.ordersByCustomer', 'command.confirmHold'])
    await nats.request(`spacegrid.ticketing.${name}`, `{"customerId":"${mark}","x`, {
      timeout: 5000,
    })
  await nats.close()
  // What comes last is in the log: so is what came before.
  await fetch(`${http}/ticketing/queries/availability?eventId=concert`, {
    headers: { 'x-request-id': 'the-last-one' },
  })
  await expect.poll(() => lineOf('the-last-one')).toBeDefined()
  const lines = await logLines()
  expect(lines.filter((line) => line.includes('"msg":"request"')).length).toBeGreaterThan(10)
  expect(lines.filter((line) => line.includes(mark))).toEqual([])
  expect(JSON.stringify(collector.spans)).not.toContain(mark)
})
