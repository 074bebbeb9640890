import { type Static, type TObject, type TSchema, Type } from 'typebox'
import { rememberDeclaration } from './application-fault.ts'
import { closedSchema } from './closed-schema.ts'
import { type EvolutionOptions, takeEvolution } from './declared-evolution.ts'
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
import { checkSchema, compileSchema, typesOf } from './schema-check.ts'

const namePattern = /^[a-z][A-Za-z0-9]{0,63}$/

function checkName(what: string, name: unknown): void {
  if (typeof name !== 'string' || !namePattern.test(name))
    throw new TypeError(`${what} name ${JSON.stringify(name)} must match ${namePattern}`)
}

/** Closed, and good for everybody who will work with it. */
function taken<S extends TSchema>(what: string, schema: S): S {
  checkSchema(what, schema)
  const copy = closedSchema(schema)
  compileSchema(what, copy)
  return copy
}

function takenObject<S extends TObject>(what: string, schema: S): S {
  const copy = taken(what, schema)
  if (copy.type !== 'object' || typeof copy.properties !== 'object' || copy.properties === null)
    throw new TypeError(`${what} must be an object with its fields: Type.Object({…})`)
  return copy
}

/** Generators do nothing when they are called: nobody would notice. */
function checkFunction(what: string, it: unknown): void {
  if (typeof it !== 'function') throw new TypeError(`${what} must be a function`)
  if (Object.prototype.toString.call(it).endsWith('GeneratorFunction]'))
    throw new TypeError(`${what} must not be a generator`)
}

function checkDescription(what: string, description: unknown): void {
  if (description !== undefined && typeof description !== 'string')
    throw new TypeError(`${what}: the description must be a text`)
}

/**
 * Declares a cache.
 * @throws TypeError when the name, the key, an index, the expiry, what is readable or what is said of the past does not fit the schema, or the
 * schema cannot be kept.
 */
export function defineCache<
  S extends TObject,
  const Indexes extends Record<string, readonly (keyof Static<S> & string)[]> = Record<
    never,
    never
  >,
>(name: string, options: CacheOptions<S, Indexes>): Cache<Static<S>, keyof Indexes & string> {
  checkName('cache', name)
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
  if (!schema.required?.includes(options.key) || !isOnly(fields[options.key], 'string'))
    throw new TypeError(`cache ${name}: the key ${options.key} must be a required text`)
  if (options.expiry !== undefined && !isOnly(fields[options.expiry], 'number', 'integer', 'null'))
    throw new TypeError(`cache ${name}: the expiry ${options.expiry} must be a number`)
  if (options.onExpire !== undefined) checkFunction(`cache ${name}: onExpire`, options.onExpire)
  if (options.upcast !== undefined) checkFunction(`cache ${name}: upcast`, options.upcast)
  const { key, expiry } = options
  return rememberDeclaration({
    name,
    schema,
    key,
    indexes: indexes as Record<keyof Indexes & string, readonly string[]>,
    expiry,
    onExpire: options.onExpire,
    readable,
    evolution: takeEvolution(
      `cache ${name}`,
      schema,
      { key, expiry, indexes },
      options as EvolutionOptions,
    ),
  })
}

const isOnly = (schema: unknown, ...types: readonly string[]): boolean =>
  [...(typesOf(schema) ?? ['anything'])].every((type) => types.includes(type))

const canBe = (schema: unknown, ...types: readonly string[]): boolean =>
  [...(typesOf(schema) ?? types)].some((type) => types.includes(type))

const acknowledgements: readonly unknown[] = ['accepted', 'committed', 'persisted']

/** Callbacks are synchronous: a handler that returns a promise has no type. */
type Synchronous<Returned> =
  Returned extends PromiseLike<unknown> ? { readonly handler: never } : unknown

export interface CommandOptions<I extends TObject, Data> {
  readonly input: I
  readonly description?: string
  /** Schema of the result, which is checked against it; objects have no other fields than it says. */
  readonly result?: TSchema
  /** Default acknowledgement level, `committed` when not given. */
  readonly acknowledge?: Acknowledgement
  readonly handler: (tx: Transaction, input: Static<I>) => Data
  readonly answer?: (data: Resolved<Data>) => unknown
}

/**
 * Declares a command.
 * @throws TypeError when the name, a schema, a callback or the level cannot be kept
 */
export function defineCommand<I extends TObject, Data>(
  name: string,
  options: CommandOptions<I, Data> & Synchronous<Data>,
): Command<Static<I>, Data> {
  checkName('command', name)
  const { description, result, acknowledge = 'committed', handler, answer } = options
  checkDescription(`command ${name}`, description)
  checkFunction(`command ${name}: handler`, handler)
  if (answer !== undefined) checkFunction(`command ${name}: answer`, answer)
  if (!acknowledgements.includes(acknowledge))
    throw new TypeError(
      `command ${name}: acknowledge must be one of ${acknowledgements.join(', ')}`,
    )
  return rememberDeclaration({
    name,
    description,
    input: takenObject(`command ${name}: the input`, options.input),
    result: result && taken(`command ${name}: the result`, result),
    acknowledge,
    handler,
    answer,
  })
}

export interface QueryOptions<I extends TObject, Result> {
  readonly input: I
  readonly description?: string
  readonly result?: TSchema
  readonly handler: (read: Reader, input: Static<I>) => Result
}

/**
 * Declares a query.
 * @throws TypeError when the name, a schema or the handler cannot be kept
 */
export function defineQuery<I extends TObject, Result>(
  name: string,
  options: QueryOptions<I, Result> & Synchronous<Result>,
): Query<Static<I>, Result> {
  checkName('query', name)
  const { description, result, handler } = options
  checkDescription(`query ${name}`, description)
  checkFunction(`query ${name}: handler`, handler)
  return rememberDeclaration({
    name,
    description,
    input: takenObject(`query ${name}: the input`, options.input),
    result: result && taken(`query ${name}: the result`, result),
    handler,
  })
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
  checkFunction(`projection ${name}: initial`, options.initial)
  checkFunction(`projection ${name}: apply`, options.apply)
  if (typeof options.cache !== 'object' || options.cache === null)
    throw new TypeError(`projection ${name} follows no cache`)
  return rememberDeclaration({ name, ...options })
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
  checkDescription(`space ${name}`, options.description)
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
