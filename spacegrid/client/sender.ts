import { GridError } from '@spacegrid/grid/core/errors'
import type { Answer } from './answer.ts'
import { abortedByCaller, clientSaturated, unansweredAtEnd } from './answer.ts'
import { type Attempt, attemptOf, failed } from './attempt.ts'
import { RetryBudget } from './retry-budget.ts'
import { type Random, type RetryPolicy, retryAfterMsOf, retryDelayMs } from './retry-policy.ts'
import type { Call, Transport, TransportRequest, TransportStream } from './transport.ts'

export interface SenderSettings {
  readonly retry: RetryPolicy
  readonly openMax: number
  readonly timeoutMs: number
  readonly headers: Readonly<Record<string, string>>
  /** undefined: the client says nowhere who it is, or its headers do. */
  readonly credential: Credential | undefined
  readonly random: Random
}

/**
 * What the header `Authorization` says, at the moment: `Bearer …` or `Api-Key …`. Asked before
 * every attempt, so it had better know the answer.
 * @param refused the grid does not take the last one any more: a fresh one is wanted
 */
export type Credential = (refused: boolean) => string | Promise<string>

/** What is sent, as often as it takes. */
export interface Request {
  readonly call: Call
  readonly method: 'GET' | 'POST'
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string
}

/** How long somebody waits. */
export interface Patience {
  readonly signal?: AbortSignal | undefined
  /** In ms, retries included. */
  readonly deadlineMs?: number | undefined
}

interface Way {
  readonly signal: AbortSignal | undefined
  readonly endsAt: number
  /** What the client has said of who it is was refused: it is to say it anew. */
  readonly renews: boolean
}

const unauthorized = 401
/** The longest time that the grid takes the name of. */
const namedMsMax = 999_999_999

/**
 * Sends the requests of a client and its sessions: several attempts each, as the policy allows, all
 * of them together within a budget. Never throws for what the grid or the network does.
 */
export class Sender {
  readonly #transport: Transport
  readonly #settings: SenderSettings
  readonly #budget: RetryBudget
  /** Ends what waits for an answer or for its next attempt. */
  readonly #endings = new Set<() => void>()
  #stopped = false
  #open = 0

  constructor(transport: Transport, settings: SenderSettings) {
    this.#transport = transport
    this.#settings = settings
    this.#budget = new RetryBudget(settings.retry.budget ?? Number.POSITIVE_INFINITY)
  }

  get open(): number {
    return this.#open
  }

  get stopped(): boolean {
    return this.#stopped
  }

  async stop(): Promise<void> {
    this.#stopped = true
    for (const end of this.#endings) end()
    await this.#transport.close?.()
  }

  async send(request: Request, { signal, deadlineMs }: Patience): Promise<Answer> {
    const endsAt = performance.now() + (deadlineMs ?? Number.POSITIVE_INFINITY)
    const isOnce = request.call.kind === 'command' && !('idempotency-key' in request.headers)
    let outcomeUnknown = false
    let wasRefused = false
    let renews = false
    for (let attempts = 1; ; attempts += 1) {
      const way = { signal, endsAt, renews }
      renews = false
      const { answer, retryable, retryAfterMs } = await this.#attempt(request, way)
      if (answer.kind !== 'shed' && answer.kind !== 'failed') {
        this.#budget.answered()
        return { ...answer, attempts }
      }
      // Nothing was done: with a fresh one it is a request like the first.
      if (this.#mayRenew(answer, wasRefused)) {
        wasRefused = true
        renews = true
        continue
      }
      if (retryable) this.#budget.failed()
      outcomeUnknown ||= answer.outcomeUnknown && request.method === 'POST'
      const ended = { ...answer, attempts, outcomeUnknown }
      if (!retryable || (outcomeUnknown && isOnce) || !this.#budget.allows) return ended
      const { retry, random } = this.#settings
      const delayMs = retryDelayMs(retry, attempts, retryAfterMs, random)
      if (delayMs === undefined || performance.now() + delayMs >= endsAt) return ended
      if (!(await this.pause(delayMs, signal))) return ended
    }
  }

  /** Opens a stream; its end is the signal's, or the client's. */
  async stream(request: Request, signal: AbortSignal): Promise<TransportStream> {
    const { open } = this.#transport
    if (!open) throw new GridError('unknown_route', 'This transport has no streams of events')
    const ask = async (renews: boolean) => {
      const outgoing = await this.#outgoing(request, signal, Number.POSITIVE_INFINITY, renews)
      return await open.call(this.#transport, outgoing)
    }
    const stream = await ask(false)
    return stream.status === unauthorized && this.#settings.credential ? await ask(true) : stream
  }

  #mayRenew(answer: Answer, wasRefused: boolean): boolean {
    const isRefused = answer.kind === 'failed' && answer.status === unauthorized
    return isRefused && !wasRefused && this.#settings.credential !== undefined
  }

  /** Calls once the client stops; returns what takes that back. */
  whenStopped(end: () => void): () => void {
    if (this.#stopped) end()
    this.#endings.add(end)
    return () => this.#endings.delete(end)
  }

  /** False when the client was stopped, or the caller has given up, meanwhile. */
  async pause(ms: number, signal?: AbortSignal): Promise<boolean> {
    const isOver = () => this.#stopped || signal?.aborted === true
    if (isOver()) return false
    await new Promise<void>((wake) => {
      const end = () => {
        clearTimeout(timer)
        this.#endings.delete(end)
        signal?.removeEventListener('abort', end)
        wake()
      }
      const timer = setTimeout(end, ms)
      this.#endings.add(end)
      signal?.addEventListener('abort', end)
    })
    return !isOver()
  }

  async #attempt(request: Request, { signal, endsAt, renews }: Way): Promise<Attempt> {
    if (this.#stopped) return { answer: failed(unansweredAtEnd), retryable: false }
    if (signal?.aborted)
      return { answer: failed(abortedByCaller, { cause: signal.reason }), retryable: false }
    const { openMax } = this.#settings
    if (this.#open >= openMax) return { answer: failed(clientSaturated), retryable: false }
    this.#open += 1
    const timeoutMs = Math.min(this.#settings.timeoutMs, endsAt - performance.now())
    const ending = new AbortController()
    const end = () => ending.abort()
    const timer = setTimeout(end, timeoutMs)
    this.#endings.add(end)
    signal?.addEventListener('abort', end)
    try {
      const outgoing = await this.#outgoing(request, ending.signal, timeoutMs, renews)
      const response = await this.#transport.send(outgoing)
      return attemptOf(response, retryAfterMsOf(response.header('retry-after'), Date.now()))
    } catch (error) {
      if (this.#stopped || signal?.aborted) {
        const reason = this.#stopped ? unansweredAtEnd : abortedByCaller
        const cause = this.#stopped ? {} : { cause: signal?.reason }
        return { answer: failed(reason, { outcomeUnknown: true, ...cause }), retryable: false }
      }
      const ms = Math.round(timeoutMs)
      const reason = ending.signal.aborted ? `no answer in ${ms} ms` : errorReason(error)
      const outcomeUnknown = !neverSent.has(codeOf(error) ?? '')
      return { answer: failed(reason, { cause: error, outcomeUnknown }), retryable: true }
    } finally {
      clearTimeout(timer)
      this.#endings.delete(end)
      signal?.removeEventListener('abort', end)
      this.#open -= 1
    }
  }

  async #outgoing(
    request: Request,
    signal: AbortSignal,
    timeoutMs: number,
    renews: boolean,
  ): Promise<TransportRequest> {
    const { credential } = this.#settings
    // What nobody waits for any more need not be done.
    const ms = Math.floor(Math.max(1, Math.min(timeoutMs, namedMsMax)))
    const headers = {
      ...(request.call.kind === 'command' ? { 'grid-timeout': `${ms}ms` } : undefined),
      ...this.#settings.headers,
      ...(credential ? { authorization: await credential(renews) } : undefined),
      ...request.headers,
    }
    return { ...request, headers, signal, timeoutMs }
  }
}

/** Of a connection that was never made, or of nobody who listens: nothing has been taken in. */
const neverSent = new Set(['ECONNREFUSED', 'ENOTFOUND', 'UND_ERR_CONNECT_TIMEOUT', 'no_responder'])

/** `fetch` hides what has happened in the error's cause. */
function codeOf(error: unknown): string | undefined {
  const { code, cause } = Object(error) as { readonly code?: unknown; readonly cause?: unknown }
  if (typeof code === 'string') return code
  return cause === undefined ? undefined : codeOf(cause)
}

function errorReason(error: unknown): string {
  const code = codeOf(error)
  if (code !== undefined) return `connection failed: ${code}`
  return error instanceof Error ? error.message : 'connection failed'
}
