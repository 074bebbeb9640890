import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { defineCache, defineCommand, defineSpace, Type } from '@spacegrid/grid/core/define'
import { type LogName, logNamesOf } from '@spacegrid/grid/core/log-name'
import { partitionHash, partitionOfHash } from '@spacegrid/grid/core/partition'
import { JetStreamLog } from '@spacegrid/grid/drivers/nats/jetstream-log'
import { LogConnections } from '@spacegrid/grid/drivers/nats/log-connections'
import { NatsMessaging } from '@spacegrid/grid/drivers/nats/nats-messaging'
import { SystemClock } from '@spacegrid/grid/drivers/system/system-clock'
import { SystemRandom } from '@spacegrid/grid/drivers/system/system-random'
import { ranking } from '@spacegrid/grid/engine/placement/rendezvous'
import { streams, subjects } from '@spacegrid/grid/engine/wire/subjects'
import { uniqueName } from '@spacegrid/proof/support/unique-name'
import { waitFor } from '@spacegrid/proof/support/wait-for'
import { ProcessingUnit } from '@spacegrid/runtime/processing-unit'
import { MongoClient } from 'mongodb'
import { findFreePort } from 'spacegrid/servers/free-port'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'

const partitions = 8
const shelves = 40
const urls = { nats: inject('natsUrl'), mongodb: inject('mongodbUrl'), redis: inject('redisUrl') }
const roles = ['data-reader', 'data-pump', 'data-writer']
const nameOf = (role: string, number: number) => `${role}-${number}`

/** What falls to a process while both of its role are there. */
const shareOf = (space: string, role: string, number: number): LogName[] => {
  const candidates = [1, 2].map((each) => ({ name: nameOf(role, each), weight: 1 }))
  return logNamesOf(space, partitions)
    .filter((logName) => ranking(candidates, logName)[0]?.name === nameOf(role, number))
    .sort()
}

/** One of which something falls to everyone. */
function newSpaceName(): string {
  for (;;) {
    const name = `s${uniqueName().replaceAll(/[^A-Za-z0-9]/g, '')}`
    const shares = roles.flatMap((role) => [1, 2].map((number) => shareOf(name, role, number)))
    if (shares.every((share) => share.length > 1)) return name
  }
}

const name = newSpaceName()

const items = defineCache('items', {
  schema: Type.Object({ key: Type.String(), shelf: Type.Integer(), count: Type.Integer() }),
  key: 'key',
  partitionBy: 'shelf',
})
const add = defineCommand('add', {
  input: Type.Object({ shelf: Type.Integer() }),
  partitionBy: 'shelf',
  handler: (tx, { shelf }) => {
    const key = `shelf ${shelf}`
    const { count } = tx.get(items, key) ?? { count: 0 }
    tx.put(items, { key, shelf, count: count + 1 })
  },
})
const space = defineSpace(name, { partitions, caches: [items], commands: [add] })
const logNames = logNamesOf(name, partitions)

type Spaces = Record<LogName, { readonly state: string; readonly lag?: number }>

/** A pump, a writer or a reader as a process of its own, and what it says of itself. */
class RoleProcess {
  readonly role: string
  /** What falls to it while the other one is there. */
  readonly share: readonly LogName[]
  readonly #name: string
  #child: ChildProcess | undefined
  #adminPort = 0

  constructor(role: string, number: number) {
    this.role = role
    this.share = shareOf(name, role, number)
    this.#name = nameOf(role, number)
  }

  async start(): Promise<void> {
    this.#adminPort = await findFreePort()
    const env = {
      ...process.env,
      ...{ NATS_URL: urls.nats, MONGODB_URL: urls.mongodb, REDIS_URL: urls.redis },
      ...{ MONGODB_DB: name, SPACES: `${name}:${partitions}`, STREAM_BYTES_MAX: String(2 ** 27) },
      ...{ UNIT_NAME: this.#name, ADMIN_PORT: String(this.#adminPort), LOG_LEVEL: 'warn' },
    }
    const program = join(import.meta.dirname, '..', this.role, 'main.ts')
    this.#child = spawn(process.execPath, [program], {
      env,
      stdio: ['ignore', 'inherit', 'inherit'],
    })
    await waitFor(() => this.#isReady(), {
      what: `${this.#name} to be ready`,
      timeoutMs: 60_000,
    })
  }

  async kill(signal: NodeJS.Signals): Promise<unknown> {
    const child = this.#child
    this.#child = undefined
    if (!child) return undefined
    const gone = once(child, 'exit')
    child.kill(signal)
    const [code] = await gone
    return code
  }

  async in(state: string): Promise<LogName[]> {
    const answer = await fetch(`http://127.0.0.1:${this.#adminPort}/status`)
    const { spaces } = (await answer.json()) as { readonly spaces: Spaces }
    return Object.entries(spaces)
      .filter(([, status]) => status.state === state)
      .map(([logName]) => logName)
  }

  async #isReady(): Promise<boolean> {
    if (this.#child?.exitCode != null) throw new Error(`${this.#name} has ended`)
    const url = `http://127.0.0.1:${this.#adminPort}/health/ready`
    const answer = await fetch(url).catch(() => undefined)
    return answer?.ok === true
  }
}

const processes = roles.flatMap((role) => [1, 2].map((number) => new RoleProcess(role, number)))
const pairOf = (role: string) =>
  processes.filter((one) => one.role === role) as [RoleProcess, RoleProcess]
const units: ProcessingUnit[] = []
const closing: { close(): Promise<void> }[] = []
const counts = new Map<number, number>()
let mongodb: MongoClient
let isLoading = true
let loading: Promise<unknown>

beforeAll(async () => {
  mongodb = new MongoClient(urls.mongodb)
  const messaging = await NatsMessaging.open(urls.nats, { name: 'test' })
  const connections = await LogConnections.open(urls.nats, { name: 'test' })
  closing.push(messaging, connections, mongodb)
  await Promise.all(processes.map((one) => one.start()))
  for (const [partition, logName] of logNames.entries()) {
    const log = await JetStreamLog.open(connections, {
      ...{ stream: streams.log(logName), subject: subjects.log(logName) },
    })
    closing.unshift(log)
    const ports = { log, messaging, clock: new SystemClock(), random: new SystemRandom() }
    const unit = new ProcessingUnit('unit', space, ports, { partition })
    unit.start()
    units.push(unit)
  }
  await waitFor(() => units.every((unit) => unit.readiness().ready), {
    what: 'the units to be ready',
    timeoutMs: 30_000,
  })
  loading = load()
}, 120_000)

afterAll(async () => {
  isLoading = false
  await loading
  await Promise.all(units.map((unit) => unit.stop()))
  await Promise.all(processes.map((one) => one.kill('SIGTERM')))
  await mongodb.db(name).dropDatabase()
  for (const one of closing) await one.close()
}, 60_000)

/** All partitions are written all the time, or nobody would notice who works. */
async function load(): Promise<void> {
  for (let round = 0; isLoading; round++) {
    const shelf = round % shelves
    const unit = units[partitionOfHash(partitionHash([shelf]), partitions)]
    await unit?.execute('add', { shelf })
    counts.set(shelf, (counts.get(shelf) ?? 0) + 1)
  }
}

const activeOf = async (...ones: RoleProcess[]) =>
  (await Promise.all(ones.map((one) => one.in('active')))).flat().sort()
const isSame = (one: readonly LogName[], other: readonly LogName[]) => one.join() === other.join()

const shared = (role: string) =>
  waitFor(
    async () => {
      for (const one of pairOf(role)) if (!isSame(await activeOf(one), one.share)) return false
      return true
    },
    { what: `each ${role} to work for what falls to it`, timeoutMs: 60_000 },
  )

// Issue: two processes share the work and cover for each other.
test.each(['data-pump', 'data-writer'])(
  'two of %s share the work; one that is killed is covered for, and gets its share back',
  async (role) => {
    const [first, second] = pairOf(role)
    await shared(role)
    const killedAt = performance.now()
    await second.kill('SIGKILL')
    await waitFor(async () => isSame(await activeOf(first), logNames.toSorted()), {
      what: `the other ${role} to work for everything`,
      timeoutMs: 30_000,
    })
    process.stderr.write(`${role}: taken over in ${Math.round(performance.now() - killedAt)} ms\n`)
    await second.start()
    await shared(role)
  },
  180_000,
)

test('what was written is in MongoDB, once', async () => {
  isLoading = false
  await loading
  const stored = async () => {
    const found = await mongodb.db(name).collection(`${name}.items`).find().toArray()
    return new Map(found.map(({ shelf, count }) => [shelf, count]))
  }
  await waitFor(
    async () => {
      const now = await stored()
      return [...counts].every(([shelf, count]) => now.get(shelf) === count)
    },
    { what: 'everything to be stored', timeoutMs: 30_000 },
  )
  expect((await stored()).size).toBe(shelves)
})
