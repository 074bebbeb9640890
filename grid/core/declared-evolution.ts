import type { TObject, TSchema } from 'typebox'
import { takeData } from './data.ts'
import type { Value } from './data-types.ts'
import type { Evolution } from './transaction.ts'
import { fitProblem } from './validation.ts'

/** What `defineCache` is told of a cache's past. */
export interface EvolutionOptions {
  readonly renamed?: Readonly<Record<string, string | undefined>> | undefined
  readonly defaults?: Readonly<Record<string, unknown>> | undefined
  readonly upcast?: ((stored: Value) => unknown) | undefined
}

/** Fields that melding looks at where they are stored. */
export interface MeldedFields {
  readonly key: string
  readonly expiry: string | undefined
  readonly indexes: Readonly<Record<string, readonly string[]>>
}

/**
 * Takes what a cache says of its past; undefined when it says nothing.
 * @throws TypeError that names what is wrong
 */
export function takeEvolution(
  what: string,
  schema: TObject,
  melded: MeldedFields,
  { renamed, defaults, upcast }: EvolutionOptions,
): Evolution | undefined {
  if (renamed === undefined && defaults === undefined && upcast === undefined) return undefined
  const names = takeNames(what, schema, renamed ?? {})
  return {
    stored: storedNames(names),
    renamed: names,
    defaults: takeDefaults(what, schema, melded, defaults ?? {}),
    upcast,
  }
}

/** Former name → present name. */
function takeNames(
  what: string,
  { properties }: TObject,
  renamed: NonNullable<EvolutionOptions['renamed']>,
): ReadonlyMap<string, string> {
  for (const [former, present] of Object.entries(renamed)) {
    if (Object.hasOwn(properties, former))
      throw new TypeError(`${what}: renamed names ${former}, which the schema still declares`)
    if (present === undefined || !Object.hasOwn(properties, present))
      throw new TypeError(`${what}: renamed names the unknown field ${present}`)
  }
  return new Map(Object.entries(renamed) as [string, string][])
}

/**
 * Present name → the first of its former ones: that under which the field has been stored ever
 * since.
 */
function storedNames(names: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
  const stored = new Map<string, string>()
  for (const [former, present] of names) if (!stored.has(present)) stored.set(present, former)
  return stored
}

function takeDefaults(
  what: string,
  { properties }: TObject,
  { key, expiry, indexes }: MeldedFields,
  defaults: Readonly<Record<string, unknown>>,
): Value {
  for (const [field, value] of Object.entries(defaults)) {
    const schema = Object.hasOwn(properties, field) ? (properties[field] as TSchema) : undefined
    if (!schema) throw new TypeError(`${what}: defaults name the unknown field ${field}`)
    if (field === key || field === expiry)
      throw new TypeError(
        `${what}: ${field} can have no default: it is looked at where it is stored`,
      )
    const [index] = Object.entries(indexes).find(([, fields]) => fields.includes(field)) ?? []
    if (index !== undefined)
      throw new TypeError(
        `${what}: ${field} can have no default: entries without it would not be in index ${index}. ` +
          `Declare it optional, let a command write it into every entry, and index it then`,
      )
    const problem = fitProblem(schema, value)
    if (problem)
      throw new TypeError(`${what}: the default of ${field} does not fit: ${problem.message}`)
  }
  return takeData(defaults)
}
