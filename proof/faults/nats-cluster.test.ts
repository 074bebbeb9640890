import { streams } from '@spacegrid/grid/engine/wire/subjects'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { FaultGrid } from '../support/fault-grid.ts'
import { goesOn } from '../support/goes-on.ts'
import { nothingFound } from '../support/grid-audit.ts'
import { NatsCluster } from '../support/nats-cluster.ts'
import { waitFor } from '../support/wait-for.ts'

const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31))
const log = streams.log('ticketing')
const changes = streams.changes('ticketing')

let nats: NatsCluster
let grid: FaultGrid
beforeAll(async () => {
  nats = await NatsCluster.start()
  grid = await FaultGrid.start({ urls: { nats: nats.url }, environment: { STREAM_REPLICAS: '3' } })
})
afterAll(async () => {
  await grid?.stop()
  await nats?.stop()
})

const allCurrent = () => Promise.all([nats.untilCurrent(log), nats.untilCurrent(changes)])

// architecture.md, invariant 5
test(`the log's leader steps down, is killed, is paused: the grid goes on with the others (SEED=${seed})`, {
  timeout: 120_000,
}, async () => {
  const crowd = await grid.crowd({ seed })
  await goesOn(crowd)
  await nats.stepDown(log)
  await nats.stepDown(changes)
  await goesOn(crowd)

  const killed = await nats.leaderOf(log)
  await killed.kill()
  await goesOn(crowd)
  await killed.restart()
  await allCurrent()

  const paused = await nats.leaderOf(log)
  await paused.pause()
  await goesOn(crowd)
  await paused.resume()
  await allCurrent()
  expect(await grid.audit()).toEqual(nothingFound)
})

test(`the majority of the NATS cluster is killed: commands get 503, queries go on, all resumes (SEED=${seed})`, {
  timeout: 120_000,
}, async () => {
  const crowd = await grid.crowd({ seed })
  await goesOn(crowd)
  const lost = nats.members.slice(0, 2)
  await Promise.all(lost.map((member) => member.kill()))
  const client = grid.client()
  const answer = await waitFor(
    async () => {
      // A command that is refused when the log can be reached: even its refusal takes a place
      // there.
      const found = await client.command('ticketing', 'releaseHold', { holdId: 'of nobody' })
      return found.status === 503 ? found : undefined
    },
    { what: 'a command to be refused with 503', timeoutMs: 30_000 },
  )
  expect(answer.body.code).toBe('log_unavailable')
  const eventId = crowd.ledger.events.at(-1) ?? ''
  expect(await client.query('ticketing', 'availability', { eventId })).toMatchObject({
    status: 200,
    body: { position: expect.any(Number) },
  })
  await Promise.all(lost.map((member) => member.restart()))
  await goesOn(crowd)
  await client.close()
  await allCurrent()
  expect(await grid.audit()).toEqual(nothingFound)
})
