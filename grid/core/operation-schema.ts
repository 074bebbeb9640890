import type { TSchema } from 'typebox'
import { DataFault, takeData, takenBytes } from './data.ts'
import type { Value } from './data-types.ts'
import { Misuse } from './misuse.ts'
import type { AnyCache } from './transaction.ts'
import { fitProblem, refuseTooLarge } from './validation.ts'

/** The parts of JSON Schema that bound what an operation may leave. */
interface FieldSchema {
  readonly type?: unknown
  readonly minimum?: number
  readonly maximum?: number
  readonly exclusiveMinimum?: number
  readonly exclusiveMaximum?: number
  readonly multipleOf?: number
  readonly items?: TSchema
  readonly minItems?: number
  readonly maxItems?: number
}

interface Bounds {
  readonly min?: number | undefined
  readonly max?: number | undefined
}

/** What can be told of a field without the entry it is in. */
interface NumberRule {
  readonly whole: boolean
  readonly min: number
  readonly max: number
  readonly multipleOf: number | undefined
}

interface ListRule {
  readonly items: TSchema | undefined
  /** Of the items that one append brings: the list may not be there yet. */
  readonly itemsMin: number
  readonly max: number | undefined
}

/** Derived from a cache's schema when its first operation comes, and kept as long as the schema. */
interface Rules {
  readonly numbers: Map<string, NumberRule>
  readonly lists: Map<string, ListRule>
  readonly patched: Map<string, TSchema>
}

const rules = new WeakMap<object, Rules>()

function rulesOf({ schema }: AnyCache): Rules {
  let found = rules.get(schema)
  if (!found) {
    found = { numbers: new Map(), lists: new Map(), patched: new Map() }
    rules.set(schema, found)
  }
  return found
}

/** Beyond, adding to a whole number leaves it as it is. */
const numberMax = Number.MAX_SAFE_INTEGER

/** What an object's schema may say and still be kept field by field. */
const byField = new Set(['type', 'properties', 'required', 'additionalProperties'])
const ofNumber = new Set([
  ...['type', 'minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf'],
])
const ofList = new Set(['type', 'items', 'minItems', 'maxItems'])
/** Keywords that say something without asking anything of a value. */
const annotations = new Set([
  ...['title', 'description', 'default', 'examples', 'deprecated', 'readOnly', 'writeOnly'],
  ...['$id', '$schema', '$comment', '$defs', 'definitions', 'format'],
  ...['~kind', '~optional', '~readonly', '~unsafe'],
])

/**
 * The first thing a schema asks that is not among `known`: refinements, which TypeBox hides from
 * loops, are one.
 */
const otherConstraint = (schema: object, known: ReadonlySet<string>): string | undefined =>
  Object.getOwnPropertyNames(schema).find(
    (name) => !known.has(name) && !annotations.has(name) && !name.startsWith('x-'),
  )

/**
 * Bounds within which an increment keeps the field to its schema; without the side on which it
 * cannot leave them.
 * @throws Misuse when the schema does not allow it, or when nobody could tell without the whole
 * entry
 */
export function incrementBounds(
  cache: AnyCache,
  field: string,
  by: number,
  { min, max }: Bounds,
): { readonly min: number | undefined; readonly max: number | undefined } {
  const { numbers } = rulesOf(cache)
  let rule = numbers.get(field)
  if (!rule) {
    rule = numberRule(cache, field)
    numbers.set(field, rule)
  }
  if (typeof by !== 'number' || !Number.isFinite(by))
    throw new Misuse(cache.name, field, `cannot be incremented by ${nameOf(by)}`)
  if (rule.whole && !Number.isSafeInteger(by))
    throw new Misuse(cache.name, field, `is an integer and cannot be incremented by ${by}`)
  if (rule.multipleOf !== undefined && by % rule.multipleOf !== 0)
    throw new Misuse(cache.name, field, `must stay a multiple of ${rule.multipleOf}`)
  checkBound(cache, field, 'min', min)
  checkBound(cache, field, 'max', max)
  const lowest = min === undefined ? rule.min : Math.max(min, rule.min)
  const highest = max === undefined ? rule.max : Math.min(max, rule.max)
  return {
    // The engine's own bounds cannot be left in the other direction, and need not travel then.
    min: lowest === -numberMax && by >= 0 ? undefined : lowest,
    max: highest === numberMax && by <= 0 ? undefined : highest,
  }
}

function checkBound(cache: AnyCache, field: string, name: string, bound: unknown): void {
  if (bound === undefined || (typeof bound === 'number' && !Number.isNaN(bound))) return
  throw new Misuse(cache.name, field, `: ${name} must be a number, not ${nameOf(bound)}`)
}

function numberRule(cache: AnyCache, field: string): NumberRule {
  const schema = fieldSchema(cache, field, 'increment')
  const whole = schema.type === 'integer'
  if (!whole && schema.type !== 'number')
    throw new Misuse(cache.name, field, 'is no number, so it cannot be incremented')
  refuseOthers(cache, field, schema, ofNumber)
  const { minimum, maximum, exclusiveMinimum, exclusiveMaximum, multipleOf } = schema
  if (!whole && (exclusiveMinimum ?? exclusiveMaximum) !== undefined)
    throw new Misuse(cache.name, field, 'has an exclusive bound, which an increment cannot keep')
  if (multipleOf !== undefined && !Number.isSafeInteger(multipleOf))
    throw new Misuse(cache.name, field, 'must stay a multiple of a fraction')
  return {
    whole,
    min: Math.max(
      -numberMax,
      minimum ?? -numberMax,
      exclusiveMinimum === undefined ? -numberMax : Math.floor(exclusiveMinimum) + 1,
    ),
    max: Math.min(
      numberMax,
      maximum ?? numberMax,
      exclusiveMaximum === undefined ? numberMax : Math.ceil(exclusiveMaximum) - 1,
    ),
    multipleOf,
  }
}

/**
 * The items as they are kept, each of which fits the list, and the length within which the list
 * fits its schema.
 * @throws Misuse; GridError `transaction_too_large` for texts beyond `charactersMax`
 */
export function appendedItems(
  cache: AnyCache,
  field: string,
  items: readonly unknown[],
  max: number | undefined,
  charactersMax?: number,
): {
  readonly items: readonly unknown[]
  /** Of the items' content. */
  readonly bytes: number
  readonly max: number | undefined
} {
  const { lists } = rulesOf(cache)
  let rule = lists.get(field)
  if (!rule) {
    rule = listRule(cache, field)
    lists.set(field, rule)
  }
  if (!Array.isArray(items))
    throw new Misuse(cache.name, field, `takes a list of items, not ${nameOf(items)}`)
  if (max !== undefined && (typeof max !== 'number' || !(max >= 0)))
    throw new Misuse(cache.name, field, `: max must be a length, not ${nameOf(max)}`)
  const taken = taking(cache, field, items, charactersMax)
  const bytes = takenBytes()
  if (taken.length < rule.itemsMin)
    throw new Misuse(cache.name, field, `must have at least ${rule.itemsMin} items`)
  if (rule.items)
    for (let i = 0; i < taken.length; i++) checkFit(cache, `${field}.${i}`, rule.items, taken[i])
  const length = Math.min(max ?? Number.POSITIVE_INFINITY, rule.max ?? Number.POSITIVE_INFINITY)
  return { items: taken, bytes, max: length === Number.POSITIVE_INFINITY ? undefined : length }
}

function listRule(cache: AnyCache, field: string): ListRule {
  const schema = fieldSchema(cache, field, 'append to')
  const { items, minItems = 0, maxItems } = schema
  if (schema.type !== 'array')
    throw new Misuse(cache.name, field, 'is no list, so nothing can be appended')
  refuseOthers(cache, field, schema, ofList)
  if (Array.isArray(items))
    throw new Misuse(cache.name, field, 'is a tuple, so nothing can be appended')
  const isThere = cache.schema.required?.includes(field)
  if (items !== undefined) refuseReferences(cache, field, items)
  return { items, itemsMin: isThere ? 0 : minItems, max: maxItems }
}

/**
 * The patch as it is kept; fields to be removed are undefined in it.
 * @throws Misuse; GridError `transaction_too_large` for a field with texts beyond `charactersMax`
 */
export function takenPatch(cache: AnyCache, patch: unknown, charactersMax?: number): Value {
  const isPlain =
    typeof patch === 'object' &&
    patch !== null &&
    (Object.getPrototypeOf(patch) === Object.prototype || Object.getPrototypeOf(patch) === null)
  if (!isPlain) throw new Misuse(cache.name, undefined, `a patch cannot be ${nameOf(patch)}`)
  const { patched } = rulesOf(cache)
  const taken: Record<string, unknown> = {}
  for (const [field, value] of Object.entries(patch)) {
    if (field === cache.key) throw new Misuse(cache.name, field, 'is the key: a patch keeps it')
    let schema = patched.get(field)
    if (!schema) {
      schema = fieldSchema(cache, field, 'patch') as TSchema
      refuseReferences(cache, field, schema)
      patched.set(field, schema)
    }
    if (value === undefined) {
      if (cache.schema.required?.includes(field))
        throw new Misuse(cache.name, field, 'is required, so it cannot be removed')
      taken[field] = undefined
    } else {
      taken[field] = taking(cache, field, value, charactersMax)
      checkFit(cache, field, schema, taken[field])
    }
  }
  return Object.freeze(taken)
}

/** A field's schema, of a cache whose entries can be kept field by field. */
function fieldSchema(cache: AnyCache, field: string, doing: string): FieldSchema {
  const { schema, name } = cache
  if (typeof field !== 'string' || !Object.hasOwn(schema.properties, field))
    throw new Misuse(name, undefined, `has no field ${nameOf(field)} to ${doing}`)
  if (field === cache.key) throw new Misuse(name, field, 'is the key: operations keep it')
  const other = otherConstraint(schema, byField)
  if (other !== undefined)
    throw new Misuse(
      name,
      field,
      `cannot be changed by an operation: ${other} is about the whole entry`,
    )
  return schema.properties[field] as FieldSchema
}

function refuseOthers(
  cache: AnyCache,
  field: string,
  schema: object,
  known: ReadonlySet<string>,
): void {
  const other = otherConstraint(schema, known)
  if (other !== undefined)
    throw new Misuse(cache.name, field, `has ${other}, which an operation cannot keep`)
}

/** What a part of a schema refers to stands outside of it. */
function refuseReferences(cache: AnyCache, field: string, schema: object): void {
  if (JSON.stringify(schema).includes('"$ref"'))
    throw new Misuse(cache.name, field, 'has a reference, which an operation cannot follow')
}

function taking<T>(cache: AnyCache, field: string, value: T, charactersMax?: number): T {
  try {
    return takeData(value, charactersMax)
  } catch (error) {
    refuseTooLarge(error, `cache ${cache.name}: ${field}`)
    if (!(error instanceof DataFault)) throw error
    const path = error.path === '' ? field : `${field}.${error.path}`
    throw new Misuse(cache.name, path, error.problem)
  }
}

function checkFit(cache: AnyCache, path: string, schema: TSchema, value: unknown): void {
  const problem = fitProblem(schema, value)
  if (!problem) return
  const inside = problem.path === '' ? path : `${path}.${problem.path}`
  throw new Misuse(cache.name, inside, problem.message)
}

/** What it is, for people; no contents. */
export function nameOf(value: unknown): string {
  if (value === null || value === undefined) return String(value)
  if (typeof value === 'number') return String(value)
  if (typeof value === 'string') return JSON.stringify(value.slice(0, 64).toWellFormed())
  if (Array.isArray(value)) return 'a list'
  return `a ${typeof value}`
}
