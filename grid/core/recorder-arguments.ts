import { DataFault, takeData } from './data.ts'
import type { Value } from './data-types.ts'
import { GridError } from './errors.ts'
import { Misuse } from './misuse.ts'
import { nameOf } from './operation-schema.ts'
import { isPlain } from './outcomes.ts'
import type { DomainEvent } from './steps.ts'
import type { AnyCache } from './transaction.ts'
import { refuseTooLarge } from './validation.ts'

/** A domain event as it is kept. */
export function takenEvent(name: string, payload: Value, charactersMax?: number): DomainEvent {
  if (typeof name !== 'string' || name === '' || !name.isWellFormed())
    throw new TypeError(`an event must have a name, not ${nameOf(name)}`)
  const isObject = typeof payload === 'object' && payload !== null && !Array.isArray(payload)
  if (!isObject || !isPlain(payload))
    throw new TypeError(`event ${name}: the payload must be an object, not ${nameOf(payload)}`)
  try {
    return { name, payload: takeData(payload, charactersMax) }
  } catch (error) {
    refuseTooLarge(error, `event ${name}`)
    if (!(error instanceof DataFault)) throw error
    throw new DataFault(error.path, `of event ${name} ${error.problem}`)
  }
}

/** The entry that an operation starts from where there is none, as it is kept. */
export function takenInitial(cache: AnyCache, initial: Value, charactersMax?: number): Value {
  try {
    return takeData(initial, charactersMax)
  } catch (error) {
    refuseTooLarge(error, `cache ${cache.name}: the initial value`)
    if (!(error instanceof DataFault)) throw error
    throw new Misuse(cache.name, error.path, `of the initial value ${error.problem}`)
  }
}

/** @throws Misuse for none; GridError `transaction_too_large` for more than `max` */
export function checkTakeLimit(
  { name }: AnyCache,
  limit: number | undefined,
  max: number,
): asserts limit is number {
  if (limit === undefined || limit < 1)
    throw new Misuse(name, undefined, `take needs a limit of at least 1, not ${limit}`)
  if (limit > max)
    throw new GridError(
      'transaction_too_large',
      `take from ${name}: limit must be 1 to ${max}, not ${limit}`,
    )
}

/** How many entries a take must find. */
export function checkAtLeast({ name }: AnyCache, atLeast: unknown): asserts atLeast is number {
  if (!Number.isInteger(atLeast) || (atLeast as number) < 0)
    throw new Misuse(name, undefined, `atLeast must be a count, not ${nameOf(atLeast)}`)
}

/** What a rejection is known by. */
export function checkReason(
  cache: AnyCache,
  otherwise: unknown,
  declared: readonly string[] | undefined,
): void {
  if (typeof otherwise !== 'string' || otherwise === '' || !otherwise.isWellFormed())
    throw new Misuse(cache.name, undefined, `otherwise must be a text, not ${nameOf(otherwise)}`)
  checkDeclared(otherwise, declared)
}

/** @param declared undefined: the command does not say what it refuses for */
export function checkDeclared(reason: string, declared: readonly string[] | undefined): void {
  if (declared === undefined || declared.includes(reason)) return
  const known = declared.length === 0 ? 'none' : declared.join(', ')
  throw new TypeError(
    `reason ${JSON.stringify(reason)} is not among the rejections that the command declares (${known})`,
  )
}
