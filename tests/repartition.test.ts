import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { logNamesOf } from '@spacegrid/grid/core/log-name'
import { partitionHash, partitionOfHash } from '@spacegrid/grid/core/partition'
import { SpaceStreams } from '@spacegrid/grid/drivers/nats/space-streams'
import { auditCopies } from '@spacegrid/proof/support/copies-audit'
import { type Answer, PatientClient } from '@spacegrid/proof/support/patient-client'
import { spacegridCommand } from '@spacegrid/proof/support/spacegrid-command'
import { temporaryFolder } from '@spacegrid/proof/support/temporary-folder'
import { startMongod, startNats, startRedis } from '@spacegrid/proof/support/test-servers'
import { waitFor } from '@spacegrid/proof/support/wait-for'
import { type Db, MongoClient } from 'mongodb'
import { ProcessCluster } from 'spacegrid/cluster/process-cluster'
import { spacegridProgram } from 'spacegrid/own-program'
import { findFreePort } from 'spacegrid/servers/free-port'
import type { LocalServer } from 'spacegrid/servers/local-server'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'

const space = 'bank'
const file = fileURLToPath(new URL('../proof/support/bank-space.ts', import.meta.url))
const accounts = Array.from({ length: 40 }, (_, at) => `account-${at}`)
const branches = Array.from({ length: 30 }, (_, at) => `branch-${at}`)
const drawersEach = 300
const transfer = { from: 'account-0', to: 'account-1', sum: 7 }
const patienceMs = 60_000

const servers: LocalServer[] = []
let urls: { readonly nats: string; readonly mongodb: string; readonly redis: string }
let mongodb: MongoClient
let database: Db
let streams: SpaceStreams
let folder: string

beforeAll(async () => {
  const [nats, mongod, redis] = await Promise.all([startNats(), startMongod(), startRedis()])
  servers.push(nats, mongod, redis)
  urls = { nats: nats.url, mongodb: mongod.url, redis: redis.url }
  mongodb = new MongoClient(urls.mongodb)
  database = mongodb.db('spacegrid')
  streams = await SpaceStreams.open(urls.nats, 'test')
  folder = await temporaryFolder('repartition')
})

afterAll(async () => {
  await mongodb.close()
  await streams.close()
  await Promise.all(servers.map((server) => server.stop()))
})

async function startGrid(partitions: number): Promise<ProcessCluster> {
  const cluster = await ProcessCluster.start({
    units: 1,
    application: { files: [file], spaces: [space], partitions: { [space]: partitions } },
    dataDirectory: folder,
    port: await findFreePort(),
    urls,
    environment: { PARTITIONS: String(partitions), STREAM_BYTES_MAX: String(2 ** 28) },
  })
  onTestFinished(() => cluster.stop())
  return cluster
}

/** Units first; the others when MongoDB has all of the log. */
async function stopGrid(cluster: ProcessCluster, partitions: number): Promise<void> {
  for (const unit of cluster.units) await unit.stop()
  await waitFor(
    async () => {
      for (const logName of logNamesOf(space, partitions)) {
        const log = await streams.find(logName, 'log')
        const checkpoint = await database
          .collection<{ _id: string; position: number }>('grid.checkpoints')
          .findOne({ _id: logName })
        if (!log || log.last !== checkpoint?.position) return false
      }
      return true
    },
    { what: 'everything to be stored', timeoutMs: patienceMs },
  )
  await cluster.stop()
}

const environmentOf = (partitions: number) => ({
  ...{ NATS_URL: urls.nats, MONGODB_URL: urls.mongodb, REDIS_URL: urls.redis },
  ...{ PARTITIONS: String(partitions), STREAM_BYTES_MAX: String(2 ** 28) },
})

const repartition = (to: number, ...options: string[]) =>
  spacegridCommand(['repartition', file, '--partitions', `${to}`, ...options], {
    environment: environmentOf(to),
  })

/** Killed as soon as something has happened, unless it has ended by then. */
async function killedWhen(to: number, happened: () => Promise<boolean>): Promise<boolean> {
  const words = ['repartition', file, '--partitions', `${to}`, '--yes', '--json']
  const child: ChildProcess = spawn(process.execPath, [spacegridProgram, ...words], {
    env: { ...process.env, ...environmentOf(to) },
    stdio: 'ignore',
  })
  const ended = once(child, 'exit')
  while (child.exitCode === null && !(await happened()));
  child.kill('SIGKILL')
  await ended
  return child.signalCode === 'SIGKILL'
}

/** What a data writer says that is started with a number of partitions, once it has said this. */
async function saidByWriter(partitions: number, what: RegExp): Promise<string> {
  const own = { SPACES: `${space}:${partitions}`, ADMIN_PORT: String(await findFreePort()) }
  const child = spawn(process.execPath, [spacegridProgram, 'data-writer'], {
    env: { ...process.env, ...environmentOf(partitions), ...own },
  })
  const ended = once(child, 'exit')
  let said = ''
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (data) => {
      said += data
    })
  await waitFor(() => what.test(said) || child.exitCode !== null, {
    what: `the data writer to say ${what}`,
    timeoutMs: patienceMs,
  })
  child.kill('SIGTERM')
  await ended
  return said
}

interface Moving {
  readonly _id: string
  readonly answers: string
}
const moving = () => database.collection<Moving>('grid.moves').findOne({ _id: space })
const inPartition = (cache: string, partition: number) =>
  database
    .collection(`${space}.${cache}`)
    .findOne({ '_grid.partition': partition }, { projection: { _id: 1 } })

const entriesOf = async (partitions: number): Promise<number[]> => {
  const checkpoints = database.collection<{ _id: string; entries: number }>('grid.checkpoints')
  const all = logNamesOf(space, partitions).map((_id) => checkpoints.findOne({ _id }))
  return (await Promise.all(all)).map((checkpoint) => checkpoint?.entries ?? -1)
}

/** What was answered, by idempotency key, and the accounts that there are. */
interface Said {
  readonly answers: Map<string, Answer>
  readonly accounts: string[]
}

const depositInput = (account: string) => ({ account, sum: 100 })

async function give(cluster: ProcessCluster, { answers }: Said, name: string, input: object) {
  const key = `${name} ${Object.values(input)[0]}`
  const client = new PatientClient(cluster.urls.http)
  const answer = await client.persist(space, name, input, patienceMs, key)
  expect(answer?.status, JSON.stringify(answer?.body)).toBe(200)
  answers.set(key, answer as Answer)
}

async function deposit(cluster: ProcessCluster, said: Said, account: string): Promise<void> {
  await give(cluster, said, 'deposit', depositInput(account))
  said.accounts.push(account)
}

async function fill(cluster: ProcessCluster): Promise<Said> {
  const said: Said = { answers: new Map(), accounts: [] }
  await Promise.all(accounts.map((account) => deposit(cluster, said, account)))
  for (const branch of branches)
    await give(cluster, said, 'equip', { branch, drawers: drawersEach })
  await give(cluster, said, 'transfer', transfer)
  return said
}

/** Everything that was ever said still holds, and the space goes on. */
async function expectAll(cluster: ProcessCluster, partitions: number, { answers, accounts }: Said) {
  const client = new PatientClient(cluster.urls.http)
  const ask = (name: string, input: Record<string, string>) =>
    client.untilAnswered(
      () => client.query(space, name, input, { 'grid-consistency': 'latest' }),
      patienceMs,
    )
  const expected = {
    ...{ sum: 100 * accounts.length, accounts: accounts.length, receipts: accounts.length + 2 },
    drawers: branches.length * drawersEach,
  }
  await waitFor(async () => (await ask('totals', {}))?.status === 200, { what: 'the units' })
  expect((await ask('totals', {}))?.body.result).toEqual(expected)
  for (const account of accounts) {
    const key = `deposit ${account}`
    const first = answers.get(key)?.body.result
    const again = await client.persist(space, 'deposit', depositInput(account), patienceMs, key)
    expect(again?.body.result, key).toEqual(first)
    const found = await ask('receipt', { receipt: String(first?.receipt) })
    expect(found?.body.result, key).toMatchObject({ account, sum: 100 })
  }
  const key = `transfer ${transfer.from}`
  const again = await client.persist(space, 'transfer', transfer, patienceMs, key)
  expect(again?.body.result).toEqual(answers.get(key)?.body.result)
  expect((await ask('totals', {}))?.body.result).toEqual(expected)
  const reused = { ...transfer, sum: 8 }
  const other = await client.persist(space, 'transfer', reused, patienceMs, key)
  expect(other?.body.code).toBe('idempotency_key_reused')
  for await (const document of database.collection(`${space}.accounts`).find()) {
    const place = partitionOfHash(partitionHash([document.account]), partitions)
    expect(document._grid.partition).toBe(partitions === 1 ? undefined : place)
  }
  const audits = logNamesOf(space, partitions).map(async (logName) => {
    expect(await auditCopies(urls, logName, 1, patienceMs), logName).toEqual([])
  })
  await Promise.all(audits)
}

// docs/partitions.md, moving to another number: nothing is lost, whenever the command is killed
test('a space is moved from 4 to 16 partitions, to 6, to one and to 4, and killed while it is', async () => {
  const four = await startGrid(4)
  const said = await fill(four)
  const inUse = await repartition(16, '--yes')
  expect(inUse).toMatchObject({ code: 1, errors: expect.stringMatching(/in use: stop .*unit/) })
  await stopGrid(four, 4)

  const dry = await repartition(16, '--dry-run', '--json')
  expect(dry, dry.errors).toMatchObject({ code: 0 })
  const { entries, perPartition } = JSON.parse(dry.output)
  expect(perPartition).toHaveLength(16)
  expect(perPartition.reduce((total: number, one: number) => total + one, 0)).toBe(entries)
  expect((await repartition(16)).errors).toMatch(/Nothing has been done/)
  expect(await moving()).toBeNull()

  const points: [string, () => Promise<boolean>][] = [
    ['it has begun', async () => (await moving()) !== null],
    ['a new log is there', async () => (await streams.find('bank.9', 'log')) !== undefined],
    ['answers are moved', async () => (await moving())?.answers === 'moved'],
    ['some documents are moved', async () => (await inPartition('drawers', 7)) !== null],
  ]
  const killed: string[] = []
  for (const [what, happened] of points) if (await killedWhen(16, happened)) killed.push(what)
  expect(killed).toEqual(points.map(([what]) => what))

  // Nobody begins with what is half moved.
  const other = await repartition(8, '--yes')
  expect(other).toMatchObject({ code: 1, errors: expect.stringMatching(/to its end first/) })
  expect(await saidByWriter(4, /npx spacegrid repartition/)).toMatch(/--partitions 16 brings/)

  const moved = await repartition(16, '--yes', '--json')
  expect(moved, moved.errors).toMatchObject({ code: 0 })
  expect(JSON.parse(moved.output)).toMatchObject({ from: 4, to: 16, goesOn: true, done: true })
  const nothing = await repartition(16, '--yes')
  expect(nothing).toMatchObject({ code: 0, output: expect.stringMatching(/Nothing to do/) })
  const perPartitionNow = await entriesOf(16)
  expect(perPartitionNow).toEqual(perPartition)
  const fewer = await repartition(6, '--yes', '--json')
  expect(fewer, fewer.errors).toMatchObject({ code: 0 })
  expect(await streams.find('bank.9', 'log')).toBeUndefined()
  const six = await startGrid(6)
  await expectAll(six, 6, said)
  await stopGrid(six, 6)

  const back = await repartition(1, '--yes', '--json')
  expect(back, back.errors).toMatchObject({ code: 0 })
  expect(await streams.find('bank.3', 'log')).toBeUndefined()
  const one = await startGrid(1)
  await expectAll(one, 1, said)
  // An id that is made here finds its partition later on.
  await deposit(one, said, 'late')
  await stopGrid(one, 1)

  const divided = await repartition(4, '--yes', '--json')
  expect(divided, divided.errors).toMatchObject({ code: 0 })
  const again = await startGrid(4)
  await expectAll(again, 4, said)
  await stopGrid(again, 4)
}, 600_000)
