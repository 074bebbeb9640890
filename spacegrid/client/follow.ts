import { GridError } from '@spacegrid/grid/core/errors'
import { errorOf } from './answer-error.ts'
import { attemptOf } from './attempt.ts'
import { EventLines, type StreamEvent } from './event-lines.ts'
import { retryAfterMsOf } from './retry-policy.ts'
import type { Request, Sender } from './sender.ts'

export interface FollowOptions {
  /** Goes on behind this id. */
  readonly lastEventId?: string | undefined
  /** Ends it. */
  readonly signal?: AbortSignal | undefined
  /** So long nobody could be reached, ms; then it ends with `no_responder`. Default 10 minutes. */
  readonly patienceMs?: number | undefined
}

export interface Followed extends StreamEvent {
  /** With which another stream goes on behind it. */
  readonly id: string | undefined
}

const patienceMsDefault = 600_000
/** The grid says something every 15 s at least: whoever is silent for longer is not there. */
const silentMs = 40_000
/** The first wait after a connection has broken off; it doubles, up to the second. */
const againMs = 50
const againMsMax = 5000

/**
 * The events of a stream, one connection after the other: each begins behind the last event of the
 * one before. Ends with the signal, or when the client stops.
 * @throws GridError when it will not be answered, however often it is asked; `no_responder` when
 * nobody could be reached for too long
 */
export async function* follow(
  sender: Sender,
  request: Request,
  { lastEventId, signal, patienceMs = patienceMsDefault }: FollowOptions,
): AsyncGenerator<Followed, void> {
  const lines = new EventLines(lastEventId)
  let lastHeard = performance.now()
  let failures = 0
  while (!sender.stopped && !signal?.aborted) {
    const connection = new Connection(sender, request, lines, signal)
    let isTold = false
    try {
      for await (const event of connection.events()) {
        isTold = event.type === 'reconnect'
        if (isTold) break
        yield { ...event, id: lines.lastId }
      }
    } catch (error) {
      if (error instanceof GridError) throw error
      if (sender.stopped || signal?.aborted) return
    } finally {
      connection.end()
    }
    if (connection.isHeard) [failures, lastHeard] = [0, performance.now()]
    if (performance.now() - lastHeard > patienceMs)
      throw new GridError('no_responder', `Nobody could be reached for ${patienceMs} ms`)
    const told = connection.retryAfterMs ?? (isTold ? lines.retryMs : undefined)
    await sender.pause(told ?? Math.min(againMsMax, againMs * 2 ** failures), signal)
    failures += 1
  }
}

class Connection {
  /** Something of a stream has come. */
  isHeard = false
  /** What a refusal has asked for. */
  retryAfterMs: number | undefined
  readonly #sender: Sender
  readonly #request: Request
  readonly #lines: EventLines
  readonly #ending = new AbortController()
  readonly #takeBack: (() => void)[] = []
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor(sender: Sender, request: Request, lines: EventLines, signal?: AbortSignal) {
    this.#sender = sender
    this.#request = request
    this.#lines = lines
    const end = () => this.#ending.abort()
    signal?.addEventListener('abort', end)
    this.#takeBack.push(() => signal?.removeEventListener('abort', end), sender.whenStopped(end))
  }

  async *events(): AsyncGenerator<StreamEvent, void> {
    const { lastId } = this.#lines
    this.#lines.begin()
    this.#isAlive()
    const resume = lastId === undefined ? {} : { 'last-event-id': lastId }
    const headers = { accept: 'text/event-stream', ...this.#request.headers, ...resume }
    const stream = await this.#sender.stream({ ...this.#request, headers }, this.#ending.signal)
    if (stream.status !== 200) {
      let text = ''
      for await (const chunk of stream.chunks) text += chunk
      const retryAfterMs = retryAfterMsOf(stream.header('retry-after'), Date.now())
      const { answer, retryable } = attemptOf({ ...stream, text }, retryAfterMs)
      if (!retryable && answer.kind !== 'accepted') throw errorOf(answer)
      this.retryAfterMs = retryAfterMs
      return
    }
    for await (const chunk of stream.chunks) {
      this.isHeard = true
      this.#isAlive()
      yield* this.#lines.read(chunk)
    }
  }

  end(): void {
    clearTimeout(this.#timer)
    this.#ending.abort()
    for (const takeBack of this.#takeBack) takeBack()
  }

  #isAlive(): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => this.#ending.abort(), silentMs)
  }
}
