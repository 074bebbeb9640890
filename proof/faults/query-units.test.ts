import { JetStreamLog } from '@spacegrid/grid/drivers/nats/jetstream-log'
import type { PlacementStatus } from '@spacegrid/grid/engine/placement/placement-status'
import { FaultGrid } from '@spacegrid/proof/support/fault-grid'
import { repositoryApplication } from '@spacegrid/proof/support/repository-application'
import { startNats } from '@spacegrid/proof/support/test-servers'
import { waitFor } from '@spacegrid/proof/support/wait-for'
import { GridClient } from 'spacegrid/client'
import type { ComponentProcess } from 'spacegrid/cluster/component-process'
import { describe, expect, onTestFinished, test } from 'vitest'

/** What nobody needs who only answers queries: to write to any stream of the grid, or change it. */
const deniedPublish = [
  ...['spacegrid.*.log', 'spacegrid.*.*.log', 'spacegrid.*.changes', 'spacegrid.*.*.changes'],
  ...['$JS.API.STREAM.UPDATE.>', '$JS.API.STREAM.DELETE.>'],
  ...['$JS.API.STREAM.PURGE.>', '$JS.API.STREAM.MSG.DELETE.>'],
]

const adminOf = ({ settings }: ComponentProcess) => `http://127.0.0.1:${settings.adminPort}`
const seats = { eventId: 'e1' }
const sections = [{ section: 'A', rows: 2, seatsPerRow: 10, price: 100 }]
const event = { ...seats, name: 'Concert', startsAt: 1_900_000_000_000, sections }

/** Free seats, in an answer of `availability`. */
const freeIn = (result: unknown): number => Object(result).sections?.[0]?.free ?? Number.NaN

const users = [
  { name: 'grid', password: 'all' },
  { name: 'queries', password: 'read', deniedPublish },
]

/** A NATS server's address for each of its users. */
async function startServer(): Promise<(user: string) => string> {
  const nats = await startNats({ users })
  onTestFinished(() => nats.stop())
  return (user) => nats.url.replace('//', `//${user}@`)
}

async function startGrid(partitions: number): Promise<FaultGrid> {
  const urlAs = await startServer()
  const ofQueries = { NATS_URL: urlAs('queries:read') }
  const grid = await FaultGrid.start({
    queryUnits: 2,
    application: { ...repositoryApplication('ticketing'), partitions: { ticketing: partitions } },
    urls: { nats: urlAs('grid:all') },
    environment: { PARTITIONS: String(partitions) },
    environmentOf: (name) => (name.startsWith('query-unit') ? ofQueries : {}),
  })
  onTestFinished(() => grid[Symbol.asyncDispose]())
  return grid
}

/** Requests that these have answered through a door, and what they have passed on. */
async function counted(components: readonly ComponentProcess[]): Promise<number> {
  let total = 0
  for (const component of components) {
    const text = await (await fetch(`${adminOf(component)}/metrics`)).text()
    const counts = /^spacegrid_(?:requests|passed_requests)_total\{.*\} (\d+)$/gm
    for (const [, count] of text.matchAll(counts)) total += Number(count)
  }
  return total
}

/** Whether each has all that it is to keep. */
async function inPlace(components: readonly ComponentProcess[]): Promise<boolean> {
  const found = await Promise.all(
    components.map(async (component) => {
      const response = await fetch(`${adminOf(component)}/status`)
      const { placement } = (await response.json()) as {
        placement?: Record<string, PlacementStatus>
      }
      const kept = placement?.ticketing?.queryUnits
      return !kept || (kept.moving === 0 && kept.scarce.length === 0)
    }),
  )
  return found.every(Boolean)
}

async function kill(components: readonly ComponentProcess[]): Promise<void> {
  for (const component of components) component.kill('SIGKILL')
  await Promise.all(components.map(({ gone }) => gone))
}

async function hold(url: string, section = 'A'): Promise<{ status: number; code?: string }> {
  const response = await fetch(`${url}/ticketing/commands/holdBestAvailable`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ ...seats, section, quantity: 1, customerId: crypto.randomUUID() }),
  })
  const { code } = (await response.json()) as { code?: string }
  return { status: response.status, ...(code === undefined ? {} : { code }) }
}

async function availability(url: string, headers = {}) {
  const response = await fetch(`${url}/ticketing/queries/availability?eventId=e1`, { headers })
  const body = (await response.json()) as { result?: unknown; code?: string }
  const { status } = response
  return {
    status,
    free: freeIn(body.result),
    code: body.code,
    age: response.headers.get('grid-age'),
  }
}

test('the rights that query units have here are none to write to a log', async () => {
  const urlAs = await startServer()
  const probe = { stream: 'SPACE_probe_LOG', subject: 'spacegrid.probe.log' }
  for (const [user, refusal] of [
    ['grid:all', undefined],
    ['queries:read', 'log_unavailable'],
  ] as const) {
    const log = await JetStreamLog.open(urlAs(user), probe)
    onTestFinished(() => log.close())
    const appended = log.append(new Uint8Array([1])).then(
      () => undefined,
      ({ code }) => code,
    )
    expect(await appended).toBe(refusal)
  }
})

describe.each([1, 4])('query units of a space with %i partitions', (partitions) => {
  test('live and die apart from the units that take commands', { timeout: 240_000 }, async () => {
    const { cluster } = await startGrid(partitions)
    const { http, queries = '' } = cluster.urls
    expect(cluster.queryUnits).toHaveLength(2)
    for (const component of cluster.queryUnits)
      expect(await (await fetch(`${adminOf(component)}/status`)).json()).toMatchObject({
        role: 'query-unit',
        ready: true,
      })

    // Any unit takes any request; who reads by a position reads what was done.
    const client = new GridClient(queries)
    const created = await client.command('ticketing', 'createEvent', event)
    expect(created.result).toEqual({ seats: 20 })
    expect(await hold(http)).toEqual({ status: 200 })
    await waitFor(async () => (await availability(queries)).free === 19, { what: 'the hold' })
    expect(await availability(queries, { 'grid-consistency': 'latest' })).toMatchObject({
      free: 19,
    })

    // Queries are answered where they come in, and by nobody else, once everything is in place.
    await waitFor(() => inPlace(cluster.queryUnits), { what: 'a copy of all in each' })
    const before = [await counted(cluster.units), await counted(cluster.queryUnits)]
    const asked = Array.from({ length: 300 }, () => availability(queries))
    const answers = await Promise.all(asked)
    expect(answers.filter(({ free }) => free !== 19)).toEqual([])
    const after = [await counted(cluster.units), await counted(cluster.queryUnits)]
    expect(after).toEqual([before[0], (before[1] ?? 0) + 300])

    const stopping = new AbortController()
    const told: number[] = []
    const watching = (async () => {
      const options = { signal: stopping.signal }
      for await (const { result } of client.live('ticketing', 'availability', seats, options))
        told.push(freeIn(result))
    })()
    await waitFor(() => told.at(-1) === 19, { what: 'the live query' })
    await kill(cluster.units)
    expect(await availability(queries)).toMatchObject({ status: 200, free: 19 })
    const aged = await availability(queries, { 'grid-staleness': '3600s' })
    expect(aged).toMatchObject({ status: 200, free: 19, age: expect.stringMatching(/^\d+ms$/) })
    // What was on its way to one that has just died has no answer.
    const isRefused = async () => (await hold(queries)).status === 503
    await waitFor(isRefused, { what: 'the refusal of a command', timeoutMs: 60_000 })
    expect(await hold(queries)).toEqual({ status: 503, code: 'not_ready' })

    for (const unit of cluster.units) await cluster.restart(unit)
    expect(await hold(http)).toEqual({ status: 200 })
    await waitFor(async () => (await availability(queries)).free === 18, { what: 'the hold' })

    await waitFor(() => told.at(-1) === 18, { what: 'the live query' })
    stopping.abort()
    await watching.catch(() => undefined)

    await kill(cluster.queryUnits)
    expect(await hold(http)).toEqual({ status: 200 })
    await waitFor(async () => (await availability(http)).free === 17, { what: 'the hold' })
  })
})
