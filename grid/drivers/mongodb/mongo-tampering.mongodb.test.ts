import { uniqueName } from '@spacegrid/proof/support/unique-name'
import { waitFor } from '@spacegrid/proof/support/wait-for'
import { MongoClient } from 'mongodb'
import { afterAll, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest'
import { SpaceState } from '../../core/space-state.ts'
import type { EntryKey, ForeignChange } from '../../engine/ports/store.ts'
import { encodeHeader } from '../../engine/wire/snapshot-codec.ts'
import { checkpointAt, put, remove } from '../../kit/store-conformance.ts'
import { SystemClock } from '../system/system-clock.ts'
import { MongoStore } from './mongo-store.ts'

const database = uniqueName('tampering')

// docs/decisions/0017
describe('what somebody changes in MongoDB behind the grid', () => {
  let store: MongoStore
  let client: MongoClient
  let space: string
  const collection = (name = 'seats') => client.db(database).collection(`${space}.${name}`)
  const checkpoints = () => client.db(database).collection<{ _id: string }>('grid.checkpoints')
  const damaged = { code: 'record_damaged' }

  beforeAll(() => {
    store = new MongoStore(inject('mongodbUrl'), new SystemClock(), { database })
    client = new MongoClient(inject('mongodbUrl'))
  })
  afterAll(async () => {
    await client.db(database).dropDatabase()
    await client.close()
    await store.close()
  })
  beforeEach(async () => {
    space = uniqueName('s')
    const changes = ['a', 'b', 'c'].map((key, at) => put(key, { id: key, n: at }, at + 1))
    await store.apply(space, 0, checkpointAt(3, { entries: 3 }), changes)
  })

  async function scanned(): Promise<{ sound: string[]; damaged: EntryKey[] }> {
    const found: EntryKey[] = []
    const scan = await store.scan(space, { damaged: (entry) => found.push(entry) })
    const sound: string[] = []
    for await (const chunk of scan?.chunks() ?? []) sound.push(...chunk.map(({ key }) => key))
    await scan?.close()
    return { sound: sound.sort(), damaged: found }
  }

  const edits: readonly (readonly [string, object])[] = [
    ['a field', { $set: { n: 99 } }],
    ['a field that was not there', { $set: { more: 1 } }],
    ['a field that is missing', { $unset: { n: 1 } }],
    ['the position', { $set: { '_grid.position': 1 } }],
    ['the version', { $inc: { '_grid.version': 1 } }],
    ['all that is the grid’s', { $unset: { _grid: 1 } }],
  ]
  test.each(edits)('is seen in the document: %s', async (_, edit) => {
    await collection().updateOne({ n: 1 }, edit)
    await expect(store.get(space, 'seats', 'b')).rejects.toMatchObject(damaged)
    const scan = await store.scan(space)
    await expect(Array.fromAsync(scan?.chunks() ?? [])).rejects.toMatchObject(damaged)
    await scan?.close()
    expect(await scanned()).toEqual({ sound: ['a', 'c'], damaged: [{ cache: 'seats', key: 'b' }] })
  })

  test('a document that an earlier version has written, without a hash, is taken', async () => {
    await collection().updateMany({}, { $unset: { '_grid.hash': 1 } })
    expect((await scanned()).sound).toEqual(['a', 'b', 'c'])
    await store.apply(space, 3, checkpointAt(4), [put('a', { id: 'a', n: 7 }, 4)])
    expect(await collection().findOne({ n: 7 })).toMatchObject({
      _grid: { hash: expect.any(Number) },
    })
  })

  test('documents with ids that no key has can be named, and removed by that name', async () => {
    const copy = { ...(await collection().findOne({ n: 0 })), _id: 'd' } as object
    await collection().insertMany([copy, { n: 5 }, { _id: 6, n: 6 } as object])
    const { sound, damaged } = await scanned()
    expect(sound).toEqual(['a', 'b', 'c'])
    expect(damaged).toHaveLength(3)
    await store.apply(
      space,
      3,
      checkpointAt(4),
      damaged.map(({ key }) => remove(key, 4)),
    )
    expect(await collection().countDocuments()).toBe(3)
  })

  const spoiled: readonly (readonly [string, object])[] = [
    ['position', { $inc: { position: 5 } }],
    ['digest', { $set: { digest: 'ffffffffffffffff' } }],
    ['log', { $set: { logIdentity: 'other' } }],
    ['replicated state', { $set: { replicated: 'x' } }],
    ['number of entries', { $set: { entries: 2 } }],
  ]
  test.each(spoiled)('is seen in the checkpoint, which can be put back: %s', async (_, edit) => {
    const known = await store.checkpoint(space)
    if (!known) throw new Error('there is no checkpoint')
    await checkpoints().updateOne({ _id: space }, edit)
    await expect(store.checkpoint(space)).rejects.toMatchObject(damaged)
    await expect(store.scan(space)).rejects.toMatchObject(damaged)
    await store.restore(space, known)
    expect(await store.checkpoint(space)).toEqual(known)
    expect((await scanned()).sound).toEqual(['a', 'b', 'c'])
    await expect(store.restore(space, checkpointAt(2))).rejects.toMatchObject({
      code: 'stale_writer',
    })
  })

  test('a checkpoint that is removed, and its collection, can be put back', async () => {
    const known = await store.checkpoint(space)
    if (!known) throw new Error('there is no checkpoint')
    await checkpoints().deleteOne({ _id: space })
    expect(await store.checkpoint(space)).toBeUndefined()
    await store.restore(space, known)
    expect(await store.checkpoint(space)).toEqual(known)
    expect((await scanned()).sound).toEqual(['a', 'b', 'c'])
    await store.apply(space, 3, checkpointAt(4), [put('d', { id: 'd' }, 4)])
    expect((await scanned()).sound).toEqual(['a', 'b', 'c', 'd'])
  })

  test('a checkpoint that is put back does not take in what others keep under the space’s name', async () => {
    const { shape, ...header } = new SpaceState().header()
    const [own] = shape.caches
    if (!own) throw new Error('a space has caches of its own')
    const caches = [...shape.caches, { ...own, name: 'seats' }]
    const replicated = encodeHeader({ ...header, shape: { caches } })
    await collection('reports').insertOne({ n: 1 })
    await checkpoints().deleteOne({ _id: space })
    await store.restore(space, checkpointAt(3, { entries: 3, replicated }))
    expect(await scanned()).toEqual({ sound: ['a', 'b', 'c'], damaged: [] })
  })

  test('is told on when whoever watches has failed to take something in', async () => {
    class QuickClock extends SystemClock {
      override after(ms: number, callback: () => void) {
        return super.after(Math.min(ms, 50), callback)
      }
    }
    const quick = new MongoStore(inject('mongodbUrl'), new QuickClock(), { database })
    const told: ForeignChange[] = []
    const begun = () => told.filter(({ what }) => what === 'unknown').length
    const watch = quick.watch(space, (change) => {
      told.push(change)
      if (change.what === 'entry' && change.key === 'a') throw new TypeError('a bug')
    })
    await waitFor(() => begun() === 1, { what: 'the watch to begin' })
    await collection().updateOne({ n: 0 }, { $set: { more: 1 } })
    await waitFor(() => begun() === 2, { what: 'it to begin anew' })
    await collection().updateOne({ n: 1 }, { $set: { more: 1 } })
    const isTold = () => told.some((one) => one.what === 'entry' && one.key === 'b')
    await waitFor(isTold, { what: 'the next change' })
    await watch.stop()
    await quick.close()
  })

  test('is told to whoever watches, and what the grid writes is not', {
    timeout: 30_000,
  }, async () => {
    const told: ForeignChange[] = []
    const watch = store.watch(space, (change) => told.push(change))
    const has = (change: ForeignChange) =>
      waitFor(() => told.some((one) => JSON.stringify(one) === JSON.stringify(change)), {
        what: JSON.stringify(change),
      })
    await has({ what: 'unknown' })
    await store.apply(space, 3, checkpointAt(4), [put('a', { id: 'a' }, 4), remove('c', 4)])
    await collection().updateOne({ n: 1 }, { $set: { n: 2 } })
    await has({ what: 'entry', cache: 'seats', key: 'b' })
    const { insertedId } = await collection().insertOne({ n: 7 })
    await has({
      what: 'entry',
      cache: 'seats',
      key: `{"_id":{"$oid":"${insertedId.toHexString()}"}}`,
    })
    await collection().deleteMany({ n: 7 })
    await checkpoints().updateOne({ _id: space }, { $inc: { position: 1 } })
    await has({ what: 'checkpoint' })
    await collection().drop()
    await has({ what: 'cache', cache: 'seats' })
    await watch.stop()
    expect(told.filter((one) => one.what === 'entry' && one.key === 'a')).toEqual([])
    expect(told.filter((one) => one.what === 'entry' && one.key === 'c')).toEqual([])
  })
})
