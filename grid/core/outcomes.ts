import { DataFault, takeData } from './data.ts'
import type { Value } from './data-types.ts'
import type { Outcome } from './operation-options.ts'
import { noSlots, type Slots } from './steps.ts'

/** Foresees what the steps of one transaction come to. */
export interface Prediction {
  ofStep(step: number): unknown
}

/** An operation's outcome: a place in the transaction, until it is melded. */
export class PendingOutcome<T> implements Outcome<T> {
  readonly step: number
  /** Name of the cache whose entries it has claimed, if it has. */
  readonly takenFrom: string | undefined
  readonly #prediction: Prediction

  constructor(step: number, prediction: Prediction, takenFrom?: string) {
    this.step = step
    this.takenFrom = takenFrom
    this.#prediction = prediction
  }

  get predicted(): T {
    return this.#prediction.ofStep(this.step) as T
  }
}

export const isPlain = (data: object): boolean => {
  const prototype: unknown = Object.getPrototypeOf(data)
  return prototype === Object.prototype || prototype === null || prototype === Array.prototype
}

export function hasOutcomes(data: object): boolean {
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
 * Separates the operations' outcomes from a handler's data: where they belong, to be filled in when
 * they are known. The rest is data as it is kept.
 * @throws DataFault
 */
export function splitOutcomes(data: unknown, charactersMax?: number): SplitData {
  if (data === undefined) return { data, slots: noSlots }
  if (data instanceof PendingOutcome) {
    const { step, takenFrom } = data
    const split = { data: undefined, slots: { '': step } }
    return takenFrom === undefined ? split : { ...split, taken: { '': takenFrom } }
  }
  if (typeof data !== 'object' || data === null || !hasOutcomes(data))
    return { data: takeHandlerData(data, charactersMax), slots: noSlots }
  const slots: Record<string, number> = {}
  let taken: Record<string, string> | undefined
  const rest: Record<string, unknown> | unknown[] = Array.isArray(data) ? [] : {}
  for (const name of Object.keys(data)) {
    const field = (data as Record<string, unknown>)[name]
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
  return taken ? { data: kept, slots, taken } : { data: kept, slots }
}

/** A handler's data, without the outcomes that belong into it. */
export interface SplitData {
  readonly data: unknown
  readonly slots: Slots
  /** Where entries that operations have claimed belong; undefined: nowhere. */
  readonly taken?: Taken
}

/** Field of the data ('' for all of it) → name of the cache whose entries will stand there. */
export type Taken = Readonly<Record<string, string>>

/**
 * Data with claimed entries in it, as they are remembered: the log fills them in as they are
 * stored, and whoever answers with them once more, perhaps of another version, reads them as it
 * does all others.
 */
interface MarkedData {
  readonly [mark]: Taken
  /** What it stands for is a list of so many items. */
  readonly '~length'?: number
}

const mark = '~taken'
const whole = '~whole'

/** What is remembered of data with claimed entries in it. */
export function markTaken({ data, slots }: SplitData, taken: Taken): SplitData {
  const at = slots['']
  if (at !== undefined) return { data: Object.freeze({ [mark]: taken }), slots: { [whole]: at } }
  const length = Array.isArray(data) ? { '~length': data.length } : undefined
  return { data: Object.freeze({ ...(data as object), ...length, [mark]: taken }), slots }
}

/** Data as they were remembered, outcomes filled in; and where in it claimed entries stand. */
export function unmarkTaken(data: unknown): { readonly data: unknown; readonly taken?: Taken } {
  if (typeof data !== 'object' || data === null || !(mark in data)) return { data }
  const { [mark]: taken, '~length': length, ...rest } = data as MarkedData
  const filled = rest as Readonly<Record<string, unknown>>
  if (taken[''] !== undefined) return { data: filled[whole], taken }
  if (length === undefined) return { data: filled, taken }
  return { data: Array.from({ length }, (_, i) => filled[i]), taken }
}

/** The data with the claimed entries as `read` makes them. */
export function readTaken(
  data: unknown,
  taken: Taken,
  read: (cache: string, stored: Value) => Value,
): unknown {
  const entriesOf = (entries: unknown, cache: string) =>
    Object.freeze((entries as readonly Value[]).map((value) => read(cache, value)))
  const all = taken['']
  if (all !== undefined) return entriesOf(data, all)
  const filled = (Array.isArray(data) ? [...data] : { ...(data as object) }) as Record<
    string,
    unknown
  >
  for (const [name, cache] of Object.entries(taken)) filled[name] = entriesOf(filled[name], cache)
  return Object.freeze(filled)
}
