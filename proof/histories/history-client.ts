import { setTimeout as sleep } from 'node:timers/promises'
import type { SeededRandom } from '@spacegrid/grid/kit/seeded-random'
import type { HistoryRecord } from './history-record.ts'
import type { KeyRing } from './key-ring.ts'
import type { ListStep } from './list-transaction.ts'
import type { RegisterOperation, RegisterValue } from './register-operation.ts'
import type { Patience, Told, UnitCallers } from './unit-callers.ts'

/** What all clients share. */
export interface HistoryWork {
  readonly callers: UnitCallers
  readonly record: HistoryRecord
  readonly registers: KeyRing
  readonly lists: KeyRing
  /** What a register was last seen to hold, so that a cas has a chance. */
  readonly seen: Map<string, RegisterValue>
  /** Values that nobody has used. */
  readonly nextValue: () => number
}

interface Change {
  readonly key: string
  readonly steps: readonly { readonly append?: number; readonly byWriting?: boolean }[]
}

/** Share of requests after which a client does not ask again when it has had no answer. */
const hastyShare = 0.1
const untilMs = 60_000
const thinkMsMax = 40
const listShare = 0.5
const queryShare = 0.5
const wrongGuessShare = 0.15
const oneListShare = 0.3
/** In one command. */
const listsMax = 4
const stepsMax = 3
const appendShare = 0.5
const byWritingShare = 0.3

/** A client that does one thing after the other, and records what it saw of each. */
export class HistoryClient {
  readonly #number: number
  readonly #work: HistoryWork
  readonly #random: SeededRandom

  constructor(number: number, work: HistoryWork, random: SeededRandom) {
    this.#number = number
    this.#work = work
    this.#random = random
  }

  /** Until the signal aborts; what has been begun by then is seen through. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await (this.#random.chance(listShare) ? this.#changeLists() : this.#useRegister())
      await sleep(this.#random.below(thinkMsMax))
    }
  }

  async lookAtRegister(key: string): Promise<void> {
    await this.#register(key, 'read', {}, () =>
      this.#work.callers.latest('register', { key }, this.#patience(), this.#random),
    )
  }

  async lookAtList(key: string): Promise<void> {
    const call = this.#work.record.now()
    const { callers } = this.#work
    const told = await callers.latest('list', { key }, this.#patience(), this.#random)
    const values = (told.answer?.kind === 'accepted' ? told.answer.result : undefined) as
      | { readonly values: readonly number[] }
      | undefined
    this.#list(call, [{ key, read: values?.values ?? null }], told)
  }

  async #useRegister(): Promise<void> {
    const key = this.#work.registers.take(this.#random)
    const { callers, seen, nextValue } = this.#work
    const ask = (name: string, input: object) => () =>
      callers.command(name, { key, ...input }, this.#patience(), this.#random)
    const luck = this.#random.below(3)
    if (luck === 0) {
      if (this.#random.chance(queryShare)) await this.lookAtRegister(key)
      else await this.#register(key, 'read', {}, ask('readRegister', {}))
      return
    }
    const to = `v${nextValue()}`
    if (luck === 1) {
      await this.#register(key, 'write', { to }, ask('writeRegister', { to }))
      return
    }
    const from = this.#random.chance(wrongGuessShare) ? 'never there' : (seen.get(key) ?? null)
    await this.#register(key, 'cas', { from, to }, ask('compareAndSet', { from, to }))
  }

  async #register(
    key: string,
    kind: RegisterOperation['kind'],
    input: RegisterOperation['input'],
    ask: () => Promise<Told>,
  ): Promise<void> {
    const { record, seen } = this.#work
    const call = record.now()
    const told = await ask()
    const end = record.now()
    const { answer } = told
    const outcome = outcomeOf(told)
    const output = answer && outcome === 'ok' ? outputOf(kind, answer) : {}
    if (outcome === 'ok')
      seen.set(key, kind === 'write' || output.done ? (input.to ?? null) : (output.found ?? null))
    record.register({
      client: this.#number,
      key,
      kind,
      input,
      output,
      call,
      ...(outcome === 'unknown' ? {} : { return: end }),
      outcome,
    })
  }

  async #changeLists(): Promise<void> {
    const { callers, lists, record } = this.#work
    const isOne = this.#random.chance(oneListShare)
    const keys = lists.some(isOne ? 1 : 2 + this.#random.below(listsMax - 1), this.#random)
    if (isOne && this.#random.chance(queryShare)) {
      await this.lookAtList(keys[0] as string)
      return
    }
    const changes = keys.map((key) => this.#changeOf(key))
    const call = record.now()
    const [name, input] =
      isOne && changes[0] ? ['changeList', changes[0]] : ['changeLists', { lists: changes }]
    const told = await callers.command(name, input, this.#patience(), this.#random)
    const { answer } = told
    if (answer?.kind === 'rejected') throw new Error(`${name} was refused: ${answer.reason}`)
    const result = answer?.result as { readonly told: unknown } | undefined
    const perList = (isOne ? [result?.told] : result?.told) as
      | readonly (readonly (readonly number[] | null)[])[]
      | undefined
    const steps = changes.flatMap(({ key, steps }, list) =>
      steps.map(
        ({ append }, at): ListStep =>
          append === undefined
            ? { key, read: (result && perList?.[list]?.[at]) ?? null }
            : { key, append },
      ),
    )
    this.#list(call, steps, told)
  }

  #list(call: number, steps: readonly ListStep[], told: Told): void {
    const { record } = this.#work
    const outcome = outcomeOf(told)
    const ended = outcome === 'unknown' ? {} : { return: record.now() }
    record.list({ client: this.#number, steps, call, ...ended, outcome })
  }

  #changeOf(key: string): Change {
    const steps = Array.from({ length: 1 + this.#random.below(stepsMax) }, () =>
      this.#random.chance(appendShare)
        ? {
            append: this.#work.nextValue(),
            ...(this.#random.chance(byWritingShare) ? { byWriting: true } : {}),
          }
        : {},
    )
    return { key, steps }
  }

  #patience(): Patience {
    return { untilMs, isHasty: this.#random.chance(hastyShare) }
  }
}

/**
 * A refusal is not remembered with its key: an attempt that had no answer before it may still take
 * effect, once what it was refused for has passed.
 */
function outcomeOf({ answer, mayBeOpen }: Told): 'ok' | 'fail' | 'unknown' {
  if (answer === undefined) return mayBeOpen ? 'unknown' : 'fail'
  return answer.kind === 'rejected' && mayBeOpen ? 'unknown' : 'ok'
}

function outputOf(
  kind: RegisterOperation['kind'],
  answer: NonNullable<Told['answer']>,
): RegisterOperation['output'] {
  if (answer.kind === 'rejected') {
    if (kind !== 'cas' || answer.reason !== 'differs')
      throw new Error(`a ${kind} was refused: ${answer.reason}`)
    return { done: false, found: answer.details.found as RegisterValue }
  }
  if (kind === 'cas') return { done: true }
  if (kind === 'write') return {}
  return { found: (answer.result as { readonly found: RegisterValue }).found }
}
