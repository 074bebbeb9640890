import { DataPump } from '@spacegrid/data-pump/data-pump'
import { DataReader } from '@spacegrid/data-reader/data-reader'
import { DataWriter } from '@spacegrid/data-writer/data-writer'
import {
  defineCache,
  defineCommand,
  defineQuery,
  defineSpace,
  Type,
} from '@spacegrid/grid/core/define'
import { type LogName, logNamesOf } from '@spacegrid/grid/core/log-name'
import { positionsOf } from '@spacegrid/grid/core/position'
import { createHttpServer } from '@spacegrid/grid/doors/http/http-server'
import { MongoStore } from '@spacegrid/grid/drivers/mongodb/mongo-store'
import { JetStreamLog } from '@spacegrid/grid/drivers/nats/jetstream-log'
import { NatsMessaging } from '@spacegrid/grid/drivers/nats/nats-messaging'
import { SystemClock } from '@spacegrid/grid/drivers/system/system-clock'
import { SystemRandom } from '@spacegrid/grid/drivers/system/system-random'
import { KeptSnapshots } from '@spacegrid/grid/engine/past/kept-snapshots'
import { streams, subjects } from '@spacegrid/grid/engine/wire/subjects'
import { PartitionServices } from '@spacegrid/runtime/partitions/partition-services'
import { PartitionedUnit } from '@spacegrid/runtime/partitions/partitioned-unit'
import { afterEach, expect, inject, test } from 'vitest'
import { uniqueName } from '../support/unique-name.ts'
import { waitFor } from '../support/wait-for.ts'
import { HttpCaller } from './http-caller.ts'

const cleanUps: (() => Promise<unknown>)[] = []

afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp()
})

const log = { error: () => undefined }
const settings = { pastMs: 2000, trimDelayMs: 100 }
const shelves = ['a', 'b', 'c', 'd', 'e', 'f']

const stock = defineCache('stock', {
  schema: Type.Object({ id: Type.String(), shelf: Type.String(), left: Type.Integer() }),
  key: 'id',
  partitionBy: 'shelf',
  readable: true,
  indexes: { byShelf: ['shelf', 'id'] },
})

const spaceNamed = (name: string) =>
  defineSpace(name, {
    partitions: 2,
    caches: [stock],
    commands: [
      defineCommand('put', {
        input: Type.Object({ id: Type.String(), shelf: Type.String(), left: Type.Integer() }),
        partitionBy: 'shelf',
        handler: (tx, item) => tx.put(stock, item),
      }),
    ],
    queries: [
      defineQuery('onShelf', {
        input: Type.Object({ shelf: Type.String() }),
        partitionBy: 'shelf',
        handler: (read, { shelf }) => read.range(stock, 'byShelf', { equals: [shelf] }),
      }),
      defineQuery('left', {
        input: Type.Object({}),
        handler: (read) => read.range(stock, 'byShelf').reduce((sum, { left }) => sum + left, 0),
        everyPartition: { merge: (sums) => sums.reduce((sum, it) => sum + it, 0) },
      }),
    ],
  })

interface Answer {
  readonly result: unknown
  readonly position: string
}

/** Two units, each of which keeps one partition. */
async function start() {
  const name = uniqueName('d').replaceAll('_', '')
  const space = spaceNamed(name)
  const [clock, random] = [new SystemClock(), new SystemRandom()]
  const store = new MongoStore(inject('mongodbUrl'), clock, { database: uniqueName('past') })
  const messaging = await NatsMessaging.open(inject('natsUrl'), { name: 'past' })
  cleanUps.push(async () => Promise.all([store.close(), messaging.close()]))
  const open = async (logName: LogName, kind: 'log' | 'changes' | 'past') => {
    const settings = { stream: streams[kind](logName), subject: subjects[kind](logName) }
    const opened = await JetStreamLog.open(inject('natsUrl'), settings)
    cleanUps.push(() => opened.close())
    return opened
  }
  const shared = { messaging, clock, random }
  const logs = new Map<LogName, JetStreamLog>()
  const names = logNamesOf(name, 2)
  for (const logName of names) {
    const [own, changes] = [await open(logName, 'log'), await open(logName, 'changes')]
    const ports = { ...shared, log: own, changes, past: await open(logName, 'past'), store }
    logs.set(logName, own)
    const parts = [
      new DataReader(logName, ports),
      new DataWriter(logName, ports, settings),
      new DataPump(logName, ports, settings),
    ]
    for (const part of parts) part.start()
    cleanUps.push(() => Promise.all(parts.map((part) => part.stop())))
  }
  const units = [1, 2].map((number) => {
    const copy = async (partition: number) => {
      const logName = names[partition] as LogName
      const own = { log: await open(logName, 'log') }
      const past = async () => ({ ...own, kept: new KeptSnapshots(await open(logName, 'past')) })
      return { ...shared, ...own, past, close: async () => undefined }
    }
    const options = { copies: 1, relieveMsMax: 0 }
    return new PartitionedUnit(`unit-${number}`, space, { ...shared, open: copy }, options)
  })
  for (const unit of units) unit.start()
  cleanUps.push(() => Promise.all(units.map((unit) => unit.stop())))
  const isShared = () =>
    units.every((unit) => unit.readiness().ready && unit.kept.size === 1 && unit.parts.size === 1)
  await waitFor(isShared, { what: 'each unit to keep a partition', timeoutMs: 50_000 })
  const server = createHttpServer(units.slice(0, 1), { log })
  cleanUps.push(() => server.close())
  return { names, logs, messaging, units, caller: new HttpCaller(server, name), open }
}

test('a divided space on NATS and MongoDB answers as of what was, wherever its partitions are', async () => {
  const { names, logs, messaging, units, caller, open } = await start()
  for (const logName of names) {
    const kept = new KeptSnapshots(await open(logName, 'past'))
    const isKept = async () => (await kept.list()).kept.length > 0
    await waitFor(isKept, { what: `the first snapshot of ${logName}`, timeoutMs: 30_000 })
  }
  const answered: { readonly path: string; readonly answer: Answer }[] = []
  for (let left = 1; left <= 12; left++) {
    await caller.command('put', { id: 'item', shelf: shelves[left % shelves.length], left })
    for (const path of ['queries/left', `queries/onShelf?shelf=${shelves[left % 3]}`])
      answered.push({ path, answer: await caller.ask<Answer>(path) })
  }
  const first = answered[0] as { readonly path: string; readonly answer: Answer }
  expect(positionsOf(first.answer.position)?.size).toBe(2)
  for (const { path, answer } of answered)
    expect(await caller.ask(path, `=${answer.position}`)).toEqual(answer)
  // Nothing is put any more: this is what there is at any time from now on.
  const present = await caller.ask<Answer>('queries/left')
  const now = Date.now()
  await waitFor(() => Date.now() > now + 1, { what: 'another millisecond' })
  const at = await caller.ask('queries/left', `=${new Date(now + 1).toISOString()}`)
  expect(at).toEqual(present)
  await history(caller)
  await atOnePartition(messaging, names, units, present)
  const refused = await caller.get('queries/left', '=0.5')
  expect(refused.json()).toMatchObject({ code: 'invalid_header' })
  const isTrimmed = async () => {
    for (const shelf of shelves) await caller.command('put', { id: 'another', shelf, left: 0 })
    const bounds = await Promise.all([...logs.values()].map((it) => it.bounds()))
    const positions = positionsOf(first.answer.position)
    return bounds.every((it, partition) => it.first > (positions?.get(partition) ?? 0) + 1)
  }
  await waitFor(isTrimmed, { what: 'both logs to be trimmed', timeoutMs: 30_000 })
  // What each partition has made last is still there: something else takes its place.
  const { position: newest } = await caller.ask<Answer>('queries/left')
  await caller.ask('queries/left', `=${newest}`)
  const gone = await caller.get('queries/left', `=${first.answer.position}`)
  expect(gone.json()).toMatchObject({
    ...{ code: 'position_out_of_reach', status: 410 },
    error: { oldest: expect.stringMatching(/^[01]\.\d+$/), oldestTime: expect.any(String) },
  })
})

/** Of a key that does not say where its entry is: it is in both partitions. */
async function history(caller: HttpCaller): Promise<void> {
  const told: { readonly time: number; readonly to: { readonly left: number } }[] = []
  for (let cursor = ''; ; ) {
    const page = await caller.get(`caches/stock/item/history?limit=5${cursor}`)
    expect(page.statusCode, page.body).toBe(200)
    const { changes, next } = page.json<{ changes: typeof told; next: string | null }>()
    told.push(...changes)
    if (next === null) break
    cursor = `&cursor=${encodeURIComponent(next)}`
  }
  const left = told.map(({ to }) => to.left)
  expect(left.toSorted((one, other) => one - other)).toEqual([
    1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12,
  ])
  const times = told.map(({ time }) => time)
  expect(times).toEqual(times.toSorted((one, other) => other - one))
}

/** Over the services of single partitions, for those who know where what they ask for is. */
async function atOnePartition(
  messaging: NatsMessaging,
  names: readonly LogName[],
  units: readonly PartitionedUnit[],
  { position }: Answer,
): Promise<void> {
  const services = units.map((unit) => new PartitionServices(messaging, unit, { log }))
  cleanUps.push(() => Promise.all(services.map((service) => service.stop())))
  const data = Buffer.from('{}')
  for (const [partition, logName] of names.entries()) {
    const at = `${partition}.${positionsOf(position)?.get(partition)}`
    const ask = () =>
      messaging
        .request(subjects.query(logName, 'left'), data, {
          ...{ headers: { 'Grid-Position': `=${at}` }, timeoutMs: 10_000 },
        })
        .catch(() => undefined)
    let told: unknown
    const isAnswered = async () => {
      const reply = await ask()
      if (reply) told = JSON.parse(Buffer.from(reply.data).toString())
      return reply !== undefined
    }
    await waitFor(isAnswered, { what: `the service of ${logName}` })
    expect(told).toMatchObject({ position: at })
  }
}
