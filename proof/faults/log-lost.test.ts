import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { componentStatus } from '../support/component-status.ts'
import { auditCopies } from '../support/copies-audit.ts'
import { FaultGrid } from '../support/fault-grid.ts'
import { goesOn } from '../support/goes-on.ts'
import { nothingFound } from '../support/grid-audit.ts'
import { recover, reportOf } from '../support/recover-command.ts'
import { unitStatus } from '../support/store-audit.ts'
import { waitFor } from '../support/wait-for.ts'

const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31))
const space = 'ticketing'
const units = 2

let grid: FaultGrid
beforeAll(async () => {
  grid = await FaultGrid.start({ units })
})
afterAll(() => grid.stop())

const environmentOf = ({ cluster: { urls } }: FaultGrid) => ({
  NATS_URL: urls.nats,
  MONGODB_URL: urls.mongodb,
  REDIS_URL: urls.redis,
  SPACES: space,
})

/** Everything that NATS has on its disk goes, under the running grid. */
async function loseTheLog(grid: FaultGrid): Promise<void> {
  const nats = grid.server('nats')
  await nats.kill()
  await rm(join(grid.folder, 'nats', 'jetstream'), { recursive: true })
  await nats.restart()
}

const orderOf = async (grid: FaultGrid, orderId: string) =>
  (await grid.client().query(space, 'order', { orderId })).status

// architecture.md, invariants 5 to 8: what is left of a lost log is enough
test(`the log is lost under load: the units that run have what was acknowledged, and nothing is lost (SEED=${seed})`, {
  timeout: 240_000,
}, async () => {
  const crowd = await grid.crowd({ seed, shoppers: 4 })
  await goesOn(crowd, 30)
  // The store is left behind, so that it alone would not do.
  const writer = grid.component('data-writer')
  writer.kill('SIGKILL')
  await writer.gone
  await goesOn(crowd, 30)
  await loseTheLog(grid)
  const made = await recover(environmentOf(grid), '--from', 'mongodb', '--yes', '--json')
  expect(made).toMatchObject({ code: 0 })
  const { stored, saved, savedFrom, lostPositions } = reportOf(made)
  expect(savedFrom).toMatch(/^(unit|pump) /)
  expect(Number(saved)).toBeGreaterThan(Number(stored))
  expect(lostPositions).toBe(0)
  await grid.cluster.restart(writer)
  await goesOn(crowd, 30)
  expect(await grid.audit()).toEqual(nothingFound)
  const again = await recover(environmentOf(grid), '--from', 'mongodb', '--yes')
  expect(again).toMatchObject({ code: 1, errors: expect.stringMatching(/nothing to recover/) })
})

test('the log is lost while the grid is stopped: what is said to be kept is there, what was later is not, and retries get their first answers', {
  timeout: 240_000,
}, async () => {
  const client = grid.client()
  const command = (name: string, input: object, key: string) =>
    client.command(space, name, input, { 'idempotency-key': key })
  const sections = [{ section: 'A', rows: 4, seatsPerRow: 10, price: 1 }]
  await command('createEvent', { eventId: 'e', name: 'E', startsAt: 0, sections }, 'event')
  const buy = async (number: number) => {
    const customerId = `c${number}`
    const hold = { eventId: 'e', section: 'A', quantity: 1, customerId }
    const { body: held } = await command('holdBestAvailable', hold, `hold-${number}`)
    const confirm = { holdId: held.result?.holdId, paymentReference: 'p' }
    const { body } = await command('confirmHold', confirm, `confirm-${number}`)
    const order = { orderId: String(body.result?.orderId), position: body.position ?? 0 }
    return { ...order, confirm, body, key: `confirm-${number}` }
  }
  const orders = [await buy(1), await buy(2)]
  const bought = orders[1]?.position ?? 0
  await waitFor(async () => (await pumpStatus(grid)) >= bought, { what: 'the pump' })
  await waitFor(async () => (await writerPosition(grid)) >= bought, { what: 'the writer' })
  // From here on nobody but the units and the log knows what is bought.
  const stop = async (name: string) => {
    const component = grid.component(name)
    component.kill('SIGKILL')
    await component.gone
  }
  await stop('data-pump')
  orders.push(await buy(3), await buy(4))
  const [unit] = grid.cluster.units
  const { position } = await unitStatus(unit?.settings.adminPort ?? 0, space)
  for (const { settings } of grid.cluster.components)
    if (settings.name !== 'data-pump') await stop(settings.name)
  await loseTheLog(grid)

  const shown = await recover(environmentOf(grid), '--from', 'mongodb', '--json')
  expect(shown).toMatchObject({ code: 1, errors: expect.stringMatching(/Nothing has been done/) })
  const made = await recover(environmentOf(grid), '--from', 'mongodb', '--yes', '--json')
  expect(made).toMatchObject({ code: 0 })
  expect(reportOf(made)).toMatchObject(reportOf(shown))
  const saved = Number(reportOf(made).saved)
  expect(saved).toBeLessThan(position)
  await Promise.all(grid.cluster.components.map((component) => grid.cluster.restart(component)))
  for (const { orderId, position, confirm, body, key } of orders) {
    const isKept = position <= saved
    expect(await orderOf(grid, orderId), `order at ${position}, kept up to ${saved}`).toBe(
      isKept ? 200 : 404,
    )
    if (!isKept) continue
    const { body: again } = await command('confirmHold', confirm, key)
    expect(again.result).toEqual(body.result)
  }
  expect(orders.filter((order) => order.position <= saved)).toHaveLength(2)
  const { status } = await command(
    'holdBestAvailable',
    { eventId: 'e', section: 'A', quantity: 1, customerId: 'later' },
    'later',
  )
  expect(status).toBe(200)
  expect(await auditCopies(grid.cluster.urls, space, units, 30_000)).toEqual([])
})

/** Up to where MongoDB has it. */
async function writerPosition(grid: FaultGrid): Promise<number> {
  const { adminPort } = grid.component('data-writer').settings
  return (await componentStatus(adminPort, space)).position
}

/** Up to where the pump has published. */
async function pumpStatus(grid: FaultGrid): Promise<number> {
  const { adminPort } = grid.component('data-pump').settings
  const response = await fetch(`http://127.0.0.1:${adminPort}/status`)
  const { spaces } = (await response.json()) as {
    spaces: Record<string, { published: number; imagePosition: number }>
  }
  const { published = 0, imagePosition = 0 } = spaces[space] ?? {}
  return Math.min(published, imagePosition)
}
