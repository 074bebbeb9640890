import { type DomainEventTold, GridClient } from 'spacegrid/client'
import { expect, test } from 'vitest'
import { FaultGrid } from '../support/fault-grid.ts'
import { nothingFound } from '../support/grid-audit.ts'
import { type PublishedEvent, readPublished } from '../support/read-published.ts'
import { repositoryApplication } from '../support/repository-application.ts'
import { pairOf } from '../support/standby.ts'
import { waitFor } from '../support/wait-for.ts'

const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31))
const kills = 4

// docs/nats.md, "Domain events": each once, in the order of the log, whatever becomes of the pumps.
test(`while data pumps are killed again and again, each event is published once, in order (SEED=${seed})`, {
  timeout: 300_000,
}, async () => {
  const environment = { EVENTS_BYTES_MAX: String(64 * 1024 ** 2) }
  await using grid = await FaultGrid.start({ units: 2, copies: 2, environment })
  const { told: overHttp, end } = followEvents(grid)
  const crowd = await grid.crowd({ seed })
  for (let kill = 0; kill < kills; kill++) {
    const before = overHttp.length
    await waitFor(() => overHttp.length > before + 20, {
      what: 'events between two kills',
      timeoutMs: 60_000,
    })
    const { active } = await pairOf(grid, 'data-pump')
    active.kill('SIGKILL')
    await active.gone
    await grid.cluster.restart(active)
  }
  await crowd.finish()
  expect(await grid.audit()).toEqual(nothingFound)

  const published = await readPublished(grid.cluster.urls.nats, () => overHttp)
  end()
  // The first events may have been told before anybody followed over HTTP.
  const told = published.map(({ json }) => json)
  const from = told.findIndex(({ position }) => position === overHttp[0]?.position)
  expect(told.slice(from)).toEqual(overHttp)
  expect(new Set(published.map(({ id }) => id)).size).toBe(published.length)
  expect(overHttp.length).toBeGreaterThan(kills * 20)
  for (const { subject, json } of published)
    expect(subject).toBe(`spacegrid.ticketing.events.${json.name}`)
})

test(`of a divided space each partition has its events in a stream of its own (SEED=${seed})`, {
  timeout: 300_000,
}, async () => {
  const partitions = 3
  const application = {
    ...repositoryApplication('ticketing'),
    partitions: { ticketing: partitions },
  }
  const bytesMax = String(64 * 1024 ** 2)
  const environment = { EVENTS_BYTES_MAX: bytesMax, PARTITIONS: String(partitions) }
  await using grid = await FaultGrid.start({ units: 2, application, environment })
  const { told, end } = followEvents(grid)
  const crowd = await grid.crowd({ seed })
  await waitFor(() => told.length > 60, { what: 'events', timeoutMs: 60_000 })
  await crowd.finish()
  const counts: number[] = []
  for (let partition = 0; partition < partitions; partition++) {
    // The last ones may still be on their way to either.
    const ofIt = () => told.filter(({ position }) => String(position).startsWith(`${partition}.`))
    const log = `ticketing.${partition}` as const
    const published = await readPublished(grid.cluster.urls.nats, ofIt, log)
    const own = ofIt()
    counts.push(own.length)
    if (own.length === 0) continue
    const json = published.map((one) => one.json)
    const from = json.findIndex(({ position }) => position === own[0]?.position)
    expect(json.slice(from)).toEqual(own)
    for (const { subject, json: event } of published)
      expect(subject).toBe(`spacegrid.ticketing.${partition}.events.${event.name}`)
  }
  end()
  // None is of a partition that does not exist.
  expect(counts.reduce((sum, count) => sum + count, 0)).toBe(told.length)
})

/** What is told over HTTP meanwhile, by whichever unit. */
function followEvents(grid: FaultGrid) {
  const told: PublishedEvent['json'][] = []
  const ending = new AbortController()
  const client = new GridClient(grid.cluster.urls.http)
  const following = (async () => {
    for await (const event of client.events('ticketing', { signal: ending.signal })) {
      const { name, payload, position, version } = event as DomainEventTold
      told.push({ name, payload, position, version })
    }
  })()
  following.catch(() => undefined)
  return { told, end: () => ending.abort() }
}
