import { DataFault, takeData } from './data.ts'
import type { Outcome } from './definition.ts'
import { noSlots, type Slots } from './steps.ts'

/** Foresees what the steps of one transaction come to. */
export interface Prediction {
  ofStep(step: number): unknown
}

/** An operation's outcome: a place in the transaction, until it is melded. */
export class PendingOutcome<T> implements Outcome<T> {
  readonly step: number
  readonly #prediction: Prediction

  constructor(step: number, prediction: Prediction) {
    this.step = step
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
  if (data instanceof PendingOutcome) return { data: undefined, slots: { '': data.step } }
  if (typeof data !== 'object' || data === null || !hasOutcomes(data))
    return { data: takeHandlerData(data, charactersMax), slots: noSlots }
  const slots: Record<string, number> = {}
  const rest: Record<string, unknown> | unknown[] = Array.isArray(data) ? [] : {}
  for (const name of Object.keys(data)) {
    const field = (data as Record<string, unknown>)[name]
    const isOutcome = field instanceof PendingOutcome
    if (isOutcome) {
      if (noPlaces.has(name)) throw new DataFault(name, 'is no place for an outcome')
      slots[name] = field.step
    }
    if (Array.isArray(rest)) rest[Number(name)] = isOutcome ? null : field
    else if (!isOutcome)
      Object.defineProperty(rest, name, { value: field, enumerable: true, configurable: true })
  }
  return { data: takeHandlerData(rest, charactersMax), slots }
}
