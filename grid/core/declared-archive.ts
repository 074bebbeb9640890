import type { TObject, TSchema } from 'typebox'
import type { Scalar } from './data-types.ts'
import { typesOf } from './schema-check.ts'
import type { Archive } from './transaction.ts'
import { fitProblem } from './validation.ts'

/** What `defineCache` is told of when entries leave memory. */
export interface ArchiveOptions {
  readonly after: string
  readonly ms: number
  readonly when?: Readonly<Record<string, Scalar | readonly Scalar[] | undefined>> | undefined
}

/** Combinations of values that are looked for, each by itself. */
const combinationsMax = 64
/** A hundred years: later nobody looks. */
const msMax = 100 * 365 * 24 * 3600 * 1000

/**
 * Takes what a cache says of when its entries leave memory.
 * @throws TypeError that names what is wrong
 */
export function takeArchive(
  what: string,
  schema: TObject,
  expiry: string | undefined,
  options: ArchiveOptions | undefined,
): Archive | undefined {
  if (options === undefined) return undefined
  if (expiry !== undefined)
    throw new TypeError(
      `${what}: entries that expire cannot be archived too: what has left memory would never expire`,
    )
  const { after, ms, when = {} } = options
  const { properties } = schema
  const types = Object.hasOwn(properties, after) ? typesOf(properties[after]) : undefined
  if (!types || ![...types].every((type) => ['number', 'integer', 'null'].includes(type)))
    throw new TypeError(
      `${what}: archive: after must name a field that holds a number, not ${after}`,
    )
  if (!Number.isInteger(ms) || ms < 0 || ms > msMax)
    throw new TypeError(`${what}: archive: ms must be an integer from 0 to ${msMax}, not ${ms}`)
  const taken = Object.entries(when).map(
    ([field, values]) => [field, takenValues(what, properties, field, values)] as const,
  )
  const combinations = taken.reduce((product, [, values]) => product * values.length, 1)
  if (combinations > combinationsMax)
    throw new TypeError(
      `${what}: archive: when has ${combinations} combinations, more than ${combinationsMax}`,
    )
  return { after, ms, when: Object.fromEntries(taken) }
}

function takenValues(
  what: string,
  properties: Readonly<Record<string, TSchema>>,
  field: string,
  values: Scalar | readonly Scalar[] | undefined,
): readonly Scalar[] {
  const schema = Object.hasOwn(properties, field) ? properties[field] : undefined
  if (!schema) throw new TypeError(`${what}: archive: when names the unknown field ${field}`)
  const list = Array.isArray(values) ? (values as readonly Scalar[]) : [values as Scalar]
  if (list.length === 0) throw new TypeError(`${what}: archive: ${field} equals nothing`)
  for (const value of list) {
    const isScalar = ['string', 'number', 'boolean'].includes(typeof value)
    if (!isScalar || fitProblem(schema, value))
      throw new TypeError(
        `${what}: archive: ${field} can never be ${JSON.stringify(value)}, by its schema`,
      )
  }
  return list
}
