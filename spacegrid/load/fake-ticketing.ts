import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/**
 * What may go wrong with the fake. Each fault is one that the load generator must survive, or that
 * its audit must find.
 */
export interface FakeFaults {
  /** Confirms a hold, and forgets the order. */
  loseOrders?: boolean
  /** Gives the same seats to everyone. */
  sellTwice?: boolean
  /** Refuses confirmations, and sells all the same. */
  sellRefused?: boolean
  /**
   * Takes effect, and closes the connection instead of answering: every n-th confirmation's first
   * attempt.
   */
  loseEveryNthAnswer?: number
  /** Answers 503 with Retry-After: 0 to every n-th request. */
  shedEveryNth?: number
  /** Answers nothing until then, in ms of the process's clock. */
  stalledUntil?: number
  /** No fault: orders on a page, however many are asked for. */
  ordersPerPage?: number
}

interface Order {
  orderId: string
  eventId: string
  customerId: string
  seatIds: string[]
}

/** Every command's fields at once: the fake reads its input without checking it. */
interface CommandInput {
  eventId: string
  customerId: string
  section: string
  quantity: number
  seatIds: string[]
  holdId: string
  sections: { section: string; rows: number; seatsPerRow: number }[]
}

interface Answer {
  status: number
  body: unknown
}

/**
 * A ticketing space over HTTP, small enough to be obviously right unless told otherwise: what the
 * generator is tested on.
 */
export class FakeTicketing {
  readonly faults: FakeFaults
  readonly requests: { method: string; path: string; key: string | undefined }[] = []
  readonly #server: Server
  readonly #seats = new Map<string, 'free' | 'held' | 'sold'>()
  readonly #holds = new Map<string, { customerId: string; seatIds: string[]; eventId: string }>()
  readonly #orders = new Map<string, Order>()
  readonly #answers = new Map<string, Answer>()
  #confirmations = 0
  #ids = 0

  constructor(faults: FakeFaults = {}) {
    this.faults = faults
    this.#server = createServer((request, response) => {
      void this.#respond(request, response)
    })
  }

  async start(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve))
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  async #respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://fake')
    const key = request.headers['idempotency-key'] as string | undefined
    this.requests.push({ method: request.method ?? '', path: url.pathname, key })
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const waitMs = (this.faults.stalledUntil ?? 0) - performance.now()
    if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs))
    if (this.#isNth(this.requests.length, this.faults.shedEveryNth)) {
      response.writeHead(503, { 'retry-after': '0' }).end('{"code":"overloaded"}')
      return
    }
    const name = url.pathname.split('/').at(-1) ?? ''
    const replayed = key !== undefined && this.#answers.has(key)
    const answer =
      request.method === 'GET'
        ? this.#query(name, url.searchParams)
        : this.#once(key ?? '', () =>
            this.#command(name, JSON.parse(Buffer.concat(chunks).toString())),
          )
    if (name === 'confirmHold' && !replayed) {
      this.#confirmations += 1
      if (this.#isNth(this.#confirmations, this.faults.loseEveryNthAnswer)) {
        response.destroy()
        return
      }
    }
    response.writeHead(answer.status, { 'content-type': 'application/json' })
    response.end(JSON.stringify(answer.body))
  }

  #isNth = (count: number, every: number | undefined): boolean =>
    every !== undefined && count > 1 && count % every === 0

  #once(key: string, run: () => Answer): Answer {
    const answer = this.#answers.get(key) ?? run()
    this.#answers.set(key, answer)
    return answer
  }

  #command(name: string, input: CommandInput): Answer {
    if (name === 'createEvent') {
      for (const { section, rows, seatsPerRow } of input.sections) {
        for (let row = 1; row <= rows; row += 1) {
          for (let seat = 1; seat <= seatsPerRow; seat += 1) {
            this.#seats.set(`${input.eventId}/${section}-${row}-${seat}`, 'free')
          }
        }
      }
      return ok({ seats: this.#seats.size })
    }
    if (name === 'holdBestAvailable') {
      const seatIds = this.#seatsOf(input.eventId)
        .filter(
          ({ seatId, status }) =>
            seatId.startsWith(`${input.section}-`) && (status === 'free' || this.faults.sellTwice),
        )
        .slice(0, input.quantity)
        .map(({ seatId }) => seatId)
      return seatIds.length < input.quantity ? rejected('sold_out') : this.#hold(input, seatIds)
    }
    if (name === 'holdSeats') {
      const free = input.seatIds.every((id) => this.#seats.get(`${input.eventId}/${id}`) === 'free')
      return free ? this.#hold(input, input.seatIds) : rejected('seat_unavailable')
    }
    const hold = this.#holds.get(input.holdId)
    if (hold === undefined) return rejected('hold_not_found')
    this.#holds.delete(input.holdId)
    if (name === 'releaseHold') {
      for (const id of hold.seatIds) this.#seats.set(`${hold.eventId}/${id}`, 'free')
      return ok({})
    }
    for (const id of hold.seatIds) this.#seats.set(`${hold.eventId}/${id}`, 'sold')
    this.#ids += 1
    const orderId = `order-${this.#ids}`
    if (!this.faults.loseOrders) this.#orders.set(orderId, { orderId, ...hold })
    return this.faults.sellRefused ? rejected('hold_expired') : ok({ orderId })
  }

  #hold(input: { eventId: string; customerId: string }, seatIds: string[]): Answer {
    this.#ids += 1
    const holdId = `hold-${this.#ids}`
    const { eventId, customerId } = input
    this.#holds.set(holdId, { eventId, customerId, seatIds })
    for (const id of seatIds) this.#seats.set(`${eventId}/${id}`, 'held')
    return ok({ holdId, seatIds, expiresAt: '', total: seatIds.length })
  }

  #seatsOf(eventId: string): { seatId: string; status: string }[] {
    return [...this.#seats]
      .filter(([key]) => key.startsWith(`${eventId}/`))
      .map(([key, status]) => ({ seatId: key.slice(eventId.length + 1), status }))
  }

  #query(name: string, input: URLSearchParams): Answer {
    const seats = this.#seatsOf(input.get('eventId') ?? '')
    if (name === 'seatMap') return ok({ seats })
    if (name === 'availability') {
      const count = (status: string): number =>
        seats.filter((seat) => seat.status === status).length
      const [free, held, sold] = [count('free'), count('held'), count('sold')]
      return ok({ sections: [{ section: 'all', free, held, sold }] })
    }
    const orders = [...this.#orders.values()]
    if (name === 'ordersByCustomer') {
      const all = orders.filter((order) => order.customerId === input.get('customerId'))
      const { ordersPerPage = all.length } = this.faults
      const from = Number(input.get('cursor') ?? 0)
      const next = from + ordersPerPage
      return ok({
        orders: all.slice(from, next),
        ...(next < all.length ? { next: String(next) } : {}),
      })
    }
    const order = this.#orders.get(input.get('orderId') ?? '')
    return order === undefined ? { status: 404, body: { code: 'not_found' } } : ok(order)
  }
}

const ok = (result: unknown): Answer => ({ status: 200, body: { result, position: 1, version: 1 } })

const rejected = (reason: string): Answer => ({
  status: 409,
  body: { error: { code: 'rejected', reason } },
})
