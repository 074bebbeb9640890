import { MongoClient } from 'mongodb'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { auditCopies } from '../support/copies-audit.ts'
import { FaultGrid } from '../support/fault-grid.ts'
import { goesOn } from '../support/goes-on.ts'
import { nothingFound } from '../support/grid-audit.ts'
import { recover, reportOf } from '../support/recover-command.ts'
import { tamperWithDocument } from '../support/tampering.ts'
import { waitFor } from '../support/wait-for.ts'

const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31))
const space = 'ticketing'
const units = 2

let grid: FaultGrid
beforeAll(async () => {
  // The log is trimmed at once, so that its beginning is gone.
  grid = await FaultGrid.start({ units, environment: { TRIM_DELAY_MS: '0' } })
})
afterAll(() => grid.stop())

const recoverStore = ({ cluster: { urls } }: FaultGrid, ...options: string[]) =>
  recover(
    {
      ...{ NATS_URL: urls.nats, MONGODB_URL: urls.mongodb, REDIS_URL: urls.redis },
      SPACES: space,
    },
    '--store',
    ...options,
  )

async function dropDatabase(grid: FaultGrid): Promise<void> {
  const client = await MongoClient.connect(grid.cluster.urls.mongodb)
  await client.db('spacegrid').dropDatabase()
  await client.close()
}

// architecture.md, invariants 5 and 6
test(`MongoDB loses everything under load: it is written anew from a unit, and the grid goes on (SEED=${seed})`, {
  timeout: 240_000,
}, async () => {
  const crowd = await grid.crowd({ seed, shoppers: 4 })
  await goesOn(crowd, 30)
  expect(await recoverStore(grid, '--yes')).toMatchObject({
    code: 1,
    errors: expect.stringMatching(/nothing to recover: MongoDB holds what (unit|pump)/),
  })
  // A writer that runs puts back what it has stored, and the pump the rest: then there is nothing
  // to recover either.
  const writers = await stopAll(grid, 'data-writer')
  await dropDatabase(grid)
  await goesOn(crowd, 30)
  const made = await recoverStore(grid, '--yes', '--json')
  await Promise.all(writers.map((writer) => grid.cluster.restart(writer)))
  expect(made).toMatchObject({ code: 0 })
  expect(reportOf(made)).toMatchObject({
    ...{ fault: 'it holds nothing of the space', lostPositions: 0, different: [] },
    from: expect.stringMatching(/^(unit|pump) /),
  })
  await goesOn(crowd, 30)
  expect(await grid.audit()).toEqual(nothingFound)
})

test('MongoDB loses everything while the grid is stopped: it is written anew from the warm image; a value changed by hand is found and put right', {
  timeout: 240_000,
}, async () => {
  const { mongodb } = grid.cluster.urls
  const id = await buyEverything(grid)
  const stopped = [...grid.cluster.components]
  await Promise.all(stopped.map((component) => component.stop()))
  await dropDatabase(grid)
  const made = await recoverStore(grid, '--yes', '--json')
  expect(made).toMatchObject({ code: 0 })
  expect(reportOf(made)).toMatchObject({ from: 'the warm image', lostPositions: 0 })
  await Promise.all(stopped.map((component) => grid.cluster.restart(component)))
  expect((await grid.client().entry(space, 'events', id)).status).toBe(200)
  expect(await auditCopies(grid.cluster.urls, space, units, 30_000)).toEqual([])

  // Whoever watches the store would have it mended before it is looked at.
  const readers = await stopAll(grid, 'data-reader')
  const { key } = await tamperWithDocument(mongodb, 'ticketing.seats', 'price', 1)
  const mended = await recoverStore(grid, '--yes', '--json')
  expect(mended).toMatchObject({ code: 0 })
  expect(reportOf(mended).fault).toContain(`seats ${JSON.stringify(key)} (`)
  await Promise.all(readers.map((reader) => grid.cluster.restart(reader)))
  expect(await auditCopies(grid.cluster.urls, space, units, 30_000)).toEqual([])
})

/** Returns them, to be started again. */
async function stopAll({ cluster }: FaultGrid, role: string) {
  const some = cluster.components.filter(({ settings }) => settings.role === role)
  await Promise.all(some.map((component) => component.stop()))
  return some
}

/** Until the log's beginning is gone. Returns an event that is there. */
async function buyEverything(grid: FaultGrid): Promise<string> {
  const client = grid.client()
  const sections = [{ section: 'A', rows: 10, seatsPerRow: 10, price: 100 }]
  const event = { eventId: 'e', name: 'E', startsAt: 0, sections }
  await client.command(space, 'createEvent', event, { prefer: 'ack=persisted' })
  let customer = 0
  await waitFor(
    async () => {
      const hold = { eventId: 'e', section: 'A', quantity: 1, customerId: `c${customer++}` }
      await client.command(space, 'holdBestAvailable', hold)
      const dry = await firstPosition(grid)
      return dry > 1
    },
    { what: 'the log to be trimmed', timeoutMs: 30_000 },
  )
  return 'e'
}

async function firstPosition(grid: FaultGrid): Promise<number> {
  const { connect } = await import('nats')
  const connection = await connect({ servers: grid.cluster.urls.nats })
  try {
    const manager = await connection.jetstreamManager()
    return (await manager.streams.info(`SPACE_${space}_LOG`)).state.first_seq
  } finally {
    await connection.close()
  }
}
