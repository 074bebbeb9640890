import { afterAll, beforeAll, expect, test } from 'vitest'
import { FaultGrid } from '../support/fault-grid.ts'
import { nothingFound } from '../support/grid-audit.ts'
import { auditStore } from '../support/store-audit.ts'
import { waitFor } from '../support/wait-for.ts'

const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31))
/** Killed at once, one group after the other. */
const victims = [
  ['data-writer'],
  ['data-pump'],
  ['data-writer', 'data-pump'],
  ['data-writer', 'data-pump', 'data-reader'],
]

interface StoredOrder {
  readonly status: string
  readonly _grid: { readonly archived?: boolean }
}

let grid: FaultGrid
beforeAll(async () => {
  // Orders leave memory as soon as they are made; who cancels one brings it back.
  grid = await FaultGrid.start({ units: 2, environment: { ARCHIVE_ORDERS_MS: '1' } })
})
afterAll(() => grid.stop())

const storedOrders = async () => {
  const { documents } = await auditStore(grid.cluster.urls.mongodb, 'ticketing')
  return (documents.get('orders') ?? []) as unknown as readonly StoredOrder[]
}

/** They are started again while the others go on. */
async function killed(names: readonly string[]): Promise<void> {
  const components = names.map((name) => grid.component(name))
  for (const component of components) component.kill('SIGKILL')
  await Promise.all(components.map((component) => component.gone))
  for (const component of components) await grid.cluster.restart(component)
}

// docs/archive.md: an entry is in the store before it is forgotten by whoever could give it anew.
test(`while orders leave memory and come back, and pump, writer and reader are killed, none is lost and none is doubled (SEED=${seed})`, {
  timeout: 240_000,
}, async () => {
  const crowd = await grid.crowd({ seed })
  const cancelled = () => crowd.ledger.purchases.filter(({ state }) => state === 'cancelled').length
  for (const names of victims) {
    const before = cancelled()
    await waitFor(() => cancelled() > before, {
      ...{ what: 'another order to come back', timeoutMs: 60_000 },
    })
    await killed(names)
  }
  expect(await grid.audit()).toEqual(nothingFound)
  // All that the crowd has bought is in the store, and only there.
  const haveLeft = async () => (await storedOrders()).every(({ _grid }) => _grid.archived === true)
  await waitFor(haveLeft, { what: 'all orders to leave memory', timeoutMs: 60_000 })
  const orders = await storedOrders()
  expect(orders.filter(({ status }) => status === 'cancelled').length).toBeGreaterThanOrEqual(
    cancelled(),
  )
  const bought = crowd.ledger.purchases.filter(
    ({ state }) => state === 'ordered' || state === 'cancelled',
  )
  expect(orders.length).toBeGreaterThanOrEqual(bought.length)
  process.stderr.write(`${orders.length} orders, ${cancelled()} of them came back\n`)
})
