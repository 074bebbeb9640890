import { streams } from '@spacegrid/grid/engine/wire/subjects'
import { connect, type JsMsg } from 'nats'
import { type DomainEventTold, GridClient } from 'spacegrid/client'
import { expect, test } from 'vitest'
import { FaultGrid } from '../support/fault-grid.ts'
import { nothingFound } from '../support/grid-audit.ts'
import { pairOf } from '../support/standby.ts'
import { waitFor } from '../support/wait-for.ts'

const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31))
const kills = 4

interface Told {
  readonly name: string
  readonly payload: unknown
  readonly position: unknown
  readonly version: unknown
}

// docs/nats.md, "Domain events": each once, in the order of the log, whatever becomes of the pumps.
test(`while data pumps are killed again and again, each event is published once, in order (SEED=${seed})`, {
  timeout: 300_000,
}, async () => {
  const environment = { EVENTS_BYTES_MAX: String(64 * 1024 ** 2) }
  await using grid = await FaultGrid.start({ units: 2, copies: 2, environment })
  const overHttp: Told[] = []
  const ending = new AbortController()
  const following = (async () => {
    const client = new GridClient(grid.cluster.urls.http)
    for await (const event of client.events('ticketing', { signal: ending.signal })) {
      const { name, payload, position, version } = event as DomainEventTold
      overHttp.push({ name, payload, position, version })
    }
  })()
  following.catch(() => undefined)
  const crowd = await grid.crowd({ seed })
  for (let kill = 0; kill < kills; kill++) {
    const before = overHttp.length
    await waitFor(() => overHttp.length > before + 20, { what: 'events between two kills' })
    const { active } = await pairOf(grid, 'data-pump')
    active.kill('SIGKILL')
    await active.gone
    await grid.cluster.restart(active)
  }
  await crowd.finish()
  expect(await grid.audit()).toEqual(nothingFound)

  const nc = await connect({ servers: grid.cluster.urls.nats })
  try {
    const jetStream = nc.jetstream()
    const stream = streams.events('ticketing')
    const consumer = await jetStream.consumers.get(stream)
    const messages: JsMsg[] = []
    const isLast = (message: JsMsg | undefined) => {
      const { position } = message?.json<Told>() ?? { position: undefined }
      return position === overHttp.at(-1)?.position && message?.info.pending === 0
    }
    for await (const message of await consumer.consume()) {
      messages.push(message)
      if (isLast(message)) break
    }
    // The first events may have been told before anybody followed over HTTP.
    const first = overHttp[0] as Told
    const told = messages.map((message) => message.json<Told>())
    const from = told.findIndex(({ position }) => position === first.position)
    expect(told.slice(from)).toEqual(overHttp)
    const ids = messages.map(({ headers }) => headers?.get('Nats-Msg-Id'))
    expect(new Set(ids).size).toBe(messages.length)
    expect(overHttp.length).toBeGreaterThan(kills * 20)
    for (const message of messages)
      expect(message.subject).toBe(`spacegrid.ticketing.events.${message.json<Told>().name}`)
  } finally {
    ending.abort()
    await nc.close()
  }
})
