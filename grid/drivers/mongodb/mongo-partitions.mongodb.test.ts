import { uniqueName } from '@spacegrid/proof/support/unique-name'
import { waitFor } from '@spacegrid/proof/support/wait-for'
import { MongoClient } from 'mongodb'
import { afterAll, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest'
import type { ForeignChange } from '../../engine/ports/store.ts'
import { checkpointAt, put, rehydrate, remove } from '../../kit/store-conformance.ts'
import { SystemClock } from '../system/system-clock.ts'
import { MongoStore } from './mongo-store.ts'

const database = uniqueName('partitions')

interface Profiled {
  readonly op: string
  readonly planSummary: string
  readonly docsExamined: number
}

describe('partitions of a space in MongoDB', () => {
  let store: MongoStore
  let client: MongoClient
  let space: string
  const collection = (name: string) => client.db(database).collection<{ _id: string }>(name)
  const seats = () => collection(`${space}.seats`)
  const connect = () => new MongoStore(inject('mongodbUrl'), new SystemClock(), { database })

  beforeAll(() => {
    store = connect()
    client = new MongoClient(inject('mongodbUrl'))
  })
  afterAll(async () => {
    await client.db(database).dropDatabase()
    await client.close()
    await store.close()
  })
  beforeEach(() => {
    space = uniqueName('s')
  })
  const entriesOf = async (logName: string) =>
    [...(await rehydrate(store, logName, [])).entries.values()].map(({ key, value }) => [
      key,
      value,
    ])

  // interfaces.md, "Stored data"
  test('share their collections, and say whose a document is', async () => {
    await store.apply(`${space}.7`, 0, checkpointAt(3), [
      put('A-1', { status: 'free' }, 3),
      put('once', { command: 'hold' }, 3, '_idempotency'),
    ])
    await store.apply(`${space}.12`, 0, checkpointAt(4), [put('B-1', { status: 'sold' }, 4)])
    const hash = expect.any(Number)
    const grid = { position: 3, version: 2 ** 53 - 4, hash, partition: 7 }
    expect(await seats().find().sort({ _id: 1 }).toArray()).toStrictEqual([
      { _id: 'A-1', status: 'free', _grid: grid },
      {
        _id: 'B-1',
        status: 'sold',
        _grid: { ...grid, ...{ position: 4, partition: 12 }, version: 2 ** 53 - 5 },
      },
    ])
    expect(await collection(`${space}._idempotency`).findOne()).toStrictEqual({
      _id: '7/once',
      command: 'hold',
      _grid: grid,
    })
    const checkpoints = await collection('grid.checkpoints')
      .find({ _id: { $in: [`${space}.7`, `${space}.12`] } })
      .toArray()
    expect(checkpoints).toHaveLength(2)
  })

  // A partition of sixteen must not cost sixteen times what it holds.
  test.each([0, 3])('are scanned and cleared by the index: partition %i', async (partition) => {
    for (let at = 0; at < 4; at++)
      await store.apply(
        `${space}.${at}`,
        0,
        checkpointAt(50),
        Array.from({ length: 50 }, (_, seat) => put(`${at}-${seat}`, { seat }, seat + 1)),
      )
    const db = client.db(database)
    await db.setProfilingLevel('all')
    expect(await entriesOf(`${space}.${partition}`)).toHaveLength(50)
    await store.clear(`${space}.${partition}`)
    await db.setProfilingLevel('off')
    const done = await db
      .collection<Profiled>('system.profile')
      .find({ ns: `${database}.${space}.seats`, op: { $in: ['query', 'remove'] } })
      .toArray()
    // What is scanned comes packed, and once more as it is, to be compared.
    expect(done.map(({ op }) => op).sort()).toEqual(['query', 'query', 'remove'])
    for (const { planSummary, docsExamined } of done) {
      expect(planSummary).toMatch(/^IXSCAN \{ _grid.partition: 1 \}/)
      expect(docsExamined).toBe(50)
    }
    expect(await seats().countDocuments()).toBe(150)
  })

  test('a key that another partition has goes into quarantine, and overwrites nothing', async () => {
    await store.apply(`${space}.1`, 0, checkpointAt(1), [put('A-1', { of: 1 }, 1)])
    await store.apply(`${space}.2`, 0, checkpointAt(1), [put('B-1', { of: 2 }, 1)])
    const clash = [put('A-1', { of: 2 }, 2), put('B-1', { of: 'new' }, 2), put('C-1', {}, 2)]
    await store.apply(`${space}.2`, 1, checkpointAt(2), clash)
    const [entry, ...others] = await store.quarantine.list(`${space}.2`)
    expect(others).toEqual([])
    expect(entry).toMatchObject({ cache: 'seats', key: 'A-1', code: 11000, position: 2 })
    expect(entry?.reason).toMatch(/another partition of the space has an entry with this key/)
    expect(await store.quarantine.list(`${space}.1`)).toEqual([])
    expect(await entriesOf(`${space}.1`)).toEqual([['A-1', { of: 1 }]])
    // Each partition is as it should be, the one with the entry in quarantine as well.
    expect(await entriesOf(`${space}.2`)).toEqual(
      expect.arrayContaining([
        ['A-1', { of: 2 }],
        ['B-1', { of: 'new' }],
        ['C-1', {}],
      ]),
    )
    await store.apply(`${space}.2`, 2, checkpointAt(3), [put('A-1', { of: 3 }, 3)])
    expect(await store.quarantine.list(`${space}.2`)).toMatchObject([{ versions: 2 }])
    await store.apply(`${space}.1`, 1, checkpointAt(2), [remove('A-1', 2)])
    expect(await store.quarantine.replay(`${space}.2`)).toMatchObject({
      released: [{ cache: 'seats', key: 'A-1' }],
      refused: [],
    })
    expect(await seats().findOne({ _id: 'A-1' })).toMatchObject({ of: 3, _grid: { partition: 2 } })
  })

  test('the first step of a partition meets a key that another one has', async () => {
    await store.apply(`${space}.1`, 0, checkpointAt(1), [put('A-1', { of: 1 }, 1)])
    await store.apply(`${space}.2`, 0, checkpointAt(1), [put('A-1', { of: 2 }, 1)])
    expect(await store.quarantine.list(`${space}.2`)).toMatchObject([{ key: 'A-1' }])
    expect(await seats().findOne({ _id: 'A-1' })).toMatchObject({ of: 1 })
    await store.clear(`${space}.2`)
    expect(await entriesOf(`${space}.1`)).toEqual([['A-1', { of: 1 }]])
  })

  // Whoever took a space for a partition of it would take its documents for what is left behind.
  test('are not taken for a space with one partition, nor the other way round', async () => {
    await store.apply(space, 0, checkpointAt(1), [put('A-1', { of: 1 }, 1)])
    const divided = `${space}.0`
    const wrong = { code: 'configuration_invalid', message: expect.stringMatching(/one partition/) }
    await expect(connect().apply(divided, 0, checkpointAt(1), [])).rejects.toMatchObject(wrong)
    await store.clear(space)
    await store.apply(divided, 0, checkpointAt(1), [put('A-1', { of: 0 }, 1)])
    const several = { code: 'configuration_invalid', message: expect.stringMatching(/several/) }
    const other = connect()
    await expect(other.apply(space, 0, checkpointAt(1), [])).rejects.toMatchObject(several)
    await expect(other.clear(space)).rejects.toMatchObject(several)
    await other.close()
    expect(await entriesOf(divided)).toEqual([['A-1', { of: 0 }]])
  })

  test('what is left behind of one is removed, and written anew, without the others', async () => {
    for (const at of [0, 1])
      await store.apply(`${space}.${at}`, 0, checkpointAt(1), [
        put(`kept ${at}`, {}, 1),
        put('once', { at }, 1, '_idempotency'),
      ])
    await collection('grid.checkpoints').deleteOne({ _id: `${space}.0` })
    await store.apply(`${space}.0`, 0, checkpointAt(1), [put('new', {}, 1)])
    expect(await entriesOf(`${space}.0`)).toEqual([['new', {}]])
    await store.beginAnew(`${space}.0`, checkpointAt(-1))
    expect(await seats().countDocuments({ '_grid.partition': 0 })).toBe(0)
    expect((await entriesOf(`${space}.1`)).map(([key]) => key).sort()).toEqual(['kept 1', 'once'])
  })

  describe('when somebody else changes a document:', () => {
    const damagedIn = async (logName: string) => {
      const damaged: string[] = []
      const scan = await store.scan(logName, { damaged: ({ key }) => void damaged.push(key) })
      const sound: string[] = []
      for await (const chunk of scan?.chunks() ?? []) sound.push(...chunk.map(({ key }) => key))
      await scan?.close()
      return { sound, damaged }
    }
    beforeEach(async () => {
      for (const at of [0, 1, 2])
        await store.apply(`${space}.${at}`, 0, checkpointAt(1), [put(`${at}`, { at }, 1)])
    })

    test('one that says another partition is damaged there, and missing here', async () => {
      await seats().updateOne({ _id: '1' }, { $set: { '_grid.partition': 2 } })
      expect(await damagedIn(`${space}.1`)).toEqual({ sound: [], damaged: [] })
      expect(await damagedIn(`${space}.2`)).toEqual({ sound: ['2'], damaged: ['1'] })
    })

    test.each([
      ['without a partition', { $unset: { '_grid.partition': true as const } }],
      ['that is no longer ours at all', { $set: { _grid: 'none' } }],
    ])('one %s is the first partition’s to find; its own writes it anew', async (_, change) => {
      await seats().updateOne({ _id: '1' }, change)
      const first = await damagedIn(`${space}.0`)
      expect(first).toEqual({ sound: ['0'], damaged: ['1'] })
      await expect(store.get(`${space}.1`, 'seats', '1')).rejects.toMatchObject({
        code: 'record_damaged',
      })
      await store.apply(`${space}.1`, 1, checkpointAt(2), [put('1', { at: 'anew' }, 2)])
      expect(await damagedIn(`${space}.1`)).toEqual({ sound: ['1'], damaged: [] })
      await store.apply(`${space}.0`, 1, checkpointAt(2), [remove('1', 2)])
      expect((await store.get(`${space}.1`, 'seats', '1'))?.value).toEqual({ at: 'anew' })
    })

    test('all partitions hear of it, and one that stops listening does not silence the others', async () => {
      const heard = new Map<string, ForeignChange[]>()
      const listen = (logName: string) => {
        const changes: ForeignChange[] = []
        heard.set(logName, changes)
        return store.watch(logName, (change) => void changes.push(change))
      }
      const hasHeard = (logName: string, change: Partial<ForeignChange>) =>
        waitFor(
          () => heard.get(logName)?.some((it) => JSON.stringify(it) === JSON.stringify(change)),
          { what: `${logName} to hear ${JSON.stringify(change)}`, timeoutMs: 10_000 },
        )
      const [one, two] = [`${space}.1`, `${space}.2`]
      const first = listen(one)
      const second = listen(two)
      for (const logName of [one, two]) await hasHeard(logName, { what: 'unknown' })
      await seats().deleteOne({ _id: '1' })
      const entry = { what: 'entry', cache: 'seats', key: '1' } as const
      for (const logName of [one, two]) await hasHeard(logName, entry)
      await first.stop()
      await collection('grid.checkpoints').updateOne({ _id: two }, { $set: { digest: '0' } })
      await hasHeard(two, { what: 'checkpoint' })
      expect(heard.get(one)).not.toContainEqual({ what: 'checkpoint' })
      await second.stop()
      const third = listen(one)
      await hasHeard(one, { what: 'unknown' })
      await third.stop()
    })
  })
})
