import { DataFault, takeData } from './data.ts'
import type { Outcome, Value } from './definition.ts'
import { noSlots, type Slots } from './steps.ts'

/** An operation's outcome: a place in the transaction, until it is melded. */
export class PendingOutcome<T> implements Outcome<T> {
  readonly step: number
  /** The cache whose entries it has claimed, if they are stored otherwise than they are read. */
  readonly takenFrom: string | undefined
  readonly #predict: (step: number) => unknown

  constructor(step: number, predict: (step: number) => unknown, takenFrom?: string) {
    this.step = step
    this.takenFrom = takenFrom
    this.#predict = predict
  }

  get predicted(): T {
    return this.#predict(this.step) as T
  }
}

export const isPlain = (data: object): boolean => {
  const prototype: unknown = Object.getPrototypeOf(data)
  return prototype === Object.prototype || prototype === null || prototype === Array.prototype
}

function hasOutcomes(data: object): boolean {
  for (const name in data)
    if ((data as Record<string, unknown>)[name] instanceof PendingOutcome) return isPlain(data)
  return false
}

/** Takes a handler's data; of an outcome that is left in it says what it is. */
function takeHandlerData(data: unknown, charactersMax?: number): unknown {
  try {
    return takeData(data, charactersMax)
  } catch (error) {
    if (!(error instanceof DataFault)) throw error
    const names = error.path.split('.')
    const at: unknown = names.reduce((inside, name) => Object(inside)[name], data)
    if (!(at instanceof PendingOutcome)) throw error
    throw new DataFault(
      error.path,
      'is the outcome of an operation, which may only stand at the top level of the data',
    )
  }
}

/** Fields that cannot hold an outcome: the empty one stands for the whole. */
const noPlaces = new Set(['', '__proto__'])

/**
 * Separates the operations' outcomes from a handler's data: where they belong, to be filled in when they are known. The rest is data as it is
 * kept.
 * @throws DataFault
 */
export function splitOutcomes(
  data: unknown,
  charactersMax?: number,
): { readonly data: unknown; readonly slots: Slots } {
  if (data === undefined) return { data, slots: noSlots }
  if (data instanceof PendingOutcome)
    return data.takenFrom === undefined
      ? { data: undefined, slots: { '': data.step } }
      : markTaken(undefined, { '': data.step }, { '': data.takenFrom })
  if (typeof data !== 'object' || data === null || !hasOutcomes(data))
    return { data: takeHandlerData(data, charactersMax), slots: noSlots }
  const slots: Record<string, number> = {}
  let taken: Record<string, string> | undefined
  const rest: Record<string, unknown> | unknown[] = Array.isArray(data) ? [] : {}
  for (const [name, field] of Object.entries(data)) {
    const isOutcome = field instanceof PendingOutcome
    if (isOutcome) {
      if (noPlaces.has(name)) throw new DataFault(name, 'is no place for an outcome')
      slots[name] = field.step
      if (field.takenFrom !== undefined) taken = { ...taken, [name]: field.takenFrom }
    }
    if (Array.isArray(rest)) rest[Number(name)] = isOutcome ? null : field
    else if (!isOutcome)
      Object.defineProperty(rest, name, { value: field, enumerable: true, configurable: true })
  }
  const kept = takeHandlerData(rest, charactersMax)
  return taken ? markTaken(kept, slots, taken) : { data: kept, slots }
}

/**
 * Data with claimed entries in it, of a cache whose entries are stored otherwise than they are read: the log fills them in as they are stored, and
 * each version that answers, a replay too, reads them as it does all others.
 */
interface OfTaken {
  /** Field of `data` ('' for all of it) → name of the cache. */
  readonly [mark]: Readonly<Record<string, string>>
  /** What it stands for is a list of so many items. */
  readonly '~length'?: number
}

const mark = '~taken'
const whole = '~whole'

function markTaken(
  data: unknown,
  slots: Slots,
  taken: Readonly<Record<string, string>>,
): { readonly data: unknown; readonly slots: Slots } {
  const at = slots['']
  if (at !== undefined)
    return { data: Object.freeze({ [mark]: Object.freeze(taken) }), slots: { [whole]: at } }
  const length = Array.isArray(data) ? { '~length': data.length } : undefined
  return {
    data: Object.freeze({ ...(data as object), ...length, [mark]: Object.freeze(taken) }),
    slots,
  }
}

export const isOfTaken = (data: unknown): data is OfTaken =>
  typeof data === 'object' && data !== null && mark in data

/** The data as its handler has returned it, outcomes filled in, the claimed entries as `read` makes them. */
export function readTaken(
  { [mark]: taken, '~length': length, ...data }: OfTaken,
  read: (cache: string, stored: Value) => Value,
): unknown {
  const filled = data as Record<string, unknown>
  const entriesOf = (name: string, cache: string) =>
    ((filled[name] ?? []) as readonly Value[]).map((value) => read(cache, value))
  const all = taken['']
  if (all !== undefined) return entriesOf(whole, all)
  for (const [name, cache] of Object.entries(taken)) filled[name] = entriesOf(name, cache)
  return length === undefined ? filled : Array.from({ length }, (_, i) => filled[i])
}
