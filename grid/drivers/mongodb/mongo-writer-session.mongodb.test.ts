import { uniqueName } from '@spacegrid/proof/support/unique-name'
import { MongoClient } from 'mongodb'
import { afterAll, expect, inject, test } from 'vitest'
import { SystemClock } from '../system/system-clock.ts'
import { MongoStore } from './mongo-store.ts'
import { type WriterDocument, WriterSession, writersName } from './mongo-writer-session.ts'

const clock = new SystemClock()
const client = new MongoClient(inject('mongodbUrl'))
afterAll(() => client.close())

const checkpoint = (position: number) => ({
  position,
  logIdentity: 'log',
  digest: '0'.repeat(16),
  entries: 0,
  replicated: new Uint8Array(),
})

// MongoDB would keep it for a minute or more: longer than this test may take.
test('a transaction that a dead or paused writer has left open does not hold up the next writer', async () => {
  const space = uniqueName('s').replaceAll('_', '')
  const database = uniqueName('grid')
  const store = new MongoStore(inject('mongodbUrl'), clock, { database })
  await store.apply(space, 0, checkpoint(1), [])

  const db = client.db(database)
  const dead = new WriterSession(client, db.collection<WriterDocument>(writersName), space, clock)
  const session = await dead.begin()
  session.startTransaction()
  const left = { $set: { position: 2, digest: 'never committed' } }
  const checkpoints = db.collection<{ _id: string }>('grid.checkpoints')
  await checkpoints.updateOne({ _id: space }, left, { session })

  await store.apply(space, 1, checkpoint(3), [])
  expect(await store.checkpoint(space)).toMatchObject({ position: 3, digest: checkpoint(3).digest })
  // Should it come to life again, what it has begun is gone.
  await expect(session.commitTransaction()).rejects.toMatchObject({ code: 251 })
  await dead.close()
  await store.close()
}, 30_000)

test('a writer that ends in good order leaves no record', async () => {
  const database = uniqueName('grid')
  const store = new MongoStore(inject('mongodbUrl'), clock, { database })
  await store.apply('one', 0, checkpoint(1), [])
  await store.apply('two', 0, checkpoint(1), [])
  const writers = client.db(database).collection(writersName)
  expect(await writers.countDocuments()).toBe(2)
  await store.close()
  expect(await writers.countDocuments()).toBe(0)
})
