import { startMongod } from '@spacegrid/proof/support/test-servers'
import { uniqueName } from '@spacegrid/proof/support/unique-name'
import { waitFor } from '@spacegrid/proof/support/wait-for'
import { Long, MongoClient } from 'mongodb'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { describeArchiveConformance } from '../../kit/archive-conformance.ts'
import {
  checkpointAt,
  describeStoreConformance,
  put,
  rehydrate,
  remove,
} from '../../kit/store-conformance.ts'
import { SystemClock } from '../system/system-clock.ts'
import { MongoStore } from './mongo-store.ts'

const clock = new SystemClock()
const database = uniqueName('store')
const connect = (url = inject('mongodbUrl')) => new MongoStore(url, clock, { database })

/** FUZZ_RUNS: how many lists of values, for a long run. */
const runs = Number(process.env.FUZZ_RUNS ?? 30)

describeStoreConformance(
  'MongoStore',
  async () => {
    const store = connect()
    const other = connect()
    return {
      store,
      other,
      close: async () => {
        await store.close()
        await other.close()
      },
    }
  },
  runs,
)

describeArchiveConformance('MongoStore', async () => {
  const store = connect()
  return { store, close: () => store.close() }
})

describe('a MongoDB store', () => {
  let store: MongoStore
  let client: MongoClient
  let space: string
  const collection = (name: string) => client.db(database).collection<{ _id: string }>(name)

  beforeAll(() => {
    store = connect()
    client = new MongoClient(inject('mongodbUrl'))
  })
  afterAll(async () => {
    await client.db(database).dropDatabase()
    await client.close()
    await store.close()
  })
  const newSpace = () => {
    space = uniqueName('s')
    return space
  }

  // interfaces.md, "Stored data"
  test('stores entries and checkpoints as documented', async () => {
    await store.apply(newSpace(), 0, checkpointAt(3), [
      put('A-1', { status: 'free', price: 12.5, row: 3, gone: undefined, hold: null }, 3),
    ])
    expect(await collection(`${space}.seats`).findOne()).toStrictEqual({
      _id: 'A-1',
      status: 'free',
      price: 12.5,
      row: 3,
      hold: null,
      _grid: { position: 3, version: 2 ** 53 - 4, hash: expect.any(Number) },
    })
    expect(await collection('grid.checkpoints').findOne({ _id: space })).toMatchObject({
      position: 3,
      entries: 0,
      caches: ['seats'],
    })
  })

  test('reads numbers that another program has stored as 64-bit integers', async () => {
    await store.apply(newSpace(), 0, checkpointAt(1), [put('a', { of: 'grid' }, 1)])
    const fields = { count: Long.fromNumber(2 ** 52), _grid: { position: 1, version: Long.ONE } }
    await collection(`${space}.seats`).updateOne({ _id: 'a' }, { $set: fields })
    expect(await store.get(space, 'seats', 'a')).toMatchObject({
      value: { count: 2 ** 52 },
      version: 1,
    })
  })

  test('applies 100,000 changes at once, in both ways', async () => {
    const keys = Array.from({ length: 100_000 }, (_, at) => `seat ${at}`)
    const all = (from: number) => keys.map((key, at) => put(key, { at, key }, from + at + 1))
    await store.apply(newSpace(), 0, checkpointAt(100_000), all(0))
    await store.apply(space, 100_000, checkpointAt(200_000), all(100_000))
    const { entries } = await rehydrate(store, space, [])
    expect(entries.size).toBe(100_000)
    expect([...entries.values()].every(({ position }) => position > 100_000)).toBe(true)
  })

  // architecture.md, invariant 6. What cannot be stored as it is, is known before anything is sent;
  // what is against a rule of the database only when the transaction has begun.
  test.each([
    ['before it begins', { deep: nested(400) }],
    ['half-way', { refused: true }],
  ])(
    'a transaction that fails %s leaves no trace, not even of other collections',
    async (_, value) => {
      await store.apply(newSpace(), 0, checkpointAt(1), [put('a', { kept: true }, 1)])
      const validator = { refused: { $exists: false } }
      await client.db(database).createCollection(`${space}.events`, { validator })
      const refused = put('b', value, 2, 'events')
      const strict = new MongoStore(inject('mongodbUrl'), clock, { database, quarantinedMax: 0 })
      await expect(
        strict.apply(space, 1, checkpointAt(2), [put('a', { kept: false }, 2), refused]),
      ).rejects.toMatchObject({ code: 'quarantine_full' })
      await strict.close()
      expect((await store.checkpoint(space))?.position).toBe(1)
      expect((await store.get(space, 'seats', 'a'))?.value).toEqual({ kept: true })
    },
  )

  test('what a clearing has left behind does not come back', async () => {
    await store.apply(newSpace(), 0, checkpointAt(1), [put('a', {}, 1), put('b', {}, 1, 'events')])
    await collection('grid.checkpoints').deleteOne({ _id: space })
    await store.apply(space, 0, checkpointAt(1), [put('c', {}, 1)])
    expect([...(await rehydrate(store, space, [])).entries.keys()]).toEqual(['seats/c'])
    expect(await store.get(space, 'events', 'b')).toBeUndefined()
  })

  test('a collection dropped behind its back is made again', async () => {
    await store.apply(newSpace(), 0, checkpointAt(1), [put('a', {}, 1)])
    await collection(`${space}.seats`).drop()
    await store.apply(space, 1, checkpointAt(2), [put('b', {}, 2)])
    expect([...(await rehydrate(store, space, [])).entries.keys()]).toEqual(['seats/b'])
  })

  test('refuses a space whose collections would be among its own', async () => {
    for (const reserved of ['grid', 'system'])
      await expect(store.apply(reserved, 0, checkpointAt(1), [])).rejects.toMatchObject({
        code: 'configuration_invalid',
      })
  })

  test('says what is wrong with a URL, and that nobody answers', async () => {
    expect(() => connect('http://127.0.0.1')).toThrow(
      expect.objectContaining({ code: 'configuration_invalid' }),
    )
    const nobody = new MongoStore('mongodb://127.0.0.1:1/?replicaSet=rs0', clock, {
      unavailableAfterMs: 100,
    })
    await expect(nobody.checkpoint('s')).rejects.toMatchObject({ code: 'store_unavailable' })
    await nobody.close()
  })
})

// architecture.md, invariants 5 and 6
test('MongoDB killed in the middle of writing: everything confirmed is there, and the writer goes on', async () => {
  await using server = await startMongod()
  await server.kill()
  const store = new MongoStore(server.url, clock, { unavailableAfterMs: 1000 })
  await expect(store.checkpoint('space')).rejects.toMatchObject({ code: 'store_unavailable' })
  await server.restart()
  let confirmed = 0
  let failures = 0
  let stopping = false
  const keys = Array.from({ length: 200 }, (_, at) => `${at}`)
  const write = async () => {
    const from = (await store.checkpoint('space'))?.position ?? 0
    expect(from).toBeGreaterThanOrEqual(confirmed)
    const next = from + 1
    const changes = keys.map((key) => put(key, { next }, next))
    await store.apply('space', from, checkpointAt(next), changes)
    confirmed = next
  }
  const writing = (async () => {
    while (!stopping)
      await write().catch((error) => {
        if (!['store_unavailable', 'stale_writer'].includes(error.code)) throw error
        failures++
      })
  })()
  for (let time = 0; time < 2; time++) {
    const before = confirmed
    await waitFor(() => confirmed > before + 5, { what: 'some writes', timeoutMs: 20_000 })
    await server.kill()
    const failed = failures
    await waitFor(() => failures > failed, { what: 'a failure', timeoutMs: 20_000 })
    await server.restart()
  }
  const before = confirmed
  await waitFor(() => confirmed > before, { what: 'writes after the restart', timeoutMs: 20_000 })
  stopping = true
  await writing
  const { entries, end } = await rehydrate(store, 'space', [])
  expect(end).toBe(confirmed)
  expect(new Set([...entries.values()].map(({ value }) => value.next))).toEqual(
    new Set([confirmed]),
  )
  await store.apply('space', end, checkpointAt(end + 1), [remove('0', end + 1)])
  await store.close()
})

function nested(depth: number): Record<string, unknown> {
  let value: Record<string, unknown> = {}
  for (let level = 0; level < depth; level++) value = { a: value }
  return value
}
