import type { Outcome } from '@spacegrid/grid/core/operation-options'
import type { Transaction } from '@spacegrid/grid/core/transaction'
import { unwatched } from './impure-globals.ts'

type Method = (...parameters: unknown[]) => unknown

/** One thing that a handler did with its transaction, and what came of it. */
interface TapedCall {
  readonly text: string
  readonly returned: unknown
  readonly thrown: { readonly error: unknown } | undefined
  /** What the outcome of an operation foresaw, once the handler has looked. */
  look: { readonly value: unknown } | { readonly error: unknown } | undefined
}

const methods = [
  ...['newId', 'get', 'peek', 'range', 'put', 'delete'],
  ...['increment', 'append', 'take', 'emit', 'reject'],
] as const

/** A second run has done something else than the first: it is not carried on. */
export class Differs extends Error {
  override readonly name = 'Differs'
}

/**
 * Writes down what a handler does with its transaction, so that it can be run a second time on the
 * very same state, with nothing coming of it.
 */
export class Tape {
  readonly #calls: TapedCall[] = []
  readonly #now: number

  constructor(now: number) {
    this.#now = now
  }

  get texts(): readonly string[] {
    return this.#calls.map(({ text }) => text)
  }

  /** Passes everything on, and writes it down. */
  record(tx: Transaction): Transaction {
    const recorded = Object.fromEntries(
      methods.map((name) => {
        const method = (tx[name] as Method).bind(tx)
        return [name, (...given: unknown[]) => this.#taped(name, given, method)]
      }),
    )
    return { ...recorded, now: tx.now } as unknown as Transaction
  }

  /** Gives what was given the first time, as long as the same is asked for. */
  replay(): { readonly transaction: Transaction; readonly texts: readonly string[] } {
    const texts: string[] = []
    const again = Object.fromEntries(
      methods.map((name) => [
        name,
        (...given: unknown[]) =>
          unwatched(() => {
            const text = textOf(name, given)
            const call = this.#calls[texts.length]
            texts.push(text)
            if (call?.text !== text) throw new Differs(text)
            if (call.thrown) throw call.thrown.error
            return call.returned
          }),
      ]),
    )
    return { transaction: { ...again, now: this.#now } as unknown as Transaction, texts }
  }

  /**
   * What a handler returned, as a text; the outcomes of operations by the place of the operation.
   */
  resultText(returned: unknown): string {
    const outcomes = new Map(this.#calls.map(({ returned: one }, at) => [one, at]))
    return jsonOf(returned, (value) =>
      typeof value === 'object' && value !== null && outcomes.has(value) && 'predicted' in value
        ? `outcome ${outcomes.get(value)}`
        : value,
    )
  }

  #taped(name: string, given: unknown[], method: Method): unknown {
    return unwatched(() => {
      const text = textOf(name, given)
      try {
        const returned = method(...given)
        const call: TapedCall = { text, returned, thrown: undefined, look: undefined }
        if (isOutcome(returned)) remember(returned, call)
        this.#calls.push(call)
        return returned
      } catch (error) {
        this.#calls.push({ text, returned: undefined, thrown: { error }, look: undefined })
        throw error
      }
    })
  }
}

const isOutcome = (value: unknown): value is Outcome<unknown> =>
  typeof value === 'object' && value !== null && 'step' in value

/**
 * Looking at an outcome makes it a validated read: a second run must not, where the first has not.
 */
function remember(outcome: Outcome<unknown>, call: TapedCall): void {
  const prototype = Object.getPrototypeOf(outcome) as object
  const real = Object.getOwnPropertyDescriptor(prototype, 'predicted')?.get
  if (!real) return
  Object.defineProperty(outcome, 'predicted', {
    configurable: true,
    get: () =>
      unwatched(() => {
        if (call.look === undefined)
          try {
            call.look = { value: real.call(outcome) as unknown }
          } catch (error) {
            call.look = { error }
          }
        if ('error' in call.look) throw call.look.error
        return call.look.value
      }),
  })
}

const argumentsShown = 300

function textOf(name: string, given: readonly unknown[]): string {
  const shown = given.map((one) => (isCache(one) ? one.name : jsonOf(one)))
  return `${name}(${shown.join(', ')})`
}

const isCache = (value: unknown): value is { readonly name: string } =>
  typeof value === 'object' && value !== null && 'schema' in value && 'indexes' in value

export function jsonOf(value: unknown, replace?: (value: unknown) => unknown): string {
  try {
    return String(
      JSON.stringify(value, (_, member: unknown) => {
        if (member instanceof Map || member instanceof Set) return [...member]
        if (typeof member === 'bigint') return `${member}n`
        return replace ? replace(member) : member
      }),
    )
  } catch {
    return 'what cannot be told'
  }
}

/** Short enough to be read. */
export const shortened = (text: string): string =>
  text.length > argumentsShown ? `${text.slice(0, argumentsShown)}…` : text
