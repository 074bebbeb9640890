import { type DomainEventTold, GridClient } from 'spacegrid/client'
import { expect, test } from 'vitest'
import { FaultGrid } from '../support/fault-grid.ts'
import { nothingFound } from '../support/grid-audit.ts'
import { readPublished } from '../support/read-published.ts'
import { waitFor } from '../support/wait-for.ts'

const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31))
const kills = 3

// docs/live.md, "Coming back": the unit that comes back remembers nothing of what was before.
test(`whoever follows events goes on without a gap while the only unit is killed again and again (SEED=${seed})`, {
  timeout: 300_000,
}, async () => {
  const environment = { EVENTS_BYTES_MAX: String(64 * 1024 ** 2) }
  await using grid = await FaultGrid.start({ units: 1, environment })
  const told: unknown[] = []
  const resets: unknown[] = []
  const ending = new AbortController()
  const client = new GridClient(grid.cluster.urls.http)
  const following = (async () => {
    for await (const event of client.events('ticketing', { signal: ending.signal }))
      if (event.kind === 'reset') resets.push(event)
      else {
        const { name, payload, position, version } = event as DomainEventTold
        told.push({ name, payload, position, version })
      }
  })()
  following.catch(() => undefined)
  await grid.crowd({ seed })
  for (let kill = 0; kill < kills; kill++) {
    const before = told.length
    await waitFor(() => told.length > before + 20, {
      what: 'events between two kills',
      timeoutMs: 60_000,
    })
    const [unit] = grid.cluster.units
    if (!unit) throw new Error('there is no unit')
    unit.kill('SIGKILL')
    await unit.gone
    await grid.cluster.restart(unit)
  }
  expect(await grid.audit()).toEqual(nothingFound)
  const published = await readPublished(grid.cluster.urls.nats, () => told)
  ending.abort()
  const { position: first } = told[0] as DomainEventTold
  const from = published.findIndex(({ json }) => json.position === first)
  expect(told).toEqual(published.slice(from).map(({ json }) => json))
  expect(resets).toEqual([])
})
