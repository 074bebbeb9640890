import { type Db, MongoClient } from 'mongodb'
import { expect, test } from 'vitest'
import { FaultGrid } from '../support/fault-grid.ts'
import { nothingFound } from '../support/grid-audit.ts'
import { MongodbReplicaSet } from '../support/mongodb-replica-set.ts'
import { unitStatus } from '../support/store-audit.ts'
import { waitFor } from '../support/wait-for.ts'

const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31))
/**
 * A minute says more, and takes longer: `MONGODB_AWAY_MS=60000 npm test --
 * proof/faults/mongodb-away.test.ts`.
 */
const awayMs = Number(process.env.MONGODB_AWAY_MS ?? 5000)
const catchUpMsMax = 60_000

// architecture.md, section 5: "MongoDB down: nothing; changes wait in the queue; catch-up
// afterwards"
test(`MongoDB is away for ${awayMs} ms: not one command fails, and all of it is stored afterwards (SEED=${seed})`, {
  timeout: 120_000 + awayMs,
}, async () => {
  await using grid = await FaultGrid.start()
  const crowd = await grid.crowd({ seed, shoppers: 24, thinkMsMax: 20 })
  await waitFor(() => crowd.ledger.acknowledged > 200, { what: 'the crowd to be busy' })
  const from = await storedPosition(grid.cluster.urls.mongodb)
  const mongodb = grid.server('mongodb')
  await mongodb.kill()
  const before = crowd.ledger.acknowledged
  await new Promise((wake) => setTimeout(wake, awayMs))
  const meanwhile = crowd.ledger.acknowledged - before
  expect(meanwhile).toBeGreaterThan(100)
  await mongodb.restart()
  const { position } = await unitStatus(grid.cluster.units[0]?.settings.adminPort ?? 0, 'ticketing')
  const startedAt = performance.now()
  await waitFor(async () => (await storedPosition(grid.cluster.urls.mongodb)) >= position, {
    what: 'the store to catch up',
    timeoutMs: catchUpMsMax,
  })
  const seconds = (performance.now() - startedAt) / 1000
  const documents = await countDocuments(grid.cluster.urls.mongodb, from)
  process.stderr.write(
    `MongoDB was away for ${awayMs} ms; ${meanwhile} commands were acknowledged meanwhile. It caught up, under load, in ${seconds.toFixed(1)} s: ${documents} documents, ${Math.round(documents / seconds)}/s\n`,
  )
  expect(await grid.audit()).toEqual(nothingFound)
  expect([...crowd.retried], 'requests that failed').toEqual([])
})

test(`MongoDB's primary steps down, and is killed: not one command fails, nothing is lost or doubled (SEED=${seed})`, {
  timeout: 120_000,
}, async () => {
  await using set = await MongodbReplicaSet.start()
  await using grid = await FaultGrid.start({ urls: { mongodb: set.url } })
  const crowd = await grid.crowd({ seed })
  const goesOn = async () => {
    const from = await storedPosition(set.url)
    await waitFor(async () => (await storedPosition(set.url)) > from + 100, {
      what: 'the store to go on',
      timeoutMs: 60_000,
    })
  }
  await goesOn()
  await set.stepDown()
  await goesOn()
  const primary = await set.primary()
  await primary.kill()
  await goesOn()
  await primary.restart()
  expect(await grid.audit()).toEqual(nothingFound)
  expect([...crowd.retried], 'requests that failed').toEqual([])
})

const storedPosition = (url: string) =>
  withDatabase(url, async (database) => {
    const checkpoints = database.collection<{ _id: string; position: number }>('grid.checkpoints')
    return (await checkpoints.findOne({ _id: 'ticketing' }))?.position ?? 0
  })

/** Those written at a log position beyond this one. */
const countDocuments = (url: string, position: number) =>
  withDatabase(url, async (database) => {
    const names = (await database.listCollections().toArray()).map(({ name }) => name)
    const counts = await Promise.all(
      names
        .filter((name) => name.startsWith('ticketing.'))
        .map((name) =>
          database.collection(name).countDocuments({ '_grid.position': { $gt: position } }),
        ),
    )
    return counts.reduce((sum, count) => sum + count, 0)
  })

async function withDatabase<T>(url: string, work: (database: Db) => Promise<T>): Promise<T> {
  const client = new MongoClient(url, { serverSelectionTimeoutMS: 5000 })
  try {
    return await work(client.db('spacegrid'))
  } finally {
    await client.close()
  }
}
