import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { KnownUnits } from '@spacegrid/grid/drivers/nats/known-units'
import { uniqueName } from '@spacegrid/proof/support/unique-name'
import { waitFor } from '@spacegrid/proof/support/wait-for'
import { connect } from 'nats'
import { findFreePort } from 'spacegrid/servers/free-port'
import { expect, inject, onTestFinished, test } from 'vitest'

// architecture.md, Scale: nothing may assume one space per process.
test('one unit program serves two spaces through both doors, and tells how long it took', async () => {
  const [port, adminPort] = [await findFreePort(), await findFreePort()]
  const name = uniqueName()
  const unit = spawn(
    process.execPath,
    [join(import.meta.dirname, '../proof/support/two-spaces-unit.ts')],
    {
      env: {
        ...process.env,
        NATS_URL: inject('natsUrl'),
        UNIT_NAME: name,
        PORT: String(port),
        ADMIN_PORT: String(adminPort),
      },
      stdio: ['ignore', 'ignore', 'inherit'],
    },
  )
  onTestFinished(() => void unit.kill('SIGKILL'))
  const admin = (path: string) => fetch(`http://127.0.0.1:${adminPort}${path}`)
  const ready = async () => (await admin('/health/ready').catch(() => undefined))?.status === 200
  await waitFor(ready, { what: 'the unit' })
  const open = (space: string, command: string, input: object) =>
    fetch(`http://127.0.0.1:${port}/${space}/commands/${command}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(input),
    })
  const id = uniqueName()
  const inAnHour = Date.now() + 3_600_000
  const sections = [{ section: 'A', rows: 1, seatsPerRow: 2, price: 100 }]
  const event = { eventId: id, name: 'Show', startsAt: inAnHour, sections }
  expect((await open('ticketing', 'createEvent', event)).status).toBe(200)
  const sale = { auctionId: id, title: 'Vase', startingPrice: 1, minimumIncrement: 1 }
  expect((await open('auction', 'openAuction', { ...sale, endsAt: inAnHour })).status).toBe(200)
  const nats = await connect({ servers: inject('natsUrl') })
  for (const [subject, input] of [
    ['spacegrid.ticketing.query.availability', { eventId: id }],
    ['spacegrid.auction.query.auction', { auctionId: id }],
  ] as const) {
    const answer = await nats.request(subject, JSON.stringify(input), { timeout: 5000 })
    expect(answer.json()).toMatchObject({ result: expect.anything() })
  }
  await nats.close()
  // docs/nats.md, Discovery: who looks for units finds where they are.
  const units = await KnownUnits.open(inject('natsUrl'))
  onTestFinished(() => units.close())
  expect((await units.ask()).find((known) => known.unit === name)).toEqual({
    ...{ unit: name, role: 'unit', http: `http://127.0.0.1:${port}` },
    admin: `http://127.0.0.1:${adminPort}`,
    spaces: expect.toSatisfy((it: string[]) => it.toSorted().join() === 'auction,ticketing'),
  })
  const { spaces } = (await (await admin('/status')).json()) as { spaces: object }
  expect(Object.keys(spaces)).toEqual(['ticketing', 'auction'])
  const metrics = await (await admin('/metrics')).text()
  for (const [name, labels] of [
    ['command_seconds_count', 'space="ticketing",command="createEvent",outcome="ok"'],
    ['command_seconds_count', 'space="auction",command="openAuction",outcome="ok"'],
    ['query_seconds_count', 'space="ticketing",query="availability",outcome="ok"'],
    ['requests_total', 'space="auction",door="nats"'],
  ])
    expect(metrics).toContain(`spacegrid_${name}{${labels},`)
  unit.kill()
  expect(await once(unit, 'exit')).toEqual([0, null])
})
