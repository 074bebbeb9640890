import { uniqueName } from '@spacegrid/proof/support/unique-name'
import { MongoClient } from 'mongodb'
import { expect, inject, onTestFinished, test } from 'vitest'
import type { Checkpoint } from '../../engine/ports/store.ts'
import { checkpointAt, put } from '../../kit/store-conformance.ts'
import { SystemClock } from '../system/system-clock.ts'
import { MongoStore } from './mongo-store.ts'

async function setUp() {
  const url = inject('mongodbUrl')
  const database = uniqueName('rebuild')
  const open = () => {
    const store = new MongoStore(url, new SystemClock(), { database })
    onTestFinished(() => store.close())
    return store
  }
  const client = await MongoClient.connect(url)
  onTestFinished(async () => {
    await client.db(database).dropDatabase()
    await client.close()
  })
  return { store: open(), writer: open(), db: client.db(database) }
}

const building = (position: number): Checkpoint =>
  checkpointAt(position, { logIdentity: 'none', digest: '' })

test('the spaces that are stored are known by name', async () => {
  const { store, writer } = await setUp()
  expect(await store.logNames()).toEqual([])
  for (const space of ['two', 'one'])
    await writer.apply(space, 0, checkpointAt(1, { entries: 1 }), [put('a', {}, 1)])
  expect(await store.logNames()).toEqual(['one', 'two'])
})

// architecture.md, invariant 6
test('while a store is written anew no other writer gets a step in, and nothing of before is left', async () => {
  const { store, writer, db } = await setUp()
  await writer.apply('s', 0, checkpointAt(5, { entries: 2 }), [
    put('a', { n: 1 }, 5),
    put('b', {}, 5),
  ])
  // What somebody has put there by hand goes too; what they have made for their own reading stays.
  await db.collection('s.seats').insertOne({ wrong: true })
  await db.collection('s.seats').createIndex({ n: 1 }, { name: 'by hand' })
  await store.beginAnew('s', building(-7))
  expect(await db.collection('s.seats').countDocuments()).toBe(0)
  for (const from of [0, 5])
    await expect(writer.apply('s', from, checkpointAt(9), [put('c', {}, 9)])).rejects.toMatchObject(
      {
        code: 'stale_writer',
      },
    )
  await store.apply('s', -7, building(-8), [put('a', { n: 2 }, 6)])
  await expect(store.apply('s', -7, building(-8), [put('z', {}, 6)])).rejects.toMatchObject({
    code: 'stale_writer',
  })
  await store.apply('s', -8, checkpointAt(6, { entries: 1 }), [])
  expect(await store.checkpoint('s')).toMatchObject({ position: 6, logIdentity: 'log@1' })
  expect(await db.collection('s.seats').find().toArray()).toMatchObject([{ _id: 'a', n: 2 }])
  const indexes = await db.collection('s.seats').indexes()
  expect(indexes.map(({ name }) => name)).toContain('by hand')
  // The writer goes on where the store is now.
  await writer.apply('s', 6, checkpointAt(7), [put('c', {}, 7)])
  expect(await store.get('s', 'seats', 'c')).toMatchObject({ position: 7 })
})

test('a checkpoint that was changed by hand, or is gone, is no hindrance; of two that begin, one goes on', async () => {
  const { store, writer, db } = await setUp()
  await writer.apply('s', 0, checkpointAt(5), [put('a', {}, 5)])
  const checkpoints = db.collection<{ _id: string }>('grid.checkpoints')
  await checkpoints.updateOne({ _id: 's' }, { $set: { position: 'five' } })
  await store.beginAnew('s', building(-1))
  expect((await store.checkpoint('s'))?.position).toBe(-1)
  await checkpoints.deleteOne({ _id: 's' })
  await writer.beginAnew('s', building(-100))
  await expect(store.apply('s', -1, building(-2), [put('a', {}, 5)])).rejects.toMatchObject({
    code: 'stale_writer',
  })
  await writer.apply('s', -100, checkpointAt(5), [put('b', {}, 5)])
  expect(await store.get('s', 'seats', 'a')).toBeUndefined()
})
