import type { TObject } from 'typebox'
import { checkedAccess } from './access.ts'
import { rememberDeclaration } from './application-fault.ts'
import type { IndexFields, Static } from './data-types.ts'
import { type ArchiveOptions, takeArchive } from './declared-archive.ts'
import { type EvolutionOptions, takeEvolution } from './declared-evolution.ts'
import { takePartitionBy } from './declared-partitions.ts'
import { checkName, checkSynchronous, takenObject } from './definition-checks.ts'
import type { MarkOf } from './definition-mistakes.ts'
import { typesOf } from './schema-check.ts'
import type { Cache, CacheOptions, PartitionKey } from './transaction.ts'

/**
 * Declares a cache.
 * @throws TypeError when the name, the key, an index, the expiry, the archive, what is readable or
 * what is said of the past does not fit the schema, or the schema cannot be kept.
 */
export function defineCache<
  const Name extends string,
  S extends TObject,
  const Indexes extends FieldsOf<S> = Record<never, never>,
  V = Static<S>,
  Given extends keyof CacheOptions<S> = never,
>(
  name: Name,
  options: CacheOptions<S, Indexes, V> & { readonly [Option in Given]?: unknown },
): Cache<V, Indexes, Name, 'declared' | MarkOf[Given & keyof MarkOf]> {
  checkName('cache', name)
  const { key, expiry } = options as Fields
  const schema = takenObject(`cache ${name}: the schema`, options.schema)
  const fields = schema.properties
  const indexes: Record<string, readonly string[]> = { ...options.indexes }
  for (const [index, names] of Object.entries(indexes)) {
    checkName(`cache ${name}: index`, index)
    if (names.length === 0) throw new TypeError(`cache ${name}: index ${index} has no field`)
    for (const field of names)
      if (!Object.hasOwn(fields, field))
        throw new TypeError(`cache ${name}: index ${index} names the unknown field ${field}`)
      else if (!canBe(fields[field], 'string', 'number', 'integer', 'boolean'))
        throw new TypeError(
          `cache ${name}: index ${index} names ${field}, which is never a text, number or boolean`,
        )
  }
  for (const field of [key, expiry])
    if (field !== undefined && !Object.hasOwn(fields, field))
      throw new TypeError(`cache ${name}: the schema has no field ${field}`)
  const { readable } = options
  if (typeof readable === 'object') {
    if (readable.length === 0) throw new TypeError(`cache ${name}: readable names no field`)
    for (const field of readable)
      if (!Object.hasOwn(fields, field))
        throw new TypeError(`cache ${name}: readable names the unknown field ${field}`)
  }
  if (!schema.required?.includes(key) || !isOnly(fields[key], 'string'))
    throw new TypeError(`cache ${name}: the key ${key} must be a required text`)
  if (expiry !== undefined && !isOnly(fields[expiry], 'number', 'integer', 'null'))
    throw new TypeError(`cache ${name}: the expiry ${expiry} must be a number`)
  if (options.onExpire !== undefined) checkSynchronous(`cache ${name}: onExpire`, options.onExpire)
  if (options.visible !== undefined) checkSynchronous(`cache ${name}: visible`, options.visible)
  if (options.upcast !== undefined) checkSynchronous(`cache ${name}: upcast`, options.upcast)
  return rememberDeclaration({
    name,
    schema,
    key,
    indexes: indexes as IndexFields as Indexes,
    expiry,
    onExpire: options.onExpire,
    archive: takeArchive(
      `cache ${name}`,
      schema,
      expiry,
      options.archive as ArchiveOptions | undefined,
    ),
    readable,
    access: checkedAccess(`cache ${name}`, options.access),
    visible: options.visible,
    evolution: takeEvolution(
      `cache ${name}`,
      schema,
      { key, expiry, indexes },
      options as EvolutionOptions,
    ),
    partitionBy: takePartitionBy(`cache ${name}`, schema, options.partitionBy as PartitionKey),
  })
}

type FieldsOf<S extends TObject> = Readonly<
  Record<string, readonly (keyof S['properties'] & string)[]>
>

/**
 * The fields as they are named: the types of the options hold the mistakes too, and those have no
 * values.
 */
interface Fields {
  readonly key: string
  readonly expiry?: string
}

const isOnly = (schema: unknown, ...types: readonly string[]): boolean =>
  [...(typesOf(schema) ?? ['anything'])].every((type) => types.includes(type))

const canBe = (schema: unknown, ...types: readonly string[]): boolean =>
  [...(typesOf(schema) ?? types)].some((type) => types.includes(type))
