import type { Acknowledgement } from '@spacegrid/grid/core/definition'
import { isGridError, Rejection } from '@spacegrid/grid/core/errors'
import type { CommandAnswer, ReadOptions } from '@spacegrid/grid/doors/request/serving'
import { SeededRandom } from '@spacegrid/grid/kit/seeded-random'
import { hopMsMax } from '@spacegrid/runtime/partitions/asking'
import { type Call, callerOf, type History, type Request, type Told } from '../check/history.ts'
import type { AskStep } from '../plan/plan.ts'
import { newerCommand } from '../workloads/newer-version.ts'
import { type Ask, Memory, type Workload } from '../workloads/workload.ts'
import type { Crew, Running, Slot } from './crew.ts'
import type { World } from './world.ts'

/** A host's clock may be so much slower than the world's. */
const clockRateMax = 1.04
/** Units look whose time is up many times a second. */
const answerSlackMs = 150

/**
 * Codes after which the same request may be sent again although it has no idempotency key: it did
 * nothing.
 */
const certain = new Set([
  'log_full',
  'overloaded',
  'not_ready',
  'stopping',
  'contended',
  'store_unavailable',
])

/**
 * The users: each step is one request, sent again to other units, with its key, until somebody
 * tells what became of it.
 */
export class Clients {
  readonly memory = new Memory()
  /** The log is gone, after so many calls: there is nothing that a later answer could rest on. */
  #callsWithLog: number | undefined
  readonly #world: World
  readonly #crew: Crew
  readonly #history: History
  readonly #workload: Workload
  readonly #positions = new Map<number, number>()
  #requests = 0
  #open = 0

  constructor(world: World, crew: Crew, history: History, workload: Workload) {
    this.#world = world
    this.#crew = crew
    this.#history = history
    this.#workload = workload
  }

  /** Requests whose clients still wait or will ask again. */
  get open(): number {
    return this.#open
  }

  /** From now on no unit can know anything. */
  expectNoAnswers(): void {
    this.#callsWithLog = this.#history.calls.length
  }

  /** Does what the plan says. */
  step(step: AskStep): void {
    const random = new SeededRandom(step.roll)
    const ask = this.#workload.next(random, this.memory, this.#world.clock.now())
    if (ask.kind === 'query') this.#query(step, ask, random)
    else this.command(step.newer ? { ...ask, name: newerCommand, input: { id: 'n' } } : ask, step)
  }

  /** Any command that users give, and that can be done. */
  someCommand(roll: number): Ask {
    const random = new SeededRandom(roll)
    for (;;) {
      const ask = this.#workload.next(random, this.memory, this.#world.clock.now())
      // One that must fail shows nothing.
      if (ask.kind === 'command' && !this.#workload.mustFail?.(ask)) return ask
    }
  }

  command(ask: Ask, step: AskStep): Promise<boolean> {
    const number = this.#requests++
    const request: Request = {
      number,
      command: ask.name,
      input: ask.input,
      key: step.withKey ? `key-${number}` : undefined,
      acknowledge: step.acknowledge,
    }
    this.#open++
    return this.#pursue(ask, request, step).finally(() => this.#open--)
  }

  /** Whether it was done. */
  async #pursue(ask: Ask, request: Request, step: AskStep): Promise<boolean> {
    for (const [attempt, number] of step.units.entries()) {
      const slot = this.#slotOf(number)
      if (attempt > 0) this.#world.coverage.count('clients: asked again')
      const told = await this.#call(slot, request, step.patienceMs)
      if (told?.kind === 'answer') {
        this.#learn(step.client, told.answer.position)
        if (told.answer.acknowledged !== 'accepted')
          this.#workload.told?.(ask, told.answer.result, this.memory)
        if (step.againMs > 0 && request.key !== undefined) {
          await this.#pause(step.againMs)
          this.#world.coverage.count('clients: asked once more')
          await this.#call(this.#slotOf(number + 1), request, step.patienceMs)
        }
        return true
      }
      if (told?.kind === 'rejection') return true
      const mayAskAgain =
        request.key !== undefined || (told?.kind === 'failure' && certain.has(told.code))
      if (!mayAskAgain) return false
      await this.#pause(20 + 60 * attempt)
    }
    return false
  }

  /** undefined: nobody is there, or the client has given up waiting. */
  #call(slot: Slot, request: Request, patienceMs: number): Promise<Told | undefined> {
    const { running } = slot
    const unit = running?.unit
    return new Promise((resolve) => {
      if (!running || !unit) {
        resolve(undefined)
        return
      }
      const { host } = running
      this.#world.clock.after(patienceMs, () => resolve(undefined))
      host.deliver(() => {
        const { call, input } = this.#history.begin(request, slot.name)
        const { key, acknowledge, command } = request
        const caller = callerOf(call)
        const withKey = key === undefined ? {} : { idempotencyKey: key }
        const options = { acknowledge, caller, ...withKey }
        const tell = (told: Told) => {
          if (!host.acts()) return
          this.#told(call, told)
          resolve(told)
        }
        if (!unit.space.commands.has(command)) {
          resolve(undefined)
          return
        }
        const msMax = this.#answerMsMax(slot, acknowledge) + this.#passMsMax(slot, command)
        this.#mustEnd(slot, running, msMax, () => call.told)
        unit.execute(command, input, options).then(
          (answer) => tell({ kind: 'answer', answer }),
          (error: unknown) => tell(failureOf(error)),
        )
      })
    })
  }

  #answerMsMax({ number }: Slot, acknowledge: Acknowledgement): number {
    const { commandMsMax = Infinity, persistWaitMsMax = Infinity } =
      this.#world.settings.unitOptions[number] ?? {}
    return commandMsMax + (acknowledge === 'persisted' ? persistWaitMsMax : 0)
  }

  /** On top, where another unit may do it: the way there and back, and its position. */
  #passMsMax({ number, unit }: Slot, command: string): number {
    if (!unit?.space.commands.get(command)?.affinity) return 0
    const { positionWaitMsMax = Infinity } = this.#world.settings.unitOptions[number] ?? {}
    return hopMsMax + positionWaitMsMax
  }

  /**
   * Whoever asks hears something within the time that the unit sets itself: architecture.md,
   * invariant 10.
   */
  #mustEnd({ name }: Slot, { host }: Running, msMax: number, told: () => unknown): void {
    const { clock } = this.#world
    if (msMax === Infinity) return
    const since = clock.monotonic()
    clock.after(msMax * clockRateMax + answerSlackMs, () => {
      if (told() !== undefined || !host.alive || host.paused || host.stalledAt >= since) return
      this.#world.fail('limit', `${name} has not answered within ${msMax} ms`)
    })
  }

  #told(call: Call, told: Told): void {
    const { reference, store, coverage, trace } = this.#world
    this.#history.told(call, told, reference.last)
    this.#workload.watch?.heard(call.request.command, told)
    const { command, key } = call.request
    const what = told.kind === 'answer' ? `answered at ${told.answer.position}` : told.kind
    const why = told.kind === 'failure' ? told.code : told.kind === 'rejection' ? told.reason : ''
    trace.note(`call ${call.number} ${command} ${key ?? ''} on ${call.unit}: ${what} ${why}`)
    // What was committed before may still be told to be stored.
    const isOld =
      call.request.acknowledge === 'persisted' && call.number < (this.#callsWithLog ?? 0)
    if (told.kind !== 'failure' && !isOld) this.#checkMayAnswer(call.unit, command)
    this.#checkFault(call, told)
    if (told.kind === 'failure') coverage.count(`calls: ${told.code}`)
    else if (told.kind === 'rejection') coverage.count('calls: rejected')
    else this.#checkAnswer(call, told.answer)
    if (call.attempts.length > 1) coverage.count('calls: executed more than once')
    const { attemptsMax = Infinity } =
      this.#world.settings.unitOptions[Number(call.unit.split('-')[1])] ?? {}
    const isPassed = this.#crew.hasAffinity(command)
    if (call.attempts.length > attemptsMax && !isPassed)
      this.#world.fail('limit', `call ${call.number} was executed ${call.attempts.length} times`)
    if (told.kind === 'answer' && told.answer.acknowledged === 'persisted') {
      const { position = 0 } = store.reached ?? {}
      if (position < told.answer.position)
        this.#world.fail(
          'persisted',
          `call ${call.number} at ${told.answer.position} was acknowledged, the store is at ${position}`,
        )
    }
  }

  /**
   * Mistakes of the application are told as such, to whoever made them, and nothing else is told
   * so.
   */
  #checkFault({ number, request: { command } }: Call, told: Told): void {
    const isFault = told.kind === 'failure' && told.code === 'application_fault'
    const mustFail = this.#workload.mustFail?.({ name: command }) ?? false
    if (isFault ? !mustFail : mustFail && told.kind !== 'failure')
      this.#world.fail(
        'application fault',
        `call ${number} of ${command} was told ${isFault ? told.message : told.kind}`,
      )
  }

  #checkMayAnswer(unit: string, what: string): void {
    if (this.#callsWithLog !== undefined)
      this.#world.fail('log replaced', `${unit} answered ${what}`)
  }

  #checkAnswer(call: Call, { acknowledged, replayed, version }: CommandAnswer<number>): void {
    const { coverage } = this.#world
    coverage.count(`calls: ${acknowledged}`)
    if (replayed) coverage.count('calls: replayed by their key')
    if (version === 0) coverage.count('calls: answered without a write')
    if (acknowledged !== call.request.acknowledge)
      this.#world.fail('acknowledgement', `call ${call.number} got ${acknowledged}`)
  }

  #query(step: AskStep, ask: Ask, random: SeededRandom): void {
    const slot = this.#readingSlotOf(step)
    const { running } = slot
    const unit = running?.unit
    if (!running || !unit) return
    const position = this.#positions.get(step.client) ?? 0
    const options: ReadOptions & { readonly position?: number } =
      step.read === 'latest' ? { latest: true } : step.read === 'position' ? { position } : {}
    running.host.deliver(() => {
      const least = step.read === 'latest' ? this.#world.log.last : (options.position ?? 0)
      const reading =
        step.read === 'entry' && unit.state
          ? this.#entry(slot, random)
          : this.#answer(slot, ask, options, least, step.client)
      reading.catch((error: unknown) => {
        const code = isGridError(error) ? error.code : String((error as Error)?.stack)
        this.#world.coverage.count(`queries: ${code}`)
        // A text that fits the schema, and is no cursor all the same.
        if (isUnusablePage(error)) return
        if (!isGridError(error) || !readFailures.has(error.code))
          this.#world.fail('query', `${slot.name} failed ${ask.name}: ${code}`)
      })
    })
  }

  async #answer(
    slot: Slot,
    { name, input }: Ask,
    options: ReadOptions,
    least: number,
    client: number,
  ): Promise<void> {
    const { unit, running } = slot
    if (!unit || !running) return
    const asked = { ...input }
    let isOver: true | undefined
    const { positionWaitMsMax = Infinity } = this.#world.settings.unitOptions[slot.number] ?? {}
    this.#mustEnd(slot, running, positionWaitMsMax * 2, () => isOver)
    const { result, position } = await unit.query(name, asked, options).finally(() => {
      isOver = true
    })
    if (!running.host.acts()) return
    const now = this.#history.nowOf(asked)
    this.#checkMayAnswer(slot.name, name)
    const { coverage, log } = this.#world
    coverage.count(options.latest ? 'queries: latest' : 'queries: answered')
    if (slot.role === 'query-unit') coverage.count('queries: answered by query units')
    if (position < least)
      this.#world.fail('query', `${slot.name} answered at ${position}, asked for ${least}`)
    if (position > log.last && log.identity === 'log' && this.#world.tail !== 'losing')
      this.#world.fail('query', `${slot.name} answered at ${position}, the log ends at ${log.last}`)
    this.#history.read({ unit: slot.name, position, query: name, input, now, result })
    this.#workload.watch?.heard(name, { kind: 'read', result })
    this.#learn(client, position)
  }

  async #entry({ unit, name }: Slot, random: SeededRandom): Promise<void> {
    const { reference } = this.#world
    const caches = unit?.space.caches ?? []
    const cache = caches[random.below(caches.length)]?.name ?? ''
    const keys = [...reference.entries(cache, reference.last)].map(([key]) => key)
    const key = keys[random.below(keys.length)]
    if (!unit || key === undefined) return
    const { value, version, writtenAt, position } = await unit.entry(cache, key)
    this.#checkMayAnswer(name, `${cache}/${key}`)
    const should = reference.find(cache, key, position)
    this.#world.coverage.count('queries: entries')
    const is = JSON.stringify([version, writtenAt, value])
    if (is !== JSON.stringify([should?.version, should?.position, should?.value]))
      this.#world.fail('query', `${name} showed ${cache}/${key} at ${position} as ${is}`)
  }

  #slotOf(number: number): Slot {
    const { units } = this.#crew
    return units[number % units.length] as Slot
  }

  /** Half of the queries go to a query unit, where there is one. */
  #readingSlotOf({ units: [first = 0], roll }: AskStep): Slot {
    const [queryUnit] = this.#crew.queryUnits
    return queryUnit && roll % 2 === 0 ? queryUnit : this.#slotOf(first)
  }

  #learn(client: number, position: number): void {
    this.#positions.set(client, Math.max(position, this.#positions.get(client) ?? 0))
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.#world.clock.after(ms, resolve)
    })
  }
}

const readFailures = new Set([
  ...['not_ready', 'stopping', 'position_timeout', 'not_found', 'overloaded', 'log_full'],
  // Of what has left memory.
  'store_unavailable',
  ...['diverged', 'log_unavailable'],
])

function failureOf(error: unknown): Told {
  if (error instanceof Rejection)
    return { kind: 'rejection', reason: error.reason, details: error.details }
  if (isGridError(error)) return { kind: 'failure', code: error.code, message: error.message }
  return { kind: 'failure', code: 'bug', message: String((error as Error)?.stack ?? error) }
}

/** By what callers are told of it. */
function isUnusablePage(error: unknown): boolean {
  if (!isGridError(error, 'invalid_input')) return false
  const { errors } = error.details as { readonly errors?: readonly { readonly path: string }[] }
  return errors?.some(({ path }) => path === 'cursor' || path === 'limit') === true
}
