import { DataPump } from '@spacegrid/data-pump/data-pump'
import { DataReader } from '@spacegrid/data-reader/data-reader'
import { DataWriter } from '@spacegrid/data-writer/data-writer'
import { MongoStore } from '@spacegrid/grid/drivers/mongodb/mongo-store'
import { JetStreamLog } from '@spacegrid/grid/drivers/nats/jetstream-log'
import { NatsMessaging } from '@spacegrid/grid/drivers/nats/nats-messaging'
import { RedisImage } from '@spacegrid/grid/drivers/redis/redis-image'
import { SystemClock } from '@spacegrid/grid/drivers/system/system-clock'
import { SystemRandom } from '@spacegrid/grid/drivers/system/system-random'
import type { RehydrationSource } from '@spacegrid/grid/engine/replica/rehydration'
import { streams, subjects } from '@spacegrid/grid/engine/wire/subjects'
import { createItemsSpace } from '@spacegrid/proof/simulator/scenarios/items-space'
import { startMongod, startNats, startRedis } from '@spacegrid/proof/support/test-servers'
import { uniqueName } from '@spacegrid/proof/support/unique-name'
import { waitFor } from '@spacegrid/proof/support/wait-for'
import { ProcessingUnit } from '@spacegrid/runtime/processing-unit'
import { afterEach, expect, inject, test } from 'vitest'

const clock = new SystemClock()
const random = new SystemRandom()
const cleanUps: (() => Promise<void>)[] = []

afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp()
})

interface Urls {
  readonly nats: string
  readonly mongodb: string
  readonly redis: string
}

/** A grid of components in this process, under a name of its own. */
class ServerGrid {
  readonly space = createItemsSpace(uniqueName('s').replaceAll('_', ''))
  readonly store: MongoStore
  readonly image: RedisImage
  readonly #natsUrl: string
  readonly #messaging: Promise<NatsMessaging>
  #units = 0

  constructor({ nats, mongodb, redis }: Urls) {
    this.store = new MongoStore(mongodb, clock, {
      database: uniqueName('grid'),
      unavailableAfterMs: 1000,
    })
    this.image = new RedisImage(redis, clock)
    this.#natsUrl = nats
    this.#messaging = NatsMessaging.open(nats, { name: 'test' })
  }

  async ports() {
    const { name } = this.space
    const open = (stream: string, subject: string) =>
      JetStreamLog.open(this.#natsUrl, { stream, subject })
    const log = await open(streams.log(name), subjects.log(name))
    const changes = await open(streams.changes(name), subjects.changes(name))
    const messaging = await this.#messaging
    cleanUps.unshift(async () => {
      await Promise.all([log.close(), changes.close()])
    })
    return { log, changes, messaging, clock, random, store: this.store, image: this.image }
  }

  async pump(): Promise<DataPump> {
    return this.#started(new DataPump(this.space.name, await this.ports()))
  }

  async writer(): Promise<DataWriter> {
    return this.#started(
      new DataWriter(this.space.name, await this.ports(), { trimDelayMs: 500, takeoverMs: 500 }),
    )
  }

  async reader(): Promise<DataReader> {
    return this.#started(new DataReader(this.space.name, await this.ports()))
  }

  async unit(...sources: RehydrationSource[]): Promise<ProcessingUnit> {
    const name = `unit-${++this.#units}`
    const options = sources.length > 0 ? { sources } : {}
    const unit = this.#started(new ProcessingUnit(name, this.space, await this.ports(), options))
    await waitFor(() => unit.readiness().ready, { what: `${name} to be ready`, timeoutMs: 20_000 })
    return unit
  }

  async close(): Promise<void> {
    await Promise.all([this.store.close(), this.image.close(), (await this.#messaging).close()])
  }

  #started<T extends { start(): void; stop(): Promise<void> }>(part: T): T {
    part.start()
    cleanUps.push(() => part.stop())
    return part
  }
}

/** By default on the servers that all tests share. */
function createGrid(urls?: Urls): ServerGrid {
  const grid = new ServerGrid(
    urls ?? {
      nats: inject('natsUrl'),
      mongodb: inject('mongodbUrl'),
      redis: inject('redisUrl'),
    },
  )
  cleanUps.push(() => grid.close())
  return grid
}

/** What a caller may hear while servers are being killed. */
const passing = ['log_unavailable', 'outcome_unknown', 'not_ready', 'overloaded']

/** Commands from several callers at once until told to stop; then how many were acknowledged. */
function sendCommands(
  units: readonly ProcessingUnit[],
  accepted: readonly string[] = [],
): () => Promise<number> {
  let stopped = false
  const caller = async (number: number): Promise<number> => {
    let acknowledged = 0
    for (let n = 0; !stopped; n++) {
      const unit = units[(number + n) % units.length] as ProcessingUnit
      const commands: [string, unknown][] = [
        ['put', { id: `${number}-${n % 97}`, size: n }],
        ['bump', { id: `shared-${n % 5}` }],
        ['put', { id: `fresh-${number}-${n}`, size: n }],
        ['regroup', { limit: 3 }],
        ['remove', { id: `${number}-${(n * 7) % 97}` }],
      ]
      const [name, input] = commands[n % commands.length] as [string, unknown]
      try {
        await unit.execute(name, input)
        acknowledged++
      } catch (error) {
        // A refusal is an answer.
        const { code = '' } = error as { code?: string }
        if (!['rejected', ...accepted].includes(code)) throw error
        if (code !== 'rejected') await new Promise((resolve) => setTimeout(resolve, 20))
      }
    }
    return acknowledged
  }
  const callers = Array.from({ length: 8 }, (_, number) => caller(number))
  return async () => {
    stopped = true
    return (await Promise.all(callers)).reduce((sum, count) => sum + count, 0)
  }
}

// architecture.md, invariants 5 to 9
test('whatever pumps and writers die, the store, the image and every unit agree', async () => {
  const grid = createGrid()
  await grid.reader()
  const pumps = [await grid.pump(), await grid.pump()]
  const writers = [await grid.writer(), await grid.writer()]
  const units = [await grid.unit(), await grid.unit()]
  const stop = sendCommands(units)
  for (let round = 0; round < 4; round++) {
    await new Promise((resolve) => setTimeout(resolve, 500))
    await pumps.shift()?.stop()
    pumps.push(await grid.pump())
    await writers.shift()?.stop()
    writers.push(await grid.writer())
    if (round === 2) await grid.image.clear(grid.space.name)
  }
  // Joins from the image, and from the store, while commands go on and the log's beginning is gone.
  const { log } = await grid.ports()
  await waitFor(async () => (await log.bounds()).first > 1, { what: 'the log to be trimmed' })
  units.push(await grid.unit('reader'), await grid.unit('store'))
  expect(await stop()).toBeGreaterThan(1000)

  const { last } = await log.bounds()
  for (const store of [grid.store, grid.image])
    await waitFor(async () => ((await store.checkpoint(grid.space.name))?.position ?? 0) >= last, {
      what: 'everything to be persisted',
      timeoutMs: 20_000,
    })
  const stored = await grid.store.checkpoint(grid.space.name)
  const restored = await grid.unit('store')
  for (const unit of [...units, restored]) {
    await waitFor(() => unit.position >= (stored?.position ?? 0), { what: 'the unit to catch up' })
    expect(unit.status().digest).toBe(restored.status().digest)
    expect(unit.status().entries).toBe(stored?.entries)
  }
})

// architecture.md, section 5
test('each server is killed and comes back; nothing is lost', { timeout: 120_000 }, async () => {
  const servers = await Promise.all([startNats(), startMongod(), startRedis()])
  cleanUps.push(async () => {
    await Promise.all(servers.map((server) => server.stop()))
  })
  const [nats, mongodb, redis] = servers
  const grid = createGrid({ nats: nats.url, mongodb: mongodb.url, redis: redis.url })
  await grid.reader()
  const pump = await grid.pump()
  const writer = await grid.writer()
  const units = [await grid.unit(), await grid.unit()]
  const stop = sendCommands(units, passing)
  for (const server of [redis, mongodb, nats]) {
    await new Promise((resolve) => setTimeout(resolve, 1000))
    await server.kill()
    await new Promise((resolve) => setTimeout(resolve, 2000))
    await server.restart()
  }
  await new Promise((resolve) => setTimeout(resolve, 1000))
  expect(await stop()).toBeGreaterThan(500)
  const { log } = await grid.ports()
  const { last } = await log.bounds()
  const everywhere = () =>
    [writer.status().position ?? 0, pump.status().imagePosition].every((at) => at >= last)
  await waitFor(everywhere, { what: 'store and image to catch up', timeoutMs: 30_000 })
  for (const source of ['store', 'reader'] as const) {
    const restored = await grid.unit(source)
    await waitFor(() => restored.position >= last, { what: 'the unit to catch up' })
    for (const unit of units) {
      await waitFor(() => unit.readiness().ready, { what: 'the unit to be back' })
      expect(unit.status().digest).toBe(restored.status().digest)
    }
  }
})

test('a transaction of 100,000 changes is persisted, and a unit starts from it', async () => {
  const grid = createGrid()
  await grid.reader()
  await grid.pump()
  await grid.writer()
  const unit = await grid.unit()
  await unit.execute('fill', { prefix: 'seat ', count: 100_000 })
  // A busy machine takes longer for so many than a caller would wait.
  for (const [what, copy] of Object.entries({ store: grid.store, image: grid.image })) {
    const entries = async () => (await copy.checkpoint(grid.space.name))?.entries
    await waitFor(async () => (await entries()) === 100_000, { what, timeoutMs: 60_000 })
  }
  for (const source of ['store', 'reader'] as const) {
    const other = await grid.unit(source)
    expect(other.status().digest).toBe(unit.status().digest)
  }
})
