import type { PatientClient } from './patient-client.ts'

/** An order that the grid has acknowledged. */
export interface AcknowledgedOrder {
  readonly orderId: string
  readonly customerId: string
  readonly seatIds: readonly string[]
}

/** What a crowd of buyers has been told. */
export interface SaleLedger {
  readonly orders: AcknowledgedOrder[]
  /** Customers all of whose commands were refused. */
  readonly refused: string[]
  /** Customers who have never had an answer to some command. */
  readonly unanswered: string[]
}

export interface SaleOptions {
  readonly eventId: string
  readonly section: string
  readonly rows: number
  readonly seatsPerRow: number
  readonly buyers: number
  /** Longest a buyer waits for the answer to one command. */
  readonly giveUpMs: number
  readonly random: () => number
}

/**
 * So many buyers at once: each wants one or two seats, half of them certain ones, and tries until
 * there are none.
 */
export async function sellOut(client: PatientClient, options: SaleOptions): Promise<SaleLedger> {
  const ledger: SaleLedger = { orders: [], refused: [], unanswered: [] }
  await Promise.all(
    Array.from({ length: options.buyers }, (_, i) => buy(client, `buyer-${i}`, options, ledger)),
  )
  return ledger
}

const triesMax = 40

async function buy(
  client: PatientClient,
  customerId: string,
  options: SaleOptions,
  ledger: SaleLedger,
): Promise<void> {
  const { eventId, giveUpMs } = options
  for (let tries = 0; tries < triesMax; tries++) {
    const { name, input } = choose(customerId, options, tries)
    const held = await client.persist(
      'ticketing',
      name,
      { eventId, customerId, ...input },
      giveUpMs,
    )
    if (!held) {
      ledger.unanswered.push(customerId)
      return
    }
    if (held.status === 409 && held.body.error?.reason === 'sold_out') break
    if (held.status === 409) continue
    const holdId = String(held.body.result?.holdId)
    const seatIds = (held.body.result?.seatIds ?? input.seatIds) as string[]
    const confirmed = await client.persist(
      'ticketing',
      'confirmHold',
      { holdId, paymentReference: `pay-${customerId}` },
      giveUpMs,
    )
    if (!confirmed) {
      ledger.unanswered.push(customerId)
      return
    }
    if (confirmed.status !== 200)
      throw new Error(
        `confirming a hold gave ${confirmed.status} ${JSON.stringify(confirmed.body)}`,
      )
    ledger.orders.push({ orderId: String(confirmed.body.result?.orderId), customerId, seatIds })
    return
  }
  ledger.refused.push(customerId)
}

function choose(
  customerId: string,
  { section, rows, seatsPerRow, random }: SaleOptions,
  tries: number,
) {
  const pick = (n: number) => 1 + Math.floor(random() * n)
  if (tries < 2 && customerId.charCodeAt(customerId.length - 1) % 2 === 0)
    return {
      name: 'holdSeats',
      input: { seatIds: [`${section}-${pick(rows)}-${pick(seatsPerRow)}`] },
    }
  return { name: 'holdBestAvailable', input: { section, quantity: 1 } }
}
