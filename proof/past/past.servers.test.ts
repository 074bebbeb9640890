import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DataPump } from '@spacegrid/data-pump/data-pump'
import { DataReader } from '@spacegrid/data-reader/data-reader'
import { DataWriter } from '@spacegrid/data-writer/data-writer'
import type { Space } from '@spacegrid/grid/core/definition'
import { createHttpServer } from '@spacegrid/grid/doors/http/http-server'
import { serveSpace } from '@spacegrid/grid/doors/nats/space-services'
import { MongoStore } from '@spacegrid/grid/drivers/mongodb/mongo-store'
import { JetStreamLog } from '@spacegrid/grid/drivers/nats/jetstream-log'
import { NatsMessaging } from '@spacegrid/grid/drivers/nats/nats-messaging'
import { SystemClock } from '@spacegrid/grid/drivers/system/system-clock'
import { SystemRandom } from '@spacegrid/grid/drivers/system/system-random'
import { KeptSnapshots } from '@spacegrid/grid/engine/past/kept-snapshots'
import type { Log } from '@spacegrid/grid/engine/ports/log'
import { streams, subjects } from '@spacegrid/grid/engine/wire/subjects'
import { readEnvironment } from '@spacegrid/grid/program/environment'
import { ProcessingUnit } from '@spacegrid/runtime/processing-unit'
import { EmbeddedGrid } from 'spacegrid/embedded/embedded-grid'
import { historyText } from 'spacegrid/log/history-text'
import { LogDesk } from 'spacegrid/log/log-desk'
import { afterEach, expect, inject, test } from 'vitest'
import { uniqueName } from '../support/unique-name.ts'
import { waitFor } from '../support/wait-for.ts'
import { HttpCaller } from './http-caller.ts'
import { warehouseNamed } from './past-world.ts'

const cleanUps: (() => Promise<unknown>)[] = []

afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp()
})

const log = { error: () => undefined }
const settings = { pastMs: 2000, trimDelayMs: 100 }

interface Answered {
  readonly position: number
  readonly at: string
  readonly result: unknown
}

async function keeps(past: Log): Promise<void> {
  const snapshots = new KeptSnapshots(past)
  const isKept = async () => (await snapshots.list()).kept.length > 0
  await waitFor(isKept, { what: 'the first snapshot' })
}

class Caller extends HttpCaller {
  async put(id: string, left: number): Promise<void> {
    await this.command('put', { id, shelf: 'a', left })
  }

  async shelf(position?: string): Promise<Answered> {
    const answer = await this.ask<Omit<Answered, 'at'>>('queries/onShelf?shelf=a', position)
    return { ...answer, at: new Date().toISOString() }
  }
}

async function historyOf(caller: Caller): Promise<void> {
  const history = await caller.get('caches/stock/item%201/history?limit=2')
  expect(history.statusCode, history.body).toBe(200)
  const { changes, next } = history.json<{ changes: { from: unknown }[]; next: string }>()
  expect(changes).toMatchObject([
    { change: 'changed', from: { left: 16 }, to: { left: 19 } },
    { change: 'changed', from: { left: 13 }, to: { left: 16 } },
  ])
  const older = await caller.get(`caches/stock/item%201/history?limit=100&cursor=${next}`)
  const { changes: first } = older.json<{ changes: { from: unknown }[] }>()
  expect(first.at(-1)).toMatchObject({ change: 'created', from: null, to: { left: 1 } })
  const unknown = await caller.get('caches/stock/item%201/histories')
  expect(unknown.json()).toMatchObject({ code: 'unknown_route' })
  const wrong = await caller.get('caches/stock/item%201/history?limit=0')
  expect(wrong.json()).toMatchObject({ code: 'invalid_input' })
}

/** What `npx spacegrid log history` says. */
async function toldToOperators(name: string): Promise<void> {
  const desk = await LogDesk.open(readEnvironment([], { NATS_URL: inject('natsUrl') }), name)
  try {
    const page = await desk.history('stock', 'first', { limit: 1 })
    expect(historyText(page)).toMatch(
      /^\d+ {2}\S+Z {2}changed, by put, sent by unit\n {2}from \{.*"left":1\}\n {2}to {3}\{.*"left":2\}\nMore: --cursor \d+\.0 /,
    )
    const { next: cursor = '' } = page
    const older = historyText(await desk.history('stock', 'first', { limit: 5, cursor }))
    expect(older).toMatch(
      /^\d+ {2}\S+Z {2}created, by put, sent by unit\n {2}to .*\nThat is all since the log began\.\n$/,
    )
  } finally {
    await desk.close()
  }
}

/** Puts until the log has been trimmed, and asks for what was. */
async function putAndAsk(caller: Caller, first: () => Promise<number>): Promise<void> {
  const answered: Answered[] = []
  for (let left = 1; left <= 20; left++) {
    await caller.put(`item ${left % 3}`, left)
    answered.push(await caller.shelf())
    // What comes next comes later.
    const { at } = answered.at(-1) as Answered
    await waitFor(() => Date.now() > Date.parse(at), { what: 'another millisecond' })
  }
  for (const { position, result } of answered) {
    const asked = await caller.shelf(`=${position}`)
    expect([asked.position, asked.result]).toEqual([position, result])
  }
  const [{ position, at, result }] = answered as [Answered]
  expect((await caller.shelf(`=${at}`)).result).toEqual(result)
  const early = await caller.get('caches/stock/item%201', `=${position}`)
  expect(early.json()).toMatchObject({ key: 'item 1', value: { left: 1 } })
  expect(early.headers['grid-position']).toBe(String(position))
  const row = await caller.get('queries/shelfRow?shelf=a', `=${position}`)
  expect(row.json()).toMatchObject({ result: { least: 1 }, position })
  await historyOf(caller)
  const future = await caller.get('queries/onShelf?shelf=a', '=9000000')
  expect(future.json()).toMatchObject({ code: 'position_out_of_reach', status: 410 })
  const wrong = await caller.get('queries/onShelf?shelf=a', '=yesterday')
  expect(wrong.json()).toMatchObject({ code: 'invalid_header' })
  for (let left = 100; (await first()) <= position + 1; left++) {
    await caller.put('another', left)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  // What each unit has made last is still there: something else takes its place.
  const { position: newest } = await caller.shelf()
  for (let unit = 0; unit < 2; unit++) await caller.shelf(`=${newest}`)
  const gone = await caller.get('queries/onShelf?shelf=a', `=${position}`)
  expect(gone.json()).toMatchObject({
    code: 'position_out_of_reach',
    error: { oldest: expect.any(Number), newest: expect.any(Number) },
  })
}

test('the embedded grid answers as of what was, and after a restart', async () => {
  const dataDirectory = await mkdtemp(join(tmpdir(), 'past-'))
  cleanUps.push(() => rm(dataDirectory, { recursive: true, force: true }))
  const space: Space = warehouseNamed('warehouse')
  const start = async () => {
    const grid = new EmbeddedGrid([space], { dataDirectory, ...settings })
    grid.start()
    await waitFor(() => grid.readiness().ready, { what: 'the grid to be ready' })
    const server = createHttpServer(grid.serving, { log })
    const bounds = () => grid.ports.get('warehouse')?.log.held()
    await keeps(grid.ports.get('warehouse')?.past as Log)
    return { grid, server, caller: new Caller(server, 'warehouse'), bounds }
  }
  const before = await start()
  await before.caller.put('kept', 1)
  const { position, result } = await before.caller.shelf()
  await before.server.close()
  await before.grid.stop()
  const { grid, server, caller, bounds } = await start()
  cleanUps.push(async () => {
    await server.close()
    await grid.stop()
  })
  expect((await caller.shelf(`=${position}`)).result).toEqual(result)
  await putAndAsk(caller, async () => bounds()?.first ?? 0)
})

test('a grid on NATS and MongoDB answers as of what was, over HTTP and NATS', async () => {
  const name = uniqueName('w').replaceAll('_', '')
  const space = warehouseNamed(name)
  const [clock, random] = [new SystemClock(), new SystemRandom()]
  const store = new MongoStore(inject('mongodbUrl'), clock, { database: uniqueName('past') })
  const messaging = await NatsMessaging.open(inject('natsUrl'), { name: 'past' })
  cleanUps.push(async () => Promise.all([store.close(), messaging.close()]))
  const open = async (kind: 'log' | 'changes' | 'past') => {
    const settings = { stream: streams[kind](name), subject: subjects[kind](name) }
    const opened = await JetStreamLog.open(inject('natsUrl'), settings)
    cleanUps.push(() => opened.close())
    return opened
  }
  const [log, changes, past] = [await open('log'), await open('changes'), await open('past')]
  const ports = { log, changes, past, store, messaging, clock, random }
  const opened = { log: await open('log'), kept: new KeptSnapshots(await open('past')) }
  const unit = new ProcessingUnit('unit', space, { ...ports, past: async () => opened })
  const parts = [
    new DataReader(name, ports),
    new DataWriter(name, ports, settings),
    new DataPump(name, ports, settings),
    unit,
  ]
  for (const part of parts) part.start()
  cleanUps.push(() => Promise.all(parts.map((part) => part.stop())))
  await waitFor(() => unit.readiness().ready, { what: 'the unit to be ready', timeoutMs: 30_000 })
  await keeps(past)
  const server = createHttpServer([unit], { log: { error: () => undefined } })
  const services = await serveSpace(messaging, unit, { log: { error: () => undefined } })
  cleanUps.push(() => Promise.all([server.close(), services.stop()]))
  const caller = new Caller(server, name)
  await caller.put('first', 1)
  const { position, result } = await caller.shelf()
  await caller.put('first', 2)
  const data = Buffer.from(JSON.stringify({ shelf: 'a' }))
  const headers = { 'Grid-Position': `=${position}` }
  const reply = await messaging.request(subjects.query(name, 'onShelf'), data, {
    ...{ headers, timeoutMs: 10_000 },
  })
  expect(JSON.parse(Buffer.from(reply.data).toString())).toEqual({ result, position })
  await toldToOperators(name)
  await putAndAsk(caller, async () => (await log.bounds()).first)
})
