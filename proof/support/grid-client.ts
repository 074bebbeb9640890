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
  /** Nobody answered an earlier attempt with this key: it may still be on its way, and take effect after this answer if that is a refusal. */
  readonly isLate?: boolean
}

export interface GridClientOptions {
  /** An answer that has not begun by then is given up: the unit may be paused. Default 15,000. */
  readonly answerMs?: number
}

const connectionsMax = 256
const retryMs = 100
/** Errors of a connection that was never made: nothing has been sent on it. */
const neverSent = new Set(['ECONNREFUSED', 'UND_ERR_CONNECT_TIMEOUT'])

/** A client as a careful user writes one: it retries what may be retried, with the same idempotency key, until a time limit. */
export class GridClient {
  /** Why requests had to be sent again: an error's code, or what became of the connection; and how often. */
  readonly retried = new Map<string, number>()
  readonly #url: string
  readonly #answerMs: number
  readonly #agent = new Agent({ connections: connectionsMax, pipelining: 1 })

  constructor(url: string, { answerMs = 15_000 }: GridClientOptions = {}) {
    this.#url = url
    this.#answerMs = answerMs
  }

  async query(
    space: string,
    name: string,
    parameters: Record<string, string>,
    headers: Record<string, string> = {},
  ): Promise<Answer> {
    return await this.#send(
      `/${space}/queries/${name}?${new URLSearchParams(parameters)}`,
      undefined,
      headers,
    )
  }

  async entry(space: string, cache: string, key: string): Promise<Answer> {
    return await this.#send(`/${space}/caches/${cache}/${encodeURIComponent(key)}`, undefined, {})
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
    key: string = randomUUID(),
    headers: Record<string, string> = {},
  ): Promise<Answer | undefined> {
    return await this.untilAnswered(
      () => this.command(space, name, input, { ...headers, 'idempotency-key': key }),
      giveUpMs,
    )
  }

  /** Sends until there is an answer that no repetition would change; undefined when there is none within the time. */
  async untilAnswered(send: () => Promise<Answer>, giveUpMs: number): Promise<Answer | undefined> {
    const until = performance.now() + giveUpMs
    let isLate = false
    while (performance.now() < until) {
      try {
        const answer = await send()
        if (answer.status < 500) return { ...answer, isLate }
        isLate ||= answer.status === 504
        this.#count(answer.body.code ?? String(answer.status))
      } catch (error) {
        const { code, name } = error as Error & { readonly code?: string }
        // The unit may have died with the request: that is what the key is for.
        isLate ||= !neverSent.has(code ?? '')
        this.#count(code ?? name)
      }
      await new Promise((wake) => setTimeout(wake, retryMs * (0.5 + Math.random())))
    }
    return undefined
  }

  async close(): Promise<void> {
    await this.#agent.destroy()
  }

  #count(reason: string): void {
    this.retried.set(reason, (this.retried.get(reason) ?? 0) + 1)
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
      headersTimeout: this.#answerMs,
      bodyTimeout: this.#answerMs,
      ...(body === undefined ? {} : { body }),
    })
    return { status: response.statusCode, body: (await response.body.json()) as Answer['body'] }
  }
}
