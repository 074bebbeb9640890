import { logNamesOf } from '@spacegrid/grid/core/log-name'
import { partitionHash, partitionOfHash } from '@spacegrid/grid/core/partition'
import { MongoStore } from '@spacegrid/grid/drivers/mongodb/mongo-store'
import { SystemClock } from '@spacegrid/grid/drivers/system/system-clock'
import { encodeMemoryTold } from '@spacegrid/grid/engine/memory/memory-message'
import type { StoredChange } from '@spacegrid/grid/engine/ports/store'
import { decodeHeader } from '@spacegrid/grid/engine/wire/snapshot-codec'
import { streams, subjects } from '@spacegrid/grid/engine/wire/subjects'
import { uniqueName } from '@spacegrid/proof/support/unique-name'
import { MongoClient } from 'mongodb'
import { beforeAll, expect, inject, onTestFinished, test } from 'vitest'
import { carryOut } from './move.ts'
import { planMove } from './move-plan.ts'
import type { MovePorts } from './move-ports.ts'
import {
  item,
  placeOf,
  remembered,
  StoredSpace,
  spaceOfItems,
} from './test-support/stored-space.ts'

const urls = { nats: inject('natsUrl'), mongodb: inject('mongodbUrl') }
const nothing = () => undefined
let mongodb: MongoClient

beforeAll(() => {
  mongodb = new MongoClient(urls.mongodb)
  return () => mongodb.close()
})

function newSpace(): StoredSpace {
  const space = new StoredSpace(`m${uniqueName().replaceAll(/[^A-Za-z0-9]/g, '')}`, urls)
  onTestFinished(async () => {
    await space[Symbol.asyncDispose]()
    await mongodb.db(space.database).dropDatabase()
  })
  return space
}

const portsOf = async (space: StoredSpace): Promise<MovePorts> => {
  const ports = await space.ports()
  onTestFinished(() => ports.close())
  return ports
}

const planned = async (space: StoredSpace, to: number, ports?: MovePorts) =>
  await planMove(spaceOfItems(space.name, 1), to, ports ?? (await portsOf(space)), nothing)

async function move(space: StoredSpace, to: number): Promise<void> {
  const ports = await portsOf(space)
  const plan = await planned(space, to, ports)
  if (!plan) throw new Error('there is nothing to do')
  await carryOut(plan, ports, nothing)
}

const groups = Array.from({ length: 50 }, (_, at) => at)
const itemsOf = (partition: number, partitions: number): StoredChange[] =>
  groups
    .filter((group) => placeOf(group, partitions) === partition)
    .map((group) => item(`item ${group}`, group, group + 1))

/** What each partition has, with the checkpoint of each read for what it says of itself. */
async function contentsOf(space: StoredSpace, partitions: number) {
  const all = []
  for (const logName of logNamesOf(space.name, partitions)) {
    const contents = await space.contents(logName)
    const checkpoint = await space.store.checkpoint(logName)
    expect(checkpoint?.entries, logName).toBe(contents.size)
    const { shape, position } = decodeHeader(checkpoint?.replicated ?? new Uint8Array())
    expect([shape.partitions ?? 1, position]).toEqual([partitions, checkpoint?.position])
    all.push(contents)
  }
  return all
}

test('entries go where they belong, their digests are right, and a log goes on from them', async () => {
  const space = newSpace()
  await space.fill([itemsOf(0, 2), itemsOf(1, 2)])
  await move(space, 5)
  for (const [partition, contents] of (await contentsOf(space, 5)).entries())
    expect(contents).toEqual(
      new Map(itemsOf(partition, 5).map(({ key, version }) => [`items/${key}`, version])),
    )
  const ports = await portsOf(space)
  for (const logName of logNamesOf(space.name, 5)) {
    const checkpoint = await space.store.checkpoint(logName)
    const log = await ports.streams.find(logName, 'log')
    expect(log).toMatchObject({ identity: checkpoint?.logIdentity, last: checkpoint?.position })
    expect(checkpoint?.position).toBeGreaterThan(100_000_000)
  }
  expect(await planned(space, 5)).toBeUndefined()
  // Back to where it was: the same again, further on.
  await move(space, 1)
  const [whole] = await contentsOf(space, 1)
  expect(whole?.size).toBe(groups.length)
  const indexes = await mongodb.db(space.database).collection(`${space.name}.items`).indexes()
  expect(indexes).toHaveLength(1)
  const document = await mongodb.db(space.database).collection(`${space.name}.items`).findOne()
  expect(document?._grid).not.toHaveProperty('partition')
})

test('answers under idempotency keys go where they belong, or everywhere, whatever the keys look like', async () => {
  const space = newSpace()
  // In one partition `1/k` is a key; in several, `1/k` is where `k` of partition 1 is.
  const keys = ['k', '1/k', '0/k', '1/1/k']
  await space.fill([keys.map((key, at) => remembered(key, at + 1))])
  await move(space, 2)
  const everywhere = new Map(keys.map((key, at) => [`_idempotency/${key}`, at + 1]))
  expect(await contentsOf(space, 2)).toEqual([everywhere, everywhere])
  await move(space, 3)
  expect(await contentsOf(space, 3)).toEqual([everywhere, everywhere, everywhere])
  await move(space, 1)
  expect(await contentsOf(space, 1)).toEqual([everywhere])
})

test('of answers that partitions have under one key the one that is remembered longest stays, and that is told', async () => {
  const space = newSpace()
  const [one, other] = [0, 1].map((place) => groups.find((it) => placeOf(it, 2) === place) ?? 0)
  const hash = (group: number | undefined) => partitionHash([group ?? 0])
  await space.fill([
    [remembered('same', 1, { hash: hash(one), expiresAt: 10 })],
    [remembered('same', 2, { hash: hash(other), expiresAt: 20 })],
  ])
  const plan = await planned(space, 1)
  expect(plan).toMatchObject({ forgotten: 1, entries: 2 })
  await move(space, 1)
  expect(await contentsOf(space, 1)).toEqual([new Map([['_idempotency/same', 2]])])
  // It still says where it belongs.
  await move(space, 3)
  const place = partitionOfHash(hash(other), 3)
  expect((await contentsOf(space, 3)).map(({ size }) => size)).toEqual(
    [0, 1, 2].map((at) => (at === place ? 1 : 0)),
  )
})

test('a move that is interrupted anywhere goes on, and another number is refused meanwhile', async () => {
  const space = newSpace()
  await space.fill([[...itemsOf(0, 1), remembered('k', 99)]])
  const steps = ['begin', 'rewrite', 'recount', 'finish'] as const
  for (const step of steps) {
    const ports = await portsOf(space)
    const plan = await planned(space, 4, ports)
    if (!plan) throw new Error('there is nothing to do')
    const { store } = ports
    const work = store[step].bind(store) as (...given: unknown[]) => Promise<unknown>
    Object.assign(store, {
      [step]: async (...given: unknown[]) => {
        // Done, and nobody hears of it; the last one is not even done.
        if (step !== 'finish') await work(...given)
        throw new Error(`killed in ${step}`)
      },
    })
    await expect(carryOut(plan, ports, nothing)).rejects.toThrow(`killed in ${step}`)
    await expect(planned(space, 2)).rejects.toThrow(/--partitions 4/)
    // Nobody starts from it, and no name is taken for a new one.
    for (const logName of [space.name, `${space.name}.0`, `${space.name}.3`])
      await expect(space.store.checkpoint(logName)).rejects.toMatchObject({
        code: 'configuration_invalid',
        message: expect.stringContaining('npx spacegrid repartition --partitions 4'),
      })
    expect(await planned(space, 4)).toMatchObject({ goesOn: true })
  }
  await move(space, 4)
  const sizes = (await contentsOf(space, 4)).map(({ size }) => size)
  expect(sizes).toEqual([0, 1, 2, 3].map((at) => itemsOf(at, 4).length + 1))
})

test('of two that move at the same time the one that came first cannot finish', async () => {
  const space = newSpace()
  await space.fill([itemsOf(0, 1)])
  const [first, second] = [await portsOf(space), await portsOf(space)]
  const plan = await planned(space, 3, first)
  if (!plan) throw new Error('there is nothing to do')
  const finish = first.store.finish.bind(first.store)
  Object.assign(first.store, {
    finish: async (...given: Parameters<typeof finish>) => {
      await second.store.takeOver()
      await finish(...given)
    },
  })
  await expect(carryOut(plan, first, nothing)).rejects.toMatchObject({ code: 'stale_writer' })
  await move(space, 3)
  expect((await contentsOf(space, 3)).reduce((sum, { size }) => sum + size, 0)).toBe(50)
})

test('names that are no more are told so, also to a writer that would put its checkpoint back', async () => {
  const space = newSpace()
  await space.fill([itemsOf(0, 2), itemsOf(1, 2)])
  const gone = `${space.name}.1`
  const known = await space.store.checkpoint(gone)
  if (!known) throw new Error('there is no checkpoint')
  await move(space, 1)
  // As it was opened before.
  const told = {
    code: 'configuration_invalid',
    message: expect.stringContaining('one partition now'),
  }
  await expect(space.store.restore(gone, known)).rejects.toMatchObject(told)
  await expect(space.store.checkpoint(gone)).rejects.toMatchObject(told)
  const fresh = new MongoStore(urls.mongodb, new SystemClock(), { database: space.database })
  onTestFinished(() => fresh.close())
  expect(await fresh.logNames()).toEqual([space.name])
  const [log, next] = [await space.log(space.name), await fresh.checkpoint(space.name)]
  if (!next) throw new Error('there is no checkpoint')
  const position = await log.append(Buffer.from('next'))
  await fresh.apply(space.name, next.position, { ...next, position }, [])
  // And back: the names are used again.
  await move(space, 2)
  expect((await contentsOf(space, 2)).map(({ size }) => size)).toEqual([
    itemsOf(0, 2).length,
    itemsOf(1, 2).length,
  ])
})

interface Hindrance {
  readonly what: string
  readonly make: (space: StoredSpace) => Promise<unknown>
  readonly says: RegExp
}

const collectionOf = (space: StoredSpace, cache: string) =>
  mongodb.db(space.database).collection<{ _id: string }>(`${space.name}.${cache}`)

const hindrances: readonly Hindrance[] = [
  {
    what: 'MongoDB is behind a log',
    make: async (space) => (await space.log(`${space.name}.1`)).append(Buffer.from('more')),
    says: /MongoDB is behind the log: \S+\.1 by 1 positions/,
  },
  {
    what: 'somebody follows a log',
    make: async (space) => {
      const tail = (await space.log(`${space.name}.0`)).tail(0, {
        record: nothing,
        broken: nothing,
      })
      onTestFinished(() => tail.stop())
      const ports = await portsOf(space)
      await expect
        .poll(async () => (await ports.streams.find(`${space.name}.0`, 'log'))?.consumers)
        .toBe(1)
    },
    says: /somebody follows SPACE_\S+-0_LOG/,
  },
  {
    what: 'a command across partitions is open',
    make: (space) => collectionOf(space, '_holds').insertOne({ _id: '0/attempt' }),
    says: /1 commands across partitions of \S+ are not finished \(_holds\)/,
  },
  {
    what: 'an entry is in quarantine',
    make: (space) =>
      mongodb
        .db(space.database)
        .collection('grid.quarantine')
        .insertOne({ space: `${space.name}.1` }),
    says: /1 entries of \S+ are in quarantine/,
  },
  {
    what: 'an entry has been changed by hand',
    make: (space) => collectionOf(space, 'items').updateOne({}, { $set: { group: 7000 } }),
    says: /as the grid has written it: npx spacegrid audit/,
  },
  {
    what: 'an entry is gone',
    make: (space) => collectionOf(space, 'items').deleteOne({}),
    says: /does not hold what the checkpoint of/,
  },
  {
    what: 'the log is another one',
    make: async (space) => {
      const ports = await portsOf(space)
      const kept = { num_replicas: 1, max_bytes: -1 }
      await ports.streams.replace(`${space.name}.1`, 'log', 9, kept, undefined)
    },
    says: /does not continue what MongoDB holds: npx spacegrid recover/,
  },
]

test.each(hindrances)('while $what nothing is moved', async ({ make, says }) => {
  const space = newSpace()
  await space.fill([itemsOf(0, 2), itemsOf(1, 2)])
  await make(space)
  await expect(planned(space, 4)).rejects.toThrow(says)
  expect(await mongodb.db(space.database).collection('grid.moves').countDocuments()).toBe(0)
})

test('while a process works for the space nothing is moved', async () => {
  const space = newSpace()
  await space.fill([itemsOf(0, 1)])
  const ports = await portsOf(space)
  const told = { id: 1, name: 'reader-1', role: 'reader', share: 0, full: false }
  const telling = setInterval(
    () => ports.messaging.publish(subjects.memory(space.name), encodeMemoryTold(told)),
    10,
  )
  onTestFinished(() => clearInterval(telling))
  await expect(planned(space, 4, ports)).rejects.toThrow(/in use: stop reader reader-1 first/)
})

test('somebody who appends in the last moment is noticed, and everything is as it was', async () => {
  const space = newSpace()
  await space.fill([itemsOf(0, 2), itemsOf(1, 2)])
  const ports = await portsOf(space)
  const plan = await planned(space, 4, ports)
  if (!plan) throw new Error('there is nothing to do')
  const before = await space.store.checkpoint(`${space.name}.1`)
  await (await space.log(`${space.name}.1`)).append(Buffer.from('late'))
  await expect(carryOut(plan, ports, nothing)).rejects.toThrow(/nothing has been changed/)
  expect(await space.store.checkpoint(`${space.name}.1`)).toEqual(before)
  expect((await contentsOf(space, 2)).map(({ size }) => size)).toEqual(
    [0, 1].map((at) => itemsOf(at, 2).length),
  )
  const fresh = await portsOf(space)
  expect(await fresh.streams.find(`${space.name}.3`, 'log')).toBeUndefined()
})

// A unit of an old version would begin a partition that is no more, from nothing.
test('streams of another number of partitions are not created beside those that there are', async () => {
  const space = newSpace()
  await space.fill([itemsOf(0, 1)])
  await move(space, 2)
  const { JetStreamLog } = await import('@spacegrid/grid/drivers/nats/jetstream-log')
  const open = (partition: number, partitions: number) => {
    const logName = `${space.name}.${partition}`
    const division = { partitions, subjects: subjects.log(`${space.name}.*`) }
    const stream = { stream: streams.log(logName), subject: subjects.log(logName) }
    return JetStreamLog.open(urls.nats, { ...stream, division })
  }
  await expect(open(3, 4)).rejects.toMatchObject({
    code: 'configuration_invalid',
    message: expect.stringMatching(/its space has 2 partitions, not 4/),
  })
  const log = await open(1, 2)
  await log.close()
})
