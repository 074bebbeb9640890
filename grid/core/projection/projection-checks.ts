import { type TObject, type TSchema, Type } from 'typebox'
import type { IndexFields } from '../data-types.ts'
import { checkName } from '../definition-checks.ts'
import { typesOf } from '../schema-check.ts'
import type { Aggregate, AggregatePlan } from './aggregate.ts'
import { cachesOf, isJoin } from './source.ts'

/** @throws TypeError */
export function checkSource(what: string, of: unknown): void {
  if (isJoin(of)) return
  const caches = typeof of === 'object' && of !== null ? cachesOf(of as never) : []
  if (caches.length === 0)
    throw new TypeError(
      `${what} is made of no cache: of takes a cache, a list of caches, or a join. What a domain event says is made rows of by keeping it as an entry, too`,
    )
  for (const cache of caches)
    if (typeof cache !== 'object' || cache === null || !('schema' in cache && 'key' in cache))
      throw new TypeError(`${what}: of takes a cache, a list of caches, or a join`)
  if (new Set(caches).size < caches.length && Array.isArray(of) && what !== 'join')
    throw new TypeError(`${what}: of names a cache twice`)
}

/** @throws TypeError when groups could not be told from each other */
export function checkGroupBy(
  what: string,
  groupBy: readonly string[],
  entry: TObject | undefined,
): void {
  if (new Set(groupBy).size < groupBy.length)
    throw new TypeError(`${what}: groupBy names a field twice`)
  for (const field of groupBy) {
    if (typeof field !== 'string') throw new TypeError(`${what}: groupBy names fields`)
    if (!entry) continue
    const schema: unknown = entry.properties[field]
    if (schema === undefined)
      throw new TypeError(`${what}: groupBy names the unknown field ${field}`)
    const types = new Set([...(typesOf(schema) ?? [])].map((type) => groupTypes[type]))
    types.delete(undefined)
    if (typesOf(schema) !== undefined && types.size === 0)
      throw new TypeError(
        `${what}: groupBy names ${field}, which is never a text, number or boolean`,
      )
    if (types.size > 1)
      throw new TypeError(
        `${what}: groupBy names ${field}, which is sometimes a ${[...types].join(' and sometimes a ')}: groups of both would have one key`,
      )
  }
}

const groupTypes: Readonly<Record<string, string | undefined>> = {
  string: 'text',
  number: 'number',
  integer: 'number',
  boolean: 'boolean',
}

/** @param isKnown whether the row has no other fields than its schema says */
export function checkIndexes(
  what: string,
  indexes: IndexFields,
  { properties }: TObject,
  isKnown: boolean,
): void {
  for (const [index, fields] of Object.entries(indexes)) {
    checkName(`${what}: index`, index)
    if (index === 'byKey')
      throw new TypeError(`${what}: index byKey is there already: by what is grouped by`)
    if (!Array.isArray(fields) || fields.length === 0)
      throw new TypeError(`${what}: index ${index} has no field`)
    for (const field of fields)
      if (isKnown && !Object.hasOwn(properties, field))
        throw new TypeError(`${what}: index ${index} names the unknown field ${field}`)
  }
}

export function takeLimit(what: string, given: number | undefined, preset: number): number {
  const limit = given ?? preset
  if (!Number.isSafeInteger(limit) || limit < 1)
    throw new TypeError(`${what} must be a whole number from 1`)
  return limit
}

/** What is known of a row beforehand. */
export function rowSchema(
  groupBy: readonly string[],
  aggregates: Readonly<Record<string, Aggregate>> | undefined,
  entry: TObject | undefined,
): TObject {
  if (!aggregates) return entry ?? Type.Object({})
  const made = Object.entries(aggregates)
  const properties = {
    ...Object.fromEntries(groupBy.map((field) => [field, fieldOf(entry, field)])),
    ...Object.fromEntries(made.map(([name, { plan }]) => [name, schemaOf(plan, entry)])),
  }
  const always = made.filter(([, { plan }]) => isAlways(plan, entry))
  const required = [...groupBy, ...always.map(([name]) => name)]
  return { ...Type.Object(properties), required } as TObject
}

/** Whether every row has it: an item is in every group. */
function isAlways(plan: AggregatePlan, entry: TObject | undefined): boolean {
  if (plan.kind !== 'min' && plan.kind !== 'max') return true
  const { of } = plan
  if (typeof of !== 'string' || !entry?.required?.includes(of)) return false
  const types = typesOf(entry.properties[of])
  return types !== undefined && [...types].every((type) => groupTypes[type] !== undefined)
}

function schemaOf(plan: AggregatePlan, entry: TObject | undefined): TSchema {
  switch (plan.kind) {
    case 'count':
      return Type.Integer({ minimum: 0 })
    case 'sum':
      return Type.Number()
    case 'min':
    case 'max':
      return fieldOf(entry, plan.of)
    case 'top': {
      const { by, show = Object.keys(entry?.properties ?? {}), count } = plan
      const fields = [...new Set([by, ...show])].map((name) => [name, fieldOf(entry, name)])
      const item = { ...Type.Object(Object.fromEntries(fields)), required: [by] }
      return Type.Array(item as TSchema, { maxItems: count })
    }
    case 'fold':
      return plan.schema ?? Type.Unknown()
  }
}

const fieldOf = (entry: TObject | undefined, field: unknown): TSchema =>
  (typeof field === 'string' ? entry?.properties[field] : undefined) ?? Type.Unknown()
