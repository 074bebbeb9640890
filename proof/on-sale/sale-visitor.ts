import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Pool } from 'undici'

/** What a visitor goes to. */
export interface SaleTarget {
  readonly rooms: Pool
  readonly units: Pool
  readonly eventId: string
  readonly thinkMs: () => number
  readonly signal: AbortSignal
}

/** What a visitor was told about the wait, and what came. */
export interface ToldEstimate {
  readonly seconds: number
  readonly from: number
  readonly to: number
  readonly isSettled: boolean
  /** Monotonic ms. */
  readonly at: number
}

/** How it went with one visitor. */
export interface SaleVisit {
  readonly cameAt: number
  /** When the place was known, monotonic ms. */
  readonly toldAt: number
  readonly number: number
  /** Until when the turn lasts, ms since the epoch: turns that come first end first. */
  readonly until: number
  readonly estimates: readonly ToldEstimate[]
  /** Undefined: nothing was left. */
  readonly orderId: string | undefined
}

interface Answer {
  readonly status: number
  readonly body: Readonly<Record<string, unknown>>
}

const pauseMsMin = 250
/** Pauses after which what has failed is tried again, ms. */
const againMs = 500
/** Of the estimates of one visitor so many are kept: every so often one. */
const estimatesMax = 12

/**
 * One visitor of an on-sale over HTTP: joins, looks when it is told to, comes in, thinks, buys a
 * seat or finds that none is left. What fails is tried again, for as long as it takes: somebody may
 * be killed.
 */
export async function visitSale(
  name: string,
  { rooms, units, eventId, thinkMs, signal }: SaleTarget,
): Promise<SaleVisit> {
  const cameAt = performance.now()
  const line = `/waiting-room/ticketing/${eventId}`
  const asked = (pool: Pool, asking: Asking, statuses: readonly number[]) =>
    patiently(() => ask(pool, asking, signal), statuses, signal)
  const first = await asked(rooms, { method: 'POST', path: line }, [201])
  const { number, ticket } = first.body as { readonly number: number; readonly ticket: string }
  const ticketed = { 'grid-ticket': ticket }
  const toldAt = performance.now()
  const estimates: ToldEstimate[] = []
  let place = first.body
  let lookedAt = toldAt
  while (place.state === 'waiting') {
    keep(estimates, place.estimate, lookedAt)
    await sleep(Math.max(pauseMsMin, Number(place.retryAfterMs)), undefined, { signal })
    const looked = await asked(rooms, { method: 'GET', path: line, headers: ticketed }, [200])
    place = looked.body
    lookedAt = performance.now()
  }
  if (place.state !== 'admitted')
    throw new Error(`${name}: the turn of ${number} was ${place.state}`)
  const about = { cameAt, toldAt, number, estimates }
  const until = Number(place.until)
  const headers = { 'grid-admission': String(place.admission) }
  const command = (called: string, input: object, statuses: readonly number[]) => {
    const keyed = { ...headers, 'idempotency-key': randomUUID() }
    const path = `/ticketing/commands/${called}`
    return asked(units, { method: 'POST', path, headers: keyed, body: input }, statuses)
  }
  await sleep(thinkMs(), undefined, { signal })
  const wanted = { eventId, section: 'A', quantity: 1, customerId: name }
  const held = await command('holdBestAvailable', wanted, [200, 409])
  if (held.status === 409) {
    await asked(rooms, { method: 'DELETE', path: line, headers: ticketed }, [200])
    return { ...about, until, orderId: undefined }
  }
  const { holdId } = held.body.result as { readonly holdId: string }
  await sleep(thinkMs(), undefined, { signal })
  const paid = await command('confirmHold', { holdId, paymentReference: name }, [200])
  const { orderId } = paid.body.result as { readonly orderId: string }
  return { ...about, until, orderId }
}

function keep(estimates: ToldEstimate[], told: unknown, at: number): void {
  if (told === null || told === undefined) return
  const last = estimates.at(-1)
  const estimate = { ...(told as Omit<ToldEstimate, 'at'>), at }
  // The first ones most of all, and then ever fewer: of a long wait there are many.
  if (estimates.length < estimatesMax || (last && at - last.at > 30_000)) estimates.push(estimate)
}

/**
 * Until it is answered like this; a process that is killed answers nothing, or 503, for a while.
 */
async function patiently(
  ask: () => Promise<Answer>,
  statuses: readonly number[],
  signal: AbortSignal,
): Promise<Answer> {
  for (;;) {
    const answer = await ask().catch((error: Error): Answer => {
      signal.throwIfAborted()
      return { status: 0, body: { error: error.message } }
    })
    if (statuses.includes(answer.status)) return answer
    const isForGood = answer.status >= 400 && answer.status < 500 && answer.status !== 429
    if (isForGood) throw new Error(`${answer.status} ${JSON.stringify(answer.body)}`)
    await sleep(againMs * (0.5 + Math.random()), undefined, { signal })
  }
}

interface Asking {
  readonly method: 'GET' | 'POST' | 'DELETE'
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: object
}

async function ask(
  pool: Pool,
  { method, path, headers = {}, body }: Asking,
  signal: AbortSignal,
): Promise<Answer> {
  const response = await pool.request({
    ...{ method, path, signal, headersTimeout: 10_000, bodyTimeout: 10_000 },
    headers: { ...headers, ...(body ? { 'content-type': 'application/json' } : {}) },
    ...(body ? { body: JSON.stringify(body) } : {}),
  })
  return {
    status: response.statusCode,
    body: (await response.body.json()) as Readonly<Record<string, unknown>>,
  }
}
