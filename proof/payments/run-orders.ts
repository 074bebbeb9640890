import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { FaultPlan } from '../chaos/fault-plan.ts'
import { victimsOf } from '../chaos/victim.ts'
import { FaultGrid } from '../support/fault-grid.ts'
import type { PatientClient } from '../support/patient-client.ts'
import { auditStore } from '../support/store-audit.ts'
import { judgeOrders, type OrdersFindings } from './judge-orders.ts'
import { PaymentProcess } from './payment-process.ts'

export interface OrdersOptions {
  readonly orders: number
  readonly seed: number
  readonly units: number
  readonly buyers: number
  /** Nothing is killed when 0. */
  readonly killsMax: number
  readonly folder: string
  readonly say?: (line: string) => void
}

export interface OrdersSummary extends OrdersFindings {
  readonly kills: ReadonlyMap<string, number>
  /** Orders that were acknowledged, and customers without an answer. */
  readonly acknowledged: number
  readonly unanswered: number
  readonly seconds: number
  /** From the last order to the last ticket or cancellation. */
  readonly drainSeconds: number
}

const eventId = 'concert'
const seatsPerRow = 100
const giveUpMs = 300_000
const drainMsMax = 600_000
const pollMs = 300

/**
 * Orders of tickets on a real cluster while all of it is killed at random: units, pumps, writers,
 * readers, NATS, MongoDB, Redis and the payment service. Each is paid and its ticket issued once,
 * or it is compensated once; found by what MongoDB and the ledger of the payments hold at the end.
 */
export async function runOrders(options: OrdersOptions): Promise<OrdersSummary> {
  const { orders, units, buyers, folder, say = () => undefined } = options
  const startedAt = performance.now()
  const grid = await FaultGrid.start({
    ...{ units, folder },
    application: {
      files: [fileURLToPath(new URL('./spaces.ts', import.meta.url))],
      spaces: ['ticketing', 'tickets'],
    },
  })
  const ledger = join(folder, 'payments')
  const payments = new PaymentProcess(grid.cluster.urls.nats, ledger)
  try {
    await payments.restart()
    say(`the grid and the payment service run: ${orders} orders begin`)
    const client = grid.client()
    await createEvent(client, orders)
    const plan = new FaultPlan([...victimsOf(grid), payments], options)
    const killing = killAll(plan, options)
    const selling = sell(client, { orders, buyers, say })
    // Who does not come back ends the run, and not its buyers' patience.
    const [sold] = await Promise.all([selling.finally(killing.stop), killing.over])
    const soldAt = performance.now()
    say(`${sold.orderIds.length} orders are acknowledged`)
    await plan.recovered()
    await drained(grid, say)
    const drainSeconds = (performance.now() - soldAt) / 1000
    await client.close()
    const { mongodb } = grid.cluster.urls
    const ticketing = await auditStore(mongodb, 'ticketing')
    const tickets = await auditStore(mongodb, 'tickets')
    const paid = await readFile(ledger, 'utf8')
    return {
      ...judgeOrders(ticketing.documents, tickets.documents, paid, sold.orderIds),
      kills: plan.kills,
      acknowledged: sold.orderIds.length,
      unanswered: sold.unanswered,
      seconds: (performance.now() - startedAt) / 1000,
      drainSeconds,
    }
  } finally {
    await payments.stop()
    await grid.stop()
  }
}

/** So many seats that each order finds one, whatever is held and given back meanwhile. */
async function createEvent(client: PatientClient, orders: number): Promise<void> {
  const rows = Math.ceil((orders * 1.2) / seatsPerRow) + 1
  const sections = [{ section: 'A', rows, seatsPerRow, price: 4500 }]
  const event = { eventId, name: 'Concert', startsAt: 1_900_000_000_000, sections }
  const answer = await client.persist('ticketing', 'createEvent', event, giveUpMs)
  if (answer?.status !== 200) throw new Error(`no event: ${JSON.stringify(answer?.body)}`)
}

function killAll(plan: FaultPlan, { killsMax, say = () => undefined }: OrdersOptions) {
  let isOver = false
  const work = async () => {
    for (let cycle = 1; cycle <= killsMax && !isOver; cycle++) {
      const { victims } = await plan.cycle()
      if (cycle % 20 === 0) say(`cycle ${cycle}: killed ${victims.join(', ')}`)
    }
  }
  return {
    over: work(),
    stop: () => {
      isOver = true
    },
  }
}

async function sell(
  client: PatientClient,
  { orders, buyers, say }: { orders: number; buyers: number; say: (line: string) => void },
): Promise<{ readonly orderIds: string[]; readonly unanswered: number }> {
  const orderIds: string[] = []
  let unanswered = 0
  let next = 0
  const buyer = async () => {
    while (next < orders) {
      const customerId = `customer-${next++}`
      const hold = { eventId, section: 'A', quantity: 1, customerId }
      const held = await client.persist('ticketing', 'holdBestAvailable', hold, giveUpMs)
      const holdId = held?.body.result?.holdId
      const confirm = { holdId, paymentReference: `order-of-${customerId}` }
      const confirmed =
        holdId === undefined
          ? undefined
          : await client.persist('ticketing', 'confirmHold', confirm, giveUpMs)
      const orderId = confirmed?.body.result?.orderId
      if (orderId === undefined) unanswered++
      else orderIds.push(String(orderId))
      if (orderIds.length % 1000 === 0) say(`${orderIds.length} orders`)
    }
  }
  await Promise.all(Array.from({ length: buyers }, buyer))
  return { orderIds, unanswered }
}

interface SpaceSaid {
  readonly position: number
  readonly reactions?: { readonly waiting: number; readonly dead: number }
}

/** Nothing is to be done any more, and MongoDB has all of it. */
async function drained(grid: FaultGrid, say: (line: string) => void): Promise<void> {
  const until = performance.now() + drainMsMax
  for (let polls = 1; ; polls++) {
    const said = await Promise.all(
      grid.cluster.units.map(({ settings }) => spacesOf(settings.adminPort)),
    )
    const writer = await spacesOf(grid.component('data-writer').settings.adminPort)
    const waiting = said.map((spaces) => spaces?.ticketing?.reactions?.waiting)
    const newest = (space: string) => Math.max(...said.map((it) => it?.[space]?.position ?? 0))
    const isStored = ['ticketing', 'tickets'].every(
      (space) => (writer?.[space]?.position ?? -1) >= newest(space) - 1,
    )
    if (waiting.every((count) => count === 0) && isStored) return
    if (polls % 20 === 0) say(`still to be done: ${waiting.join(', ')}`)
    if (performance.now() > until)
      throw new Error(`not everything is done: ${waiting.join(', ')} are waiting`)
    await sleep(pollMs)
  }
}

async function spacesOf(adminPort: number): Promise<Record<string, SpaceSaid> | undefined> {
  try {
    const url = `http://127.0.0.1:${adminPort}/status`
    const response = await fetch(url, { signal: AbortSignal.timeout(5000) })
    return ((await response.json()) as { spaces: Record<string, SpaceSaid> }).spaces
  } catch {
    // Paused, or just coming back: it is asked again.
    return undefined
  }
}
