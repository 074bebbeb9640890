import { isGridError, Rejection } from '@spacegrid/grid/core/errors'
import { newerPosition, type PositionToken } from '@spacegrid/grid/core/position'
import { SeededRandom } from '@spacegrid/grid/kit/seeded-random'
import { pick } from '../plan/settings.ts'
import { type Asked, ids, isMulti, nextCommand, placesWritten, type Refusal } from './accounts.ts'
import type { Crew } from './crew.ts'
import type { Heard, Request } from './judge.ts'
import type { AskStep } from './plan.ts'
import type { DividedWorld } from './world.ts'

/** Codes after which a request has certainly done nothing, and never will. */
const certain = new Set([
  ...['log_full', 'log_unavailable', 'overloaded', 'not_ready', 'stopping', 'contended'],
  'partitions_unavailable',
])
const uncertain = new Set(['outcome_unknown', 'request_timeout', 'persist_timeout'])
const readFailures = new Set([
  ...['not_ready', 'stopping', 'position_timeout', 'overloaded', 'log_full', 'log_unavailable'],
  ...['partitions_unavailable', 'request_timeout', 'no_responder'],
])
/** Whoever asks hears something, if its unit lives. */
const answerMsMax = 30_000

/**
 * The users: each step is one request, sent again to other units, with its key, until it is told.
 */
export class Clients {
  readonly requests: Request[] = []
  readonly #world: DividedWorld
  readonly #crew: Crew
  /**
   * By client: the newest position that it was told, and the stamps it knows to be written then.
   */
  readonly #tokens = new Map<number, PositionToken>()
  readonly #written = new Map<number, Map<string, string>>()
  #moment = 0
  #open = 0

  constructor(world: DividedWorld, crew: Crew) {
    this.#world = world
    this.#crew = crew
  }

  get open(): number {
    return this.#open
  }

  step(step: AskStep): void {
    const random = new SeededRandom(step.roll)
    this.#open++
    const done = step.isQuery
      ? this.#query(step, pick(random, ids))
      : this.command(nextCommand(random, `s${this.requests.length}`), step)
    void done.finally(() => this.#open--)
  }

  /** Whether it was told something for certain. */
  async command(asked: Asked, step: AskStep): Promise<boolean> {
    const number = this.requests.length
    const beganAt = ++this.#moment
    const request: Request = {
      ...{ number, asked, beganAt, toldAt: Number.POSITIVE_INFINITY },
      heard: undefined,
      isUncertain: false,
    }
    this.requests.push(request)
    for (const [attempt, unit] of step.units.entries()) {
      const heard = await this.#send(request, unit, step)
      if (heard === undefined || (heard.kind === 'failure' && !certain.has(heard.code)))
        request.isUncertain = true
      if (heard) request.heard = heard
      if (heard && heard.kind !== 'failure') {
        request.toldAt = ++this.#moment
        return true
      }
      const mayAskAgain = step.withKey || (heard && !request.isUncertain)
      if (!mayAskAgain) return false
      await this.#pause(20 + 60 * attempt)
    }
    return false
  }

  /** undefined: nobody is there, or the client has given up waiting. */
  #send(request: Request, unit: number, step: AskStep): Promise<Heard | undefined> {
    const { slots } = this.#crew
    const { running, name } = slots[unit % slots.length] ?? {}
    if (!running) return Promise.resolve(undefined)
    const { clock, trace, coverage } = this.#world
    const { number, asked } = request
    return new Promise((resolve) => {
      clock.after(step.patienceMs, () => resolve(undefined))
      running.host.deliver(() => {
        const since = clock.monotonic()
        let isTold = false
        const tell = (heard: Heard) => {
          isTold = true
          if (!running.host.acts()) return
          const why = heard.kind === 'failure' ? heard.code : ''
          trace.note(`request ${number} ${asked.name} on ${name}: ${heard.kind} ${why}`)
          coverage.count(`requests: ${isMulti(asked) ? 'across ' : ''}${heard.kind} ${why}`)
          if (heard.kind === 'failure' && !certain.has(heard.code) && !uncertain.has(heard.code))
            this.#world.fail('request', `${number} ${asked.name}: ${heard.code} ${heard.message}`)
          resolve(heard)
        }
        clock.after(answerMsMax, () => {
          const { alive, paused, stalledAt } = running.host
          if (isTold || !alive || paused || stalledAt >= since) return
          this.#world.fail(
            'limit',
            `${name} has not answered request ${number} in ${answerMsMax} ms`,
          )
        })
        const key = step.withKey ? { idempotencyKey: `key-${number}` } : {}
        running.unit.execute(asked.name, { ...asked.input }, key).then(
          ({ result, position }) => {
            this.#learn(step.client, asked, position)
            tell({ kind: 'answer', result })
          },
          (error: unknown) => tell(failureOf(error, asked)),
        )
      })
    })
  }

  /** Reads what its client has written, or what is newer. */
  async #query(step: AskStep, id: string): Promise<void> {
    const { slots } = this.#crew
    const { running, name } = slots[(step.units[0] ?? 0) % slots.length] ?? {}
    if (!running) return
    const place = `accounts/${id}`
    const known = this.#written.get(step.client)?.get(place)
    const position = this.#tokens.get(step.client)
    await new Promise<void>((resolve) => {
      this.#world.clock.after(step.patienceMs, resolve)
      running.host.deliver(() => {
        running.unit.query('account', { id }, position === undefined ? {} : { position }).then(
          ({ result, position: at }) => {
            if (running.host.acts()) this.#checkRead(place, known, result, `${name} at ${at}`)
            resolve()
          },
          (error: unknown) => {
            const code = isGridError(error) ? error.code : String((error as Error)?.stack)
            this.#world.coverage.count(`queries: ${code}`)
            if (!readFailures.has(code)) this.#world.fail('query', `${name} account ${id}: ${code}`)
            resolve()
          },
        )
      })
    })
  }

  #checkRead(place: string, known: string | undefined, result: unknown, who: string): void {
    this.#world.coverage.count(known === undefined ? 'queries: answered' : 'queries: own writes')
    if (known === undefined) return
    const { saw } = result as { readonly saw: string | null }
    const stamps = this.#stampsOf(place)
    if (saw === null || stamps.indexOf(saw) < stamps.indexOf(known))
      this.#world.fail('position', `${who} shows ${place} as of ${saw}, its reader wrote ${known}`)
  }

  #stampsOf(place: string): string[] {
    return this.#world.references.flatMap((reference) =>
      reference
        .changes(0, reference.last)
        .filter(({ cache, key }) => `${cache}/${key}` === place)
        .map(({ value }) => value?.stamp as string),
    )
  }

  #learn(client: number, asked: Asked, position: PositionToken): void {
    const before = this.#tokens.get(client)
    this.#tokens.set(client, before === undefined ? position : newerPosition(before, position))
    const written = this.#written.get(client) ?? new Map<string, string>()
    for (const place of placesWritten(asked))
      if (place.startsWith('accounts/')) written.set(place, asked.input.stamp as string)
    this.#written.set(client, written)
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.#world.clock.after(ms, resolve)
    })
  }
}

function failureOf(error: unknown, asked: Asked): Heard {
  if (error instanceof Rejection) {
    const { reason, details } = error
    if (!isMulti(asked))
      return { kind: 'refusal', refusal: { part: 0, command: asked.name, reason, details } }
    const [first] = (details as { readonly parts?: readonly Refusal[] }).parts ?? []
    if (first?.reason === reason) return { kind: 'refusal', refusal: first }
    return { kind: 'failure', code: 'bug', message: `refused ${reason} without its part` }
  }
  if (isGridError(error)) return { kind: 'failure', code: error.code, message: error.message }
  return { kind: 'failure', code: 'bug', message: String((error as Error)?.stack ?? error) }
}
