import { randomUUID } from 'node:crypto'
import { Agent, request } from 'undici'

export interface Answer {
  readonly status: number
  readonly body: {
    readonly result?: Record<string, unknown>
    readonly position?: number
    readonly code?: string
    readonly error?: { readonly reason?: string }
  }
}

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

const connectionsMax = 256
const retryMs = 100

/** A client as a careful user writes one: it retries what may be retried, with the same idempotency key, until a time limit. */
export class GridClient {
  readonly #url: string
  readonly #agent = new Agent({ connections: connectionsMax, pipelining: 1 })

  constructor(url: string) {
    this.#url = url
  }

  async query(space: string, name: string, parameters: Record<string, string>): Promise<Answer> {
    return await this.#send(
      `/${space}/queries/${name}?${new URLSearchParams(parameters)}`,
      undefined,
      {},
    )
  }

  async command(
    space: string,
    name: string,
    input: unknown,
    headers: Record<string, string> = {},
  ): Promise<Answer> {
    return await this.#send(`/${space}/commands/${name}`, JSON.stringify(input), headers)
  }

  /** undefined when there was no final answer within the time. */
  async persist(
    space: string,
    name: string,
    input: unknown,
    giveUpMs: number,
  ): Promise<Answer | undefined> {
    const key = randomUUID()
    const until = performance.now() + giveUpMs
    while (performance.now() < until) {
      try {
        const answer = await this.command(space, name, input, { 'idempotency-key': key })
        if (answer.status < 500) return answer
      } catch {
        // The unit may have died with the request: that is what the key is for.
      }
      await new Promise((wake) => setTimeout(wake, retryMs * (0.5 + Math.random())))
    }
    return undefined
  }

  async close(): Promise<void> {
    await this.#agent.destroy()
  }

  async #send(
    path: string,
    body: string | undefined,
    headers: Record<string, string>,
  ): Promise<Answer> {
    const response = await request(this.#url + path, {
      dispatcher: this.#agent,
      method: body === undefined ? 'GET' : 'POST',
      headers: body === undefined ? headers : { 'content-type': 'application/json', ...headers },
      headersTimeout: 15_000,
      ...(body === undefined ? {} : { body }),
    })
    return { status: response.statusCode, body: (await response.body.json()) as Answer['body'] }
  }
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

/** So many buyers at once: each wants one or two seats, half of them certain ones, and tries until there are none. */
export async function sellOut(client: GridClient, options: SaleOptions): Promise<SaleLedger> {
  const ledger: SaleLedger = { orders: [], refused: [], unanswered: [] }
  await Promise.all(
    Array.from({ length: options.buyers }, (_, i) => buy(client, `buyer-${i}`, options, ledger)),
  )
  return ledger
}

const triesMax = 40

async function buy(
  client: GridClient,
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
