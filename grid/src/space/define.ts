import { type Static, type TObject, type TSchema, Type } from 'typebox'
import type {
  Acknowledgement,
  AnyCache,
  AnyCommand,
  AnyProjection,
  AnyQuery,
  Cache,
  CacheOptions,
  Change,
  Command,
  Projection,
  Query,
  Reader,
  Resolved,
  Space,
  Transaction,
} from './definition.ts'

const namePattern = /^[a-z][A-Za-z0-9]{0,63}$/

function checkName(what: string, name: string): void {
  if (!namePattern.test(name))
    throw new TypeError(`${what} name ${JSON.stringify(name)} must match ${namePattern}`)
}

/** Objects take no fields beyond those they declare, unless their schema says otherwise: a misspelt field is an error, not silence. */
function closed<S extends TSchema>(schema: S): S {
  return closeNode(schema) as S
}

/** `open`: a part of an intersection, which is closed as a whole. */
function closeNode(node: unknown, open = false): unknown {
  if (Array.isArray(node)) return node.map((item) => closeNode(item, open))
  if (typeof node !== 'object' || node === null) return node
  const copy: Record<string, unknown> = {}
  for (const [name, child] of Object.entries(node)) {
    const parts = Array.isArray(child) && (name === 'anyOf' || name === 'oneOf')
    copy[name] = closeNode(child, (Array.isArray(child) && name === 'allOf') || (open && parts))
  }
  if (open) return copy
  if (Array.isArray(copy.allOf)) copy.unevaluatedProperties ??= false
  else if (copy.type === 'object' && copy.properties) copy.additionalProperties ??= false
  return copy
}

/**
 * Declares a cache.
 * @throws TypeError when the name, the key, an index, the expiry or what is readable does not fit the schema.
 */
export function defineCache<
  S extends TObject,
  const Indexes extends Record<string, readonly (keyof Static<S> & string)[]> = Record<
    never,
    never
  >,
>(name: string, options: CacheOptions<S, Indexes>): Cache<Static<S>, keyof Indexes & string> {
  checkName('cache', name)
  const fields = options.schema.properties
  const indexes: Record<string, readonly string[]> = { ...options.indexes }
  for (const [index, names] of Object.entries(indexes)) {
    checkName(`cache ${name}: index`, index)
    if (names.length === 0) throw new TypeError(`cache ${name}: index ${index} has no field`)
    for (const field of names)
      if (!Object.hasOwn(fields, field))
        throw new TypeError(`cache ${name}: index ${index} names the unknown field ${field}`)
  }
  for (const field of [options.key, options.expiry])
    if (field !== undefined && !Object.hasOwn(fields, field))
      throw new TypeError(`cache ${name}: the schema has no field ${field}`)
  const { readable } = options
  if (typeof readable === 'object') {
    if (readable.length === 0) throw new TypeError(`cache ${name}: readable names no field`)
    for (const field of readable)
      if (!Object.hasOwn(fields, field))
        throw new TypeError(`cache ${name}: readable names the unknown field ${field}`)
  }
  return {
    name,
    schema: closed(options.schema),
    key: options.key,
    indexes: indexes as Record<keyof Indexes & string, readonly string[]>,
    expiry: options.expiry,
    onExpire: options.onExpire,
    readable,
  }
}

export interface CommandOptions<I extends TObject, Data> {
  readonly input: I
  readonly description?: string
  /** Schema of the result: for the documentation and for fast serialization. */
  readonly result?: TSchema
  /** Default acknowledgement level, `committed` when not given. */
  readonly acknowledge?: Acknowledgement
  readonly handler: (tx: Transaction, input: Static<I>) => Data
  readonly answer?: (data: Resolved<Data>) => unknown
}

export function defineCommand<I extends TObject, Data>(
  name: string,
  options: CommandOptions<I, Data>,
): Command<Static<I>, Data> {
  checkName('command', name)
  return {
    name,
    description: options.description,
    input: closed(options.input),
    result: options.result,
    acknowledge: options.acknowledge ?? 'committed',
    handler: options.handler,
    answer: options.answer,
  }
}

export interface QueryOptions<I extends TObject, Result> {
  readonly input: I
  readonly description?: string
  readonly result?: TSchema
  readonly handler: (read: Reader, input: Static<I>) => Result
}

export function defineQuery<I extends TObject, Result>(
  name: string,
  options: QueryOptions<I, Result>,
): Query<Static<I>, Result> {
  checkName('query', name)
  return {
    name,
    description: options.description,
    input: closed(options.input),
    result: options.result,
    handler: options.handler,
  }
}

export interface ProjectionOptions<Model, V> {
  readonly cache: Cache<V>
  readonly initial: () => Model
  readonly apply: (model: Model, change: Change<V>) => void
}

export function defineProjection<Model, V>(
  name: string,
  options: ProjectionOptions<Model, V>,
): Projection<Model, V> {
  checkName('projection', name)
  return { name, ...options }
}

/** Collections of these names hold the grid's own records beside the spaces' caches. */
const reservedSpaces = new Set(['grid', 'system'])

export interface SpaceOptions {
  readonly description?: string
  readonly caches: readonly AnyCache[]
  readonly commands?: readonly AnyCommand[]
  readonly queries?: readonly AnyQuery[]
  readonly projections?: readonly AnyProjection[]
}

/**
 * Declares a space.
 * @throws TypeError when a name is taken twice, or a projection follows a cache that is not of this space.
 */
export function defineSpace(name: string, options: SpaceOptions): Space {
  checkName('space', name)
  if (reservedSpaces.has(name)) throw new TypeError(`space name ${name} is reserved`)
  byName('cache', options.caches)
  byName('projection', options.projections ?? [])
  for (const projection of options.projections ?? [])
    if (!options.caches.includes(projection.cache))
      throw new TypeError(`projection ${projection.name} follows a cache outside space ${name}`)
  return {
    name,
    description: options.description,
    caches: options.caches,
    commands: byName('command', options.commands ?? []),
    queries: byName('query', options.queries ?? []),
    projections: options.projections ?? [],
  }
}

function byName<T extends { readonly name: string }>(
  what: string,
  items: readonly T[],
): Map<string, T> {
  const map = new Map<string, T>()
  for (const item of items) {
    if (map.has(item.name)) throw new TypeError(`${what} ${item.name} is declared twice`)
    map.set(item.name, item)
  }
  return map
}

export type { Static }
/** Re-exported so that an application needs one import to declare its data. */
export { Type }
