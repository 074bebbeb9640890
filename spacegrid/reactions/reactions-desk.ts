import { type ErrorCode, errorKinds, GridError, isGridError } from '@spacegrid/grid/core/errors'
import { spaceOf } from '@spacegrid/grid/core/log-name'
import { tokenHeaders } from '@spacegrid/grid/doors/admin/admin-token'
import { httpUrl } from '@spacegrid/grid/doors/http/http-url'
import { NatsMessaging } from '@spacegrid/grid/drivers/nats/nats-messaging'
import { subjects } from '@spacegrid/grid/engine/wire/subjects'
import type { Environment } from '@spacegrid/grid/program/environment'
import { ownHeaders } from '@spacegrid/grid/program/own-credential'
import type { OutboxAnswers, OutboxAsked } from '@spacegrid/runtime/reactions/outbox-desk'
import { findGrid } from '../audit/audit-targets.ts'
import { knownToken } from '../keys/known-token.ts'

const answerMs = 15_000

/** An entry of an outbox, and the space that it is of. */
export type SpaceLine = OutboxAnswers['list']['entries'][number] & { readonly space: string }
export type SpaceShown = OutboxAnswers['show'] & { readonly space: string }

/** Asks a unit of a space what is in its outbox. */
type Ask = (space: string, asked: OutboxAsked) => Promise<unknown>

/** An operator's way to the outboxes of a running grid, in one process or in many. */
export class ReactionsDesk {
  readonly #ask: Ask
  readonly #close: () => Promise<void>
  /** Looked at. */
  readonly spaces: readonly string[]
  /** Named by the operator: what is wrong with it is told. */
  readonly #isNamed: boolean

  /** @throws GridError `no_responder` when there is no grid to ask */
  static async open(
    environment: Environment,
    space: string | undefined,
    url: string | undefined,
  ): Promise<ReactionsDesk> {
    const grid = url === undefined ? await findGrid(environment) : undefined
    if (grid?.nats !== undefined) {
      const messaging = await NatsMessaging.open(grid.nats, { name: 'reactions' })
      const ask: Ask = async (of, asked) => {
        const data = Buffer.from(JSON.stringify(asked))
        const answer = await messaging.request(subjects.reactions(of), data, {
          ...{ timeoutMs: answerMs, headers: ownHeaders(environment) },
        })
        return JSON.parse(Buffer.from(answer.data).toString())
      }
      const known = [...new Set(grid.logNames.map(spaceOf))]
      return new ReactionsDesk(ask, () => messaging.close(), known, space)
    }
    const address = url ?? httpUrl(environment.HOST, environment.ADMIN_PORT)
    const token = knownToken(environment)
    const status = await answerOf(address, '/status', token)
    const known = Object.keys(status.spaces as object).map(spaceOf)
    const ask: Ask = (of, asked) => answerOf(address, `/reactions/${of}`, token, asked)
    return new ReactionsDesk(ask, async () => undefined, [...new Set(known)], space)
  }

  private constructor(
    ask: Ask,
    close: () => Promise<void>,
    known: readonly string[],
    space: string | undefined,
  ) {
    this.#ask = ask
    this.#close = close
    this.spaces = space === undefined ? known : [space]
    this.#isNamed = space !== undefined
  }

  /** The oldest first, space by space; spaces without reactions are passed over. */
  async list(
    state: 'dead' | 'all',
    limit: number,
  ): Promise<{ readonly entries: readonly SpaceLine[]; readonly total: number }> {
    const entries: SpaceLine[] = []
    let total = 0
    for (const space of this.spaces) {
      const found = await this.#ofSpace(space, { what: 'list', state, limit })
      if (!found) continue
      const list = found as OutboxAnswers['list']
      total += list.total
      entries.push(...list.entries.map((entry) => ({ space, ...entry })))
    }
    return { entries: entries.slice(0, limit), total }
  }

  /** @throws GridError `not_found` */
  async show(id: string): Promise<SpaceShown> {
    for (const space of this.spaces) {
      const found = await this.#ofSpace(space, { what: 'show', id })
      if (found) return { space, ...(found as OutboxAnswers['show']) }
    }
    throw new GridError(
      'not_found',
      `There is no ${id} in the outbox of ${this.spaces.join(' or ')}: it may be done`,
    )
  }

  async change(what: 'replay' | 'drop', ids: readonly string[]): Promise<OutboxAnswers['replay']> {
    const done: string[] = []
    for (const space of this.spaces) {
      const open = ids.filter((id) => !done.includes(id))
      if (open.length === 0) break
      const answer = await this.#ofSpace(space, { what, ids: open })
      if (answer) done.push(...(answer as OutboxAnswers['replay']).done)
    }
    return { done, not: ids.filter((id) => !done.includes(id)) }
  }

  /** undefined: there is none there. */
  async #ofSpace(space: string, asked: OutboxAsked): Promise<unknown> {
    try {
      return await this.#ask(space, asked)
    } catch (error) {
      const mayLack = isGridError(error, 'not_found') || isGridError(error, 'no_responder')
      if (mayLack && !this.#isNamed && this.spaces.length > 1) return undefined
      throw error
    }
  }

  async close(): Promise<void> {
    await this.#close()
  }
}

async function answerOf(
  url: string,
  path: string,
  token: string | undefined,
  asked?: object,
): Promise<Readonly<Record<string, unknown>>> {
  const headers = { ...tokenHeaders(token), ...(asked && { 'content-type': 'application/json' }) }
  const request = { headers, ...(asked && { method: 'POST', body: JSON.stringify(asked) }) }
  const target = `${url.replace(/\/$/, '')}${path}`
  const response = await fetch(target, request).catch((cause) => {
    const hint =
      'start the grid (npx spacegrid start, npx spacegrid cluster), name its servers (NATS_URL), or its administration address (--url)'
    throw new GridError('no_responder', `There is no grid at ${url}: ${hint}`, { cause })
  })
  const body = (await response.json()) as Readonly<Record<string, unknown>>
  if (response.ok) return body
  const { code, detail } = body as { readonly code?: string; readonly detail?: string }
  const known = code !== undefined && Object.hasOwn(errorKinds, code)
  throw new GridError(
    known ? (code as ErrorCode) : 'internal',
    detail ?? `${target}: HTTP ${response.status}`,
  )
}
