import { uniqueName } from '@spacegrid/proof/support/unique-name'
import { MongoClient } from 'mongodb'
import { afterAll, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest'
import type { StoredChange } from '../../engine/ports/store.ts'
import { describeQuarantineConformance } from '../../kit/quarantine-conformance.ts'
import { checkpointAt, put, rehydrate, remove } from '../../kit/store-conformance.ts'
import { SystemClock } from '../system/system-clock.ts'
import { MongoStore } from './mongo-store.ts'

const clock = new SystemClock()
const database = uniqueName('quarantine')
const connect = (quarantinedMax?: number) =>
  new MongoStore(inject('mongodbUrl'), clock, {
    database,
    ...(quarantinedMax === undefined ? {} : { quarantinedMax }),
  })

let client: MongoClient

beforeAll(() => {
  client = new MongoClient(inject('mongodbUrl'))
})

afterAll(async () => {
  await client.db(database).dropDatabase()
  await client.close()
})

const collection = (name: string) => client.db(database).collection<{ _id: string }>(name)
const setRule = (name: string, validator: object) =>
  client.db(database).command({ collMod: name, validator })

describeQuarantineConformance('MongoStore', async () => {
  const store = connect(3)
  const other = connect(3)
  return {
    store,
    other,
    refuse: async (space, keys) => {
      await setRule(`${space}.seats`, keys.length > 0 ? { _id: { $nin: keys } } : {})
    },
    close: async () => {
      await store.close()
      await other.close()
    },
  }
})

describe('MongoDB refuses', () => {
  let store: MongoStore
  let space: string
  let position: number
  beforeAll(() => {
    store = connect()
  })
  afterAll(() => store.close())
  beforeEach(async () => {
    space = uniqueName('s')
    position = 1
    await store.apply(space, 0, checkpointAt(1), [
      put('culprit', { seat: 0 }, 1, 'events'),
      put('other', { seat: 1 }, 1, 'events'),
    ])
  })
  const apply = async (...changes: StoredChange[]) => {
    await store.apply(space, position, checkpointAt(position + 1), changes)
    position++
  }
  const event = (key: string, value: Record<string, unknown>) =>
    put(key, value, position + 1, 'events')
  const quarantined = async () => await store.quarantine.list(space)
  const documents = async () => await collection(`${space}.events`).find().toArray()
  const expectExact = async (expected: Record<string, unknown>) => {
    const { entries } = await rehydrate(store, space, [])
    const found = [...entries.values()].filter(({ cache }) => cache === 'events')
    expect(Object.fromEntries(found.map(({ key, value }) => [key, value]))).toEqual(expected)
  }

  describe('a document for what it is:', () => {
    test.each([
      ['above 16 MiB', { text: 'x'.repeat(2 ** 24) }, /larger than the maximum/],
      ['just above 16 MiB', { text: 'x'.repeat(2 ** 24 - 40) }, /larger|too large/],
      ['far above 16 MiB', { text: 'x'.repeat(2 ** 25) }, /range/],
      ['nested too deeply', { deep: nested(190) }, /nest/],
      ['nested so deeply that the whole command fails', { deep: nested(400) }, /nest/],
      ['with a field name that BSON cannot hold', { 'a\0b': 1 }, /null bytes/],
    ])('%s', async (_, value, reason) => {
      const harmless = Array.from({ length: 250 }, (_, at) => event(`harmless ${at}`, { at }))
      await apply(
        ...harmless.slice(0, 100),
        event('culprit', value),
        put('seat', { at: 1 }, 2),
        ...harmless.slice(100),
      )
      expect(await quarantined()).toMatchObject([
        { key: 'culprit', cache: 'events', position: 2, reason: expect.stringMatching(reason) },
      ])
      // The document stays as it was, everything else is stored.
      expect((await documents()).length).toBe(252)
      expect(await collection(`${space}.events`).findOne({ _id: 'culprit' })).toMatchObject({
        seat: 0,
      })
      expect(await store.get(space, 'seats', 'seat')).toMatchObject({ value: { at: 1 } })
      expect((await store.get(space, 'events', 'culprit'))?.value).toEqual(value)
      const { entries } = await rehydrate(store, space, [])
      expect(entries.get('events/culprit')?.value).toEqual(value)
      expect(entries.size).toBe(253)
      expect((await store.quarantine.replay(space)).refused).toHaveLength(1)
      await apply(event('culprit', { seat: 2 }))
      expect(await quarantined()).toEqual([])
      expect(await collection('grid.quarantine.pieces').findOne()).toBeNull()
      expect(await store.get(space, 'events', 'culprit')).toMatchObject({ value: { seat: 2 } })
    })

    test('by a validator, with what it says', async () => {
      const seat = { bsonType: 'int', maximum: 10, description: 'the hall has ten seats' }
      await setRule(`${space}.events`, { $jsonSchema: { properties: { seat } } })
      await apply(event('culprit', { seat: 11 }), event('other', { seat: 10 }))
      const [found] = await quarantined()
      expect(found).toMatchObject({ key: 'culprit', code: 121 })
      expect(found?.reason).toMatch(/Document failed validation.*the hall has ten seats/)
      await expectExact({ culprit: { seat: 11 }, other: { seat: 10 } })
    })

    test('by an index that cannot hold it', async () => {
      await collection(`${space}.events`).createIndex({ place: '2dsphere' })
      await apply(
        event('culprit', { place: 'here' }),
        event('other', { place: { type: 'Point', coordinates: [1, 2] } }),
      )
      expect(await quarantined()).toMatchObject([{ key: 'culprit', code: 16755 }])
    })
  })

  describe('what a unique index forbids', () => {
    beforeEach(async () => {
      await collection(`${space}.events`).createIndex({ seat: 1 }, { unique: true })
    })

    test('one of two with the same value', async () => {
      await apply(event('culprit', { seat: 1 }))
      expect(await quarantined()).toMatchObject([{ key: 'culprit', code: 11000 }])
      await apply(event('third', { seat: 5 }), event('fourth', { seat: 5 }))
      expect(await quarantined()).toMatchObject([{ code: 11000 }, { code: 11000 }])
      await expectExact({
        culprit: { seat: 1 },
        other: { seat: 1 },
        third: { seat: 5 },
        fourth: { seat: 5 },
      })
      // The one that is in the way goes elsewhere; the other one needs a replay.
      await apply(event('other', { seat: 7 }))
      expect(await quarantined()).toHaveLength(2)
      expect(await store.quarantine.replay(space)).toMatchObject({
        released: [{ key: 'culprit' }],
      })
    })

    test('but only as it is after the step: values may change places', async () => {
      await apply(event('culprit', { seat: 1 }), event('other', { seat: 0 }))
      expect(await quarantined()).toEqual([])
      await expectExact({ culprit: { seat: 1 }, other: { seat: 0 } })
      // Also when something else is refused, in the same step.
      await apply(
        event('culprit', { seat: 0 }),
        event('worse', { deep: nested(400) }),
        event('other', { seat: 1 }),
      )
      expect(await quarantined()).toMatchObject([{ key: 'worse' }])
      expect(await documents()).toMatchObject([
        { _id: 'culprit', seat: 0 },
        { _id: 'other', seat: 1 },
      ])
    })

    test('and those in quarantine may change places when they are replayed', async () => {
      await setRule(`${space}.events`, { never: true })
      await apply(event('culprit', { seat: 1 }), event('other', { seat: 0 }))
      expect(await quarantined()).toHaveLength(2)
      await setRule(`${space}.events`, {})
      expect(await store.quarantine.replay(space)).toMatchObject({ refused: [] })
      expect(await documents()).toMatchObject([
        { _id: 'culprit', seat: 1 },
        { _id: 'other', seat: 0 },
      ])
    })
  })

  test('thousands at once: all of them are found', async () => {
    await setRule(`${space}.events`, { even: { $ne: false } })
    const changes = Array.from({ length: 3000 }, (_, at) => event(`${at}`, { even: at % 2 === 0 }))
    await apply(...changes)
    expect(await quarantined()).toHaveLength(1500)
    expect(await documents()).toHaveLength(1502)
    const { entries } = await rehydrate(store, space, [])
    expect(entries.size).toBe(3002)
    const checkpoint = await store.checkpoint(space)
    expect(checkpoint?.quarantine).toMatchObject({ count: 1500 })
    expect(checkpoint?.quarantine?.names).toHaveLength(100)
    // They change, and are refused again.
    await apply(...changes.slice(0, 400).map((change) => ({ ...change, position: position + 1 })))
    expect(await quarantined()).toHaveLength(1500)
    await setRule(`${space}.events`, {})
    expect((await store.quarantine.replay(space)).released).toHaveLength(1500)
    expect(await documents()).toHaveLength(3002)
  })

  test('one of many that take several messages to send', async () => {
    await setRule(`${space}.events`, { bad: { $ne: true } })
    const text = 'x'.repeat(13 * 2 ** 20)
    await apply(
      event('culprit', { text, bad: true }),
      ...['a', 'b', 'c', 'd'].map((key) => event(key, { text })),
    )
    expect(await quarantined()).toMatchObject([{ key: 'culprit' }])
    expect(await documents()).toHaveLength(6)
  })

  // architecture.md, invariant 6
  test('a later version, while an operator replays the earlier one', async () => {
    const operator = connect()
    for (let round = 0; round < 25; round++) {
      await setRule(`${space}.events`, { turn: { $ne: 1 } })
      await apply(event('culprit', { turn: 1, round }))
      await setRule(`${space}.events`, { turn: { $ne: 2 } })
      await Promise.all([
        operator.quarantine.replay(space),
        apply(event('culprit', { turn: 2, round })),
      ])
      expect(await store.get(space, 'events', 'culprit')).toMatchObject({
        value: { turn: 2, round },
        position,
      })
    }
    await operator.close()
  })

  test('nothing for what the collection is: then everything waits', async () => {
    await collection(`${space}.events`).drop()
    await client.db(database).createCollection(`${space}.events`, { viewOn: 'x', pipeline: [] })
    await expect(apply(event('culprit', { seat: 1 }))).rejects.toMatchObject({
      code: 'store_unavailable',
    })
    expect(await quarantined()).toEqual([])
    expect(await store.checkpoint(space)).toMatchObject({ position: 1 })
  })

  // architecture.md, invariant 6
  test('a replay beside a writer neither loses nor brings back anything', async () => {
    const operator = connect()
    let stopping = false
    // As a data writer does: what has failed is tried again.
    const persist = async (...changes: StoredChange[]): Promise<void> => {
      await apply(...changes).catch(async (error) => {
        if (error.code !== 'store_unavailable') throw error
        await persist(...changes)
      })
    }
    const write = async () => {
      for (let at = 0; !stopping; at++)
        await persist(
          event('culprit', { at, bad: at % 3 === 0 }),
          event(`fresh ${at % 50}`, { at, bad: at % 7 === 0 }),
          remove(`fresh ${(at + 25) % 50}`, position + 1, 'events'),
        )
    }
    const writing = write()
    for (let round = 0; round < 15; round++) {
      await setRule(`${space}.events`, round % 2 === 0 ? { bad: { $ne: true } } : {})
      await operator.quarantine.replay(space).catch((error) => {
        if (error.code !== 'store_unavailable') throw error
      })
      const { entries, start } = await rehydrate(operator, space, [])
      for (const { position: written } of entries.values())
        expect(written).toBeLessThanOrEqual(start)
      expect(entries.get('events/culprit')?.position).toBe(start)
    }
    stopping = true
    await writing
    await setRule(`${space}.events`, {})
    await operator.quarantine.replay(space)
    expect(await quarantined()).toEqual([])
    // Exactly what a store that refuses nothing would hold.
    const steps = position - 1
    const model = new Map<string, number>()
    for (let at = 0; at < steps; at++) {
      model.set('culprit', at)
      model.set(`fresh ${at % 50}`, at)
      model.delete(`fresh ${(at + 25) % 50}`)
    }
    const stored = new Map((await documents()).map(({ _id, ...rest }) => [_id, { ...rest }]))
    stored.delete('other')
    expect([...stored.keys()].sort()).toEqual([...model.keys()].sort())
    for (const [key, at] of model) expect(stored.get(key)).toMatchObject({ at })
    await operator.close()
  })
})

function nested(depth: number): Record<string, unknown> {
  let value: Record<string, unknown> = {}
  for (let level = 0; level < depth; level++) value = { a: value }
  return value
}
