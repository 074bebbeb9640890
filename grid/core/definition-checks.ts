import type { TObject, TSchema } from 'typebox'
import { closedSchema } from './closed-schema.ts'
import { checkSchema, compileSchema } from './schema-check.ts'
import type { AnyCache } from './transaction.ts'

const namePattern = /^[a-z][A-Za-z0-9]{0,63}$/

export function checkName(what: string, name: unknown): void {
  if (typeof name !== 'string' || !namePattern.test(name))
    throw new TypeError(`${what} name ${JSON.stringify(name)} must match ${namePattern}`)
}

/** Texts, each once. */
export function checkedReasons(what: string, reasons: unknown): readonly string[] | undefined {
  if (reasons === undefined) return undefined
  const isText = (it: unknown) => typeof it === 'string' && it !== '' && it.isWellFormed()
  if (!Array.isArray(reasons) || !reasons.every(isText))
    throw new TypeError(`${what}: rejections must be a list of reasons: texts`)
  if (new Set(reasons).size < reasons.length)
    throw new TypeError(`${what}: rejections names a reason twice`)
  return Object.freeze([...reasons])
}

/** Closed, and good for everybody who will work with it. */
export function takenSchema<S extends TSchema>(what: string, schema: S): S {
  checkSchema(what, schema)
  const copy = closedSchema(schema)
  compileSchema(what, copy)
  return copy
}

export function takenObject<S extends TObject>(what: string, schema: S): S {
  const copy = takenSchema(what, schema)
  if (copy.type !== 'object' || typeof copy.properties !== 'object' || copy.properties === null)
    throw new TypeError(`${what} must be an object with its fields: Type.Object({…})`)
  return copy
}

/** Generators do nothing when they are called: nobody would notice. */
export function checkFunction(what: string, it: unknown): void {
  if (typeof it !== 'function') throw new TypeError(`${what} must be a function`)
  if (kindOf(it).endsWith('GeneratorFunction]'))
    throw new TypeError(`${what} must not be a generator`)
}

/**
 * Known by its kind before it ever runs. What returns a promise without being `async` is told when
 * it does, and so is a query or an `answer` that nobody waits for: they may.
 */
export function checkSynchronous(what: string, it: unknown): void {
  checkFunction(what, it)
  if (kindOf(it) === '[object AsyncFunction]')
    throw new TypeError(
      `${what} must not be async: it runs in one go; wait for things before the call, or after it`,
    )
}

const kindOf = (it: unknown): string => Object.prototype.toString.call(it)

export function checkDescription(what: string, description: unknown): void {
  if (description !== undefined && typeof description !== 'string')
    throw new TypeError(`${what}: the description must be a text`)
}

export function checkedCaches<Caches extends readonly AnyCache[]>(
  what: string,
  caches: Caches | undefined,
): Caches | undefined {
  if (caches !== undefined && !(Array.isArray(caches) && caches.every(isCache)))
    throw new TypeError(`${what}: caches must be a list of caches`)
  return caches
}

const isCache = (it: unknown): boolean =>
  typeof it === 'object' && it !== null && 'schema' in it && 'indexes' in it
