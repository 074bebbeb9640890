import type { Value } from '@spacegrid/grid/core/data-types'
import type { AnyCommand, Space } from '@spacegrid/grid/core/definition'
import {
  archivedCache,
  idempotencyCache,
  idempotencyCacheNumber,
  partsCache,
} from '@spacegrid/grid/core/shape'
import { type ArchiveStep, StepKind } from '@spacegrid/grid/core/steps'
import { Model } from '../model/model.ts'
import { ask } from '../model/model-reader.ts'
import { type Effect, execute } from '../model/model-transaction.ts'
import type { Watch } from '../workloads/workload.ts'
import { type Attempt, attemptEvent, type Call, type History, type Reading } from './history.ts'
import { expiryOf } from './instrument.ts'
import type { Decision, Reference } from './reference.ts'
import { same } from './same.ts'

/** How a request took effect. */
interface Applied {
  readonly call: Call
  readonly position: number
  readonly version: number
  readonly result: unknown
}

/** A caller was told something that changed nothing: there must be a moment at which it was so. */
interface Claim {
  readonly call: Call
  readonly attempts: readonly Attempt[]
  /** Positions between which the moment lies. */
  readonly floor: number
  readonly ceiling: number
  /** It began after what was told before, and was told before what began after. */
  readonly beganAt: number
  readonly toldAt: number
}

/** Codes of failures that say for certain that a call did nothing, and will do nothing. */
const didNothing = new Set([
  ...['log_full', 'log_unavailable', 'contended', 'not_ready', 'overloaded', 'stopping'],
  ...['idempotency_key_reused', 'transaction_too_large', 'application_fault'],
  // Of who needs what has left memory.
  'store_unavailable',
])
const mayHaveDone = new Set(['outcome_unknown', 'persist_timeout'])

/**
 * Judges a run: executes what the log applied once more, one transaction after the other in the
 * order of the log, each handler alone on a plain model, and compares everything that anybody was
 * told with that. If it all fits, the run was strictly serializable: the log is the order, and
 * nobody was told anything before it was so or after it was no longer.
 */
export class Judge {
  readonly problems: string[] = []
  readonly model: Model
  readonly #space: Space
  readonly #history: History
  readonly #reference: Reference
  readonly #appliedByCall = new Map<Call, Applied>()
  /** More than one for a key that was forgotten between them. */
  readonly #appliedByKey = new Map<string, Applied[]>()
  readonly #refusedByCall = new Map<Call, Effect>()
  /** Those for which no moment has been found yet, in the order in which they were told. */
  #claims: Claim[]
  readonly #readings: Map<number, Reading[]>
  readonly #watch: Watch | undefined

  constructor(space: Space, history: History, reference: Reference, watch?: Watch) {
    this.#watch = watch
    this.#space = space
    this.#history = history
    this.#reference = reference
    this.model = new Model(space)
    this.#readings = Map.groupBy(history.readings, ({ position }) => position)
    const claims = history.calls.flatMap((call) => this.#claimOf(call))
    this.#claims = claims.sort((a, b) => a.toldAt - b.toldAt)
  }

  judge(): readonly string[] {
    const { decisions, last } = this.#reference
    let next = 0
    for (let position = 0; position <= last; position++) {
      this.#weigh(position)
      for (; decisions[next]?.position === position; next++) {
        this.#decide(decisions[next] as Decision)
        this.#weigh(position)
      }
      this.#dropClaims(position)
      for (const reading of this.#readings.get(position) ?? []) this.#checkReading(reading)
    }
    this.#dropClaims(Number.POSITIVE_INFINITY)
    for (const [position, [reading]] of this.#readings)
      if (position > last)
        this.#fail(`${reading?.unit} answered a query at ${position}, of ${last}`)
    for (const call of this.#history.calls) this.#checkTold(call)
    this.#compareStates()
    return this.problems
  }

  /** Requests that took effect again, because their key was forgotten. */
  get repeated(): number {
    return [...this.#appliedByKey.values()].filter(({ length }) => length > 1).length
  }

  #fail(problem: string): void {
    this.problems.push(problem)
  }

  #decide({ transaction, evaluation, position, time, id }: Decision): void {
    if (evaluation.outcome === 'collided') return
    const { events, notBefore, steps } = transaction
    const number = events.find(({ name }) => name === attemptEvent)?.payload.attempt
    const attempt = this.#history.attempts[number as number]
    if (notBefore > time)
      this.#fail(`at ${position} something expired ${notBefore - time} ms early`)
    if (!attempt) {
      this.#expire(steps, position, time)
      return
    }
    const effect = this.#execute(attempt)
    const what = `${attempt.command} at ${position}`
    if (evaluation.outcome === 'refused') {
      const { reason, details } = evaluation
      if (!same(effect, { kind: 'rejection', reason, details }))
        this.#fail(`${what} was refused: ${reason}; alone it gives ${brief(effect)}`)
      if (attempt.call) this.#refusedByCall.set(attempt.call, effect)
      return
    }
    if (effect.kind === 'rejection') {
      this.#fail(`${what} was applied; alone it is refused: ${effect.reason}`)
      return
    }
    const emitted = events.filter(({ name }) => name !== attemptEvent)
    if (!same(emitted, effect.transaction.events)) this.#fail(`${what} emitted ${brief(emitted)}`)
    const written = new Map<string, Map<string, Value | undefined>>()
    for (const { cache, key, value } of evaluation.writes) {
      if (cache === idempotencyCacheNumber) continue
      const { name } = this.#reference.state.layout.cache(cache)
      if (name === archivedCache) continue
      written.set(name, (written.get(name) ?? new Map()).set(key, value))
    }
    if (!sameWrites(written, effect.transaction.writes))
      this.#fail(
        `${what} wrote ${brief(written)}, alone it writes ${brief(effect.transaction.writes)}`,
      )
    for (const stale of effect.transaction.replacedUnread)
      this.#watch?.replacedUnread?.(attempt.command, stale)
    effect.transaction.commit()
    this.#tellApplied(attempt.command, position, time)
    if (attempt.call)
      this.#applied({ call: attempt.call, position, version: id, result: effect.result }, steps)
  }

  #execute(attempt: Attempt): Effect {
    const command = this.#space.commands.get(attempt.command)
    if (command) return execute(this.model, command, attempt)
    const cache = this.#space.caches.find(({ name }) => expiryOf(name) === attempt.command)
    const handler = cache?.onExpire
    if (!cache || !handler) throw new Error(`there is no ${attempt.command}`)
    // What expires must be what is there.
    const present = this.model.entries(cache.name).get(attempt.input[cache.key] as string)
    if (!same(present, attempt.input))
      this.#fail(`${attempt.command}: ${brief(attempt.input)} is gone`)
    return execute(this.model, { ...expiryCommand, handler } as unknown as AnyCommand, attempt)
  }

  /** Of an entry that is just deleted when its time has come. */
  #expire(steps: Decision['transaction']['steps'], position: number, time: number): void {
    const [step] = steps
    if (step?.kind === StepKind.archive) {
      this.#archive(step, position, time)
      return
    }
    if (steps.length !== 1 || step?.kind !== StepKind.delete) {
      this.#fail(`at ${position} a transaction of unknown origin was applied`)
      return
    }
    if (step.cache === idempotencyCacheNumber) {
      const remembered = this.model.remembered.get(step.key)
      if (!remembered || remembered.expiresAt > time)
        this.#fail(`at ${position} the key ${step.key} was forgotten too early`)
      this.model.remembered.delete(step.key)
      return
    }
    const { name } = this.#reference.state.layout.cache(step.cache)
    const expiry = this.#space.caches.find((cache) => cache.name === name)?.expiry
    const entry = this.model.entries(name).get(step.key)
    if (!entry || expiry === undefined || !((entry[expiry] as number) <= time))
      this.#fail(`at ${position} ${name}/${step.key} was deleted before its time`)
    this.model.write(name, step.key, undefined)
    this.#tellApplied(expiryOf(name), position, time)
  }

  /** Of an entry that has left memory. */
  #archive({ cache, key }: ArchiveStep, position: number, time: number): void {
    const { name } = this.#reference.state.layout.cache(cache)
    const archive = this.#space.caches.find((it) => it.name === name)?.archive
    const entry = this.model.entries(name).get(key)
    const isSo = ([field, values]: readonly [string, readonly unknown[]]) =>
      values.includes(entry?.[field])
    const isDue =
      archive &&
      Object.entries(archive.when).every(isSo) &&
      (entry?.[archive.after] as number) + archive.ms <= time
    if (!isDue) this.#fail(`at ${position} ${name}/${key} left memory before its time`)
    this.model.archive(name, key)
  }

  #tellApplied(name: string, position: number, time: number): void {
    this.#watch?.applied?.({
      name,
      position,
      ask: (read) => ask(this.model, read, {}, position, time),
    })
  }

  #applied(applied: Applied, steps: Decision['transaction']['steps']): void {
    const { call, position, version, result } = applied
    const { request } = call
    const before = this.#appliedByCall.get(call)
    if (before) this.#fail(`${nameOf(call)} was applied at ${before.position} and at ${position}`)
    if (position <= call.floor)
      this.#fail(`${nameOf(call)} was applied at ${position}, but began after ${call.floor}`)
    this.#appliedByCall.set(call, applied)
    const [open] = this.#claims
    if (open && open.toldAt < call.beganAt)
      this.#fail(
        `${nameOf(call)} was applied at ${position}, but began after ${nameOf(open.call)} was told ${brief(open.call.told)}, which was not so yet`,
      )
    const step = steps.find(({ kind }) => kind === StepKind.remember)
    if (step?.kind !== StepKind.remember) {
      if (request.key !== undefined) this.#fail(`${nameOf(call)} was applied without its key`)
      return
    }
    const { key, expiresAt } = step
    if (key !== request.key) this.#fail(`${nameOf(call)} was applied with the key ${key}`)
    if (this.model.remembered.has(key))
      this.#fail(`the request ${key} was applied again at ${position}`)
    const answer = { request: request.number, answer: result, position, version, expiresAt }
    this.model.remembered.set(key, answer)
    this.#appliedByKey.set(key, [...(this.#appliedByKey.get(key) ?? []), applied])
  }

  #checkTold(call: Call): void {
    const { told } = call
    const applied = this.#appliedByCall.get(call)
    if (told?.kind === 'answer') this.#checkAnswer(call, told.answer)
    else if (told?.kind === 'rejection') {
      if (applied) this.#fail(`${nameOf(call)} was refused, but applied at ${applied.position}`)
    } else if (told?.kind === 'failure') {
      if (!didNothing.has(told.code) && !mayHaveDone.has(told.code))
        this.#fail(`${nameOf(call)} failed with ${told.code}: ${told.message}`)
      if (applied && didNothing.has(told.code))
        this.#fail(`${nameOf(call)} failed with ${told.code}, but applied at ${applied.position}`)
    }
  }

  #checkAnswer(call: Call, { result, position, version, replayed, acknowledged }: Answer): void {
    if (position > call.ceiling)
      this.#fail(
        `${nameOf(call)} was answered at ${position}, when the log ended at ${call.ceiling}`,
      )
    if (acknowledged === 'accepted' || version === 0) return
    const { key } = call.request
    const ofKey = this.#appliedByKey.get(key ?? '') ?? []
    const applied = replayed
      ? (ofKey.find((one) => one.position === position) ?? ofKey.at(-1))
      : this.#appliedByCall.get(call)
    if (!applied) {
      this.#fail(`${nameOf(call)} was acknowledged at ${position}, but is not in the log`)
      return
    }
    const is = [position, version, result]
    const should = [applied.position, applied.version, applied.result]
    if (!same(is, should))
      this.#fail(`${nameOf(call)} was answered ${brief(is)}, not ${brief(should)}`)
  }

  #claimOf(call: Call): Claim[] {
    const { told, ceiling } = call
    if (told?.kind === 'answer') {
      const { acknowledged, version } = told.answer
      if (acknowledged === 'accepted' || version !== 0) return []
    } else if (told?.kind !== 'rejection') return []
    // The answer may be that of another call with the same key, on the same unit: the one that was
    // asked, or the home of its affinity key.
    const alike = this.#history.calls.filter(
      ({ request, unit }) =>
        request === call.request && (unit === call.unit || this.#hasAffinity(request)),
    )
    const calls = call.request.key === undefined ? [call] : alike
    const attempts = calls.flatMap(({ attempts }) => attempts)
    const floor = Math.min(...calls.map(({ floor }) => floor))
    const beganAt = Math.min(...calls.map(({ beganAt }) => beganAt))
    return [{ call, attempts, floor, ceiling, beganAt, toldAt: call.toldAt }]
  }

  #hasAffinity({ command }: Call['request']): boolean {
    return this.#space.commands.get(command)?.affinity !== undefined
  }

  /**
   * Drops every claim that is true at this moment. Each gets the first moment it can have, but none
   * before that of a claim that was told before it began: if there are moments for all of them in
   * their order, these are such.
   */
  #weigh(position: number): void {
    if (this.#claims.length === 0) return
    const open: Claim[] = []
    for (const claim of this.#claims) {
      const { floor, ceiling, beganAt } = claim
      const isInTime = position >= floor && position <= ceiling
      const isInOrder = open[0] === undefined || open[0].toldAt > beganAt
      if (!isInTime || !isInOrder || !this.#isSo(claim)) open.push(claim)
    }
    this.#claims = open
  }

  #isSo({ call: { told }, attempts }: Claim): boolean {
    return attempts.some((attempt) => {
      const effect = this.#execute(attempt)
      if (told?.kind === 'rejection')
        return (
          effect.kind === 'rejection' &&
          effect.reason === told.reason &&
          same(effect.details, told.details)
        )
      return (
        told?.kind === 'answer' &&
        effect.kind === 'done' &&
        effect.transaction.writes.size === 0 &&
        same(effect.result, told.answer.result)
      )
    })
  }

  #dropClaims(position: number): void {
    if (!this.#claims.some(({ ceiling }) => ceiling <= position)) return
    for (const { call, floor, ceiling } of this.#claims)
      if (ceiling <= position)
        this.#fail(
          `${nameOf(call)} was told ${brief(call.told)}: so it never was between ${floor} and ${ceiling}`,
        )
    this.#claims = this.#claims.filter(({ ceiling }) => ceiling > position)
  }

  #checkReading({ unit, query, input, position, now, result }: Reading): void {
    const handler = this.#space.queries.get(query)?.handler
    const should = handler && ask(this.model, handler, input, position, now)
    if (!same(plain(result), plain(should)))
      this.#fail(
        `${unit} answered ${query} ${brief(input)} at ${position} with ${brief(result)}, not ${brief(should)}`,
      )
  }

  #compareStates(): void {
    const { last } = this.#reference
    for (const cache of new Set([...this.#reference.caches, ...this.model.caches.keys()])) {
      if ([partsCache, idempotencyCache, archivedCache].includes(cache)) continue
      const expected = this.model.entries(cache)
      const found = new Map(this.#reference.entries(cache, last))
      for (const key of new Set([...expected.keys(), ...found.keys()]))
        if (!same(found.get(key)?.value, expected.get(key)))
          this.#fail(
            `in the end ${cache}/${key} is ${brief(found.get(key)?.value)}, not ${brief(expected.get(key))}`,
          )
      const left = new Map(
        [...this.#reference.archived(cache, last)].map(([key, { value }]) => [key, value] as const),
      )
      const should = this.model.archived(cache)
      if (left.size !== should.size || [...should].some(([key, it]) => !same(it, left.get(key))))
        this.#fail(`in the end ${brief(left)} of ${cache} have left memory, not ${brief(should)}`)
    }
  }
}

type Answer = Extract<NonNullable<Call['told']>, { kind: 'answer' }>['answer']

/** Only its handler is of interest. */
const expiryCommand = { name: 'expiry', answer: undefined }

const nameOf = ({ number, unit, request }: Call): string =>
  `call ${number} (request ${request.number}: ${request.command} on ${unit})`

const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value ?? null))

/** Short enough to be read. */
function brief(value: unknown): string {
  const text = JSON.stringify(value, (_, field) =>
    field instanceof Map ? Object.fromEntries(field) : field,
  )
  return text === undefined || text.length < 400 ? String(text) : `${text.slice(0, 400)}…`
}

type Writes = ReadonlyMap<string, ReadonlyMap<string, Value | undefined>>

function sameWrites(a: Writes, b: Writes): boolean {
  if (a.size !== b.size) return false
  for (const [cache, entries] of a) {
    const others = b.get(cache)
    if (others?.size !== entries.size) return false
    for (const [key, value] of entries)
      if (!others.has(key) || !same(value, others.get(key))) return false
  }
  return true
}
