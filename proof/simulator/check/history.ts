import type { Value } from '@spacegrid/grid/core/data-types'
import type { Acknowledgement } from '@spacegrid/grid/core/definition'
import type { Transaction } from '@spacegrid/grid/core/transaction'
import type { Caller } from '@spacegrid/grid/doors/request/caller'
import type { CommandAnswer } from '@spacegrid/grid/doors/request/serving'

/** A request of a client: one intention, however often it is sent. */
export interface Request {
  readonly number: number
  readonly command: string
  readonly input: Value
  readonly key: string | undefined
  readonly acknowledge: Acknowledgement
}

/** What a caller was told. */
export type Told =
  | { readonly kind: 'answer'; readonly answer: CommandAnswer<number> }
  | { readonly kind: 'rejection'; readonly reason: string; readonly details: Value }
  | { readonly kind: 'failure'; readonly code: string; readonly message: string }

/** One time that a request was sent to a unit. */
export interface Call {
  readonly number: number
  readonly request: Request
  readonly unit: string
  /**
   * Orders it among all that began and all that was told: what was told before it began must not be
   * undone by it.
   */
  readonly beganAt: number
  toldAt: number
  /** Everything that anybody was told before this call began is at or before this position. */
  readonly floor: number
  /** Where the log ended when it was told something. */
  ceiling: number
  told: Told | undefined
  readonly attempts: Attempt[]
}

/**
 * One execution of a handler: what it was given from outside, so that it can be executed again,
 * alone.
 */
export interface Attempt {
  readonly number: number
  readonly call: Call | undefined
  readonly command: string
  /** A command's input; the value of an entry that expires. */
  readonly input: Value
  readonly now: number
  readonly ids: string[]
  readonly peeks: unknown[]
  /** It refused by itself. */
  rejection: { readonly reason: string; readonly details: Value } | undefined
  /** It changed nothing: there is only an answer. */
  answers: boolean
}

/** A query, or the read of an entry, that was answered. */
export interface Reading {
  readonly unit: string
  readonly position: number
  readonly query: string
  readonly input: Value
  readonly now: number
  readonly result: unknown
}

/** Domain event by which a transaction in the log tells which attempt it is of. */
export const attemptEvent = 'simulatedAttempt'

const callerPrefix = 'call '

/** Travels with a call to the unit that does it. */
export const callerOf = ({ number }: Call): Caller => ({
  name: `${callerPrefix}${number}`,
  origin: { door: 'nats', address: undefined, credential: undefined },
})

/** Everything that clients did and were told, and what handlers were given. */
export class History {
  readonly calls: Call[] = []
  readonly attempts: Attempt[] = []
  readonly readings: Reading[] = []
  /** Told of the time that a handler is given. */
  given: (now: number) => void = () => undefined
  /** The newest position that anybody has been told of. */
  floor = 0
  #moment = 0
  readonly #byInput = new Map<unknown, Call>()
  readonly #nowByInput = new Map<unknown, number>()

  begin(request: Request, unit: string): { readonly call: Call; readonly input: Value } {
    const call: Call = {
      number: this.calls.length,
      request,
      unit,
      beganAt: ++this.#moment,
      toldAt: Number.POSITIVE_INFINITY,
      floor: this.floor,
      ceiling: 0,
      told: undefined,
      attempts: [],
    }
    this.calls.push(call)
    // Handlers get this very object: it tells whose execution it is.
    const input = { ...request.input }
    this.#byInput.set(input, call)
    return { call, input }
  }

  /** The input of a call, as it has come to the unit that does it. */
  arrived(input: unknown, caller: string | undefined): void {
    const call = this.calls[Number(caller?.slice(callerPrefix.length))]
    if (call) this.#byInput.set(input, call)
  }

  told(call: Call, told: Told, ceiling: number): void {
    call.told = told
    call.toldAt = ++this.#moment
    call.ceiling = ceiling
    if (told.kind === 'answer' && told.answer.acknowledged !== 'accepted')
      this.floor = Math.max(this.floor, told.answer.position)
  }

  read(reading: Reading): void {
    this.readings.push(reading)
    this.floor = Math.max(this.floor, reading.position)
  }

  attempt(command: string, input: Value, now: number): Attempt {
    this.given(now)
    const call = this.#byInput.get(input)
    const attempt: Attempt = {
      number: this.attempts.length,
      call,
      command,
      input: call?.request.input ?? input,
      now,
      ids: [],
      peeks: [],
      rejection: undefined,
      answers: false,
    }
    this.attempts.push(attempt)
    call?.attempts.push(attempt)
    return attempt
  }

  /** The time that a query's handler was given. */
  asked(input: unknown, now: number): void {
    this.given(now)
    this.#nowByInput.set(input, now)
  }

  nowOf(input: unknown): number {
    const now = this.#nowByInput.get(input) ?? 0
    this.#nowByInput.delete(input)
    return now
  }
}

/** A transaction that writes down what it gives its handler from outside. */
export function recordInto(attempt: Attempt, tx: Transaction): Transaction & { wrote: boolean } {
  const recorded = {
    wrote: false,
    now: tx.now,
    newId: () => {
      const id = tx.newId()
      attempt.ids.push(id)
      return id
    },
    get: tx.get.bind(tx),
    peek: (cache: Parameters<Transaction['peek']>[0], key: string) => {
      const value = tx.peek(cache, key)
      attempt.peeks.push(value)
      return value
    },
    range: tx.range.bind(tx),
    reject: tx.reject.bind(tx),
    put: writing('put'),
    delete: writing('delete'),
    increment: writing('increment'),
    append: writing('append'),
    take: writing('take'),
    emit: writing('emit'),
  }
  function writing(name: 'put' | 'delete' | 'increment' | 'append' | 'take' | 'emit') {
    const write = tx[name].bind(tx) as (...parameters: unknown[]) => unknown
    return (...parameters: unknown[]) => {
      recorded.wrote = true
      return write(...parameters)
    }
  }
  // The methods are passed on as they are, generic parameters and all.
  return recorded as unknown as Transaction & { wrote: boolean }
}
