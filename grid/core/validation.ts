import type { TSchema } from 'typebox'
import { Compile } from 'typebox/compile'
import { openSchema } from './closed-schema.ts'
import { DataFault, DataTooLarge, dataSizeMax, takeData } from './data.ts'
import { GridError } from './errors.ts'
import { freezeDeeply, frozenBytes } from './freeze.ts'
import { keyBytesMax } from './limits.ts'

/** What is wrong with one place of an input. */
export interface FieldError {
  /** Dotted path; '' is the whole. */
  readonly path: string
  readonly message: string
}

interface Validator {
  Check(value: unknown): boolean
  Errors(value: unknown): readonly ValidationError[]
}

interface ValidationError {
  readonly keyword: string
  readonly schemaPath: string
  readonly instancePath: string
  readonly params: Readonly<Record<string, unknown>>
  readonly message: string
}

const errorsMax = 10
const validators = new WeakMap<TSchema, Validator>()

function validatorOf(schema: TSchema): Validator {
  let validator = validators.get(schema)
  if (!validator) {
    validator = Compile(schema) as unknown as Validator
    validators.set(schema, validator)
  }
  return validator
}

/**
 * Compiles the schema's validator, so that what cannot be compiled comes out now.
 * @throws Error that says why it cannot
 */
export function prepareSchema(schema: TSchema): void {
  validatorOf(schema)
}

/**
 * Checks a value against a schema.
 * @throws GridError `invalid_input` with `details.errors`: FieldError[], at most 10
 */
export function checkFits(schema: TSchema, value: unknown, what: string): void {
  const validator = validatorOf(schema)
  if (validator.Check(value)) return
  throw unfit(what, errorsOf(validator, value))
}

function unfit(what: string, errors: readonly FieldError[]): GridError {
  const [first] = errors
  const why = first ? describe(first) : 'does not fit its schema'
  return new GridError('invalid_input', `${what}: ${why}`, { details: { errors } })
}

/** One field of an input ('': the whole), or parameter of a request, is wrong: `invalid_input`. */
export const invalidField = (path: string, message: string): GridError =>
  new GridError('invalid_input', path === '' ? message : `${path} ${message}`, {
    details: { errors: [{ path, message }] },
  })

/**
 * A copy of data as it is kept.
 * @throws GridError `invalid_input` with `details.errors`, a FieldError; `transaction_too_large`
 * for texts beyond `charactersMax`
 */
export function taken<T>(value: T, what: string, charactersMax?: number): T {
  try {
    return takeData(value, charactersMax)
  } catch (error) {
    refuseTooLarge(error, what)
    if (!(error instanceof DataFault)) throw error
    const { path, problem } = error
    throw new GridError('invalid_input', `${what}: ${error.message}`, {
      details: { errors: [{ path, message: problem }] },
    })
  }
}

/**
 * Freezes an input in place: its handler may run several times, and no run may find what another
 * one has made of it. Returns the bytes of its content.
 * @throws GridError `invalid_input` when it is nested too deeply, has more than a million objects
 * and lists, or goes round in a circle
 */
export function freezeInput(input: unknown, what: string): number {
  try {
    freezeDeeply(input, dataSizeMax)
    return frozenBytes()
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    throw new GridError('invalid_input', `${what}: ${error.message}`, {
      details: { errors: [{ path: '', message: error.message }] },
    })
  }
}

/**
 * Passes over everything but a DataTooLarge.
 * @throws GridError `transaction_too_large`
 */
export function refuseTooLarge(error: unknown, what: string): void {
  if (error instanceof DataTooLarge)
    throw new GridError('transaction_too_large', `${what}: ${error.message}`)
}

const errorsOf = (validator: Validator, value: unknown): readonly FieldError[] =>
  joinAlternatives(validator.Errors(value)).flatMap(fieldErrors).slice(0, errorsMax)

/** What keeps a value from fitting a schema: the first thing; undefined when nothing does. */
export function fitProblem(schema: TSchema, value: unknown): FieldError | undefined {
  const validator = validatorOf(schema)
  if (validator.Check(value)) return undefined
  return errorsOf(validator, value)[0] ?? { path: '', message: 'does not fit its schema' }
}

const openSchemas = new WeakMap<TSchema, TSchema>()

function opened(schema: TSchema): TSchema {
  let open = openSchemas.get(schema)
  if (!open) {
    open = openSchema(schema)
    openSchemas.set(schema, open)
  }
  return open
}

/** Whether a stored value is what the schema says, fields aside that it does not know. */
export const isReadable = (schema: TSchema, value: unknown): boolean =>
  validatorOf(schema).Check(value) || validatorOf(opened(schema)).Check(value)

/**
 * What keeps a stored value from being what the schema says, unknown fields aside: the first thing;
 * undefined when nothing does.
 */
export const readProblem = (schema: TSchema, value: unknown): FieldError | undefined =>
  validatorOf(schema).Check(value) ? undefined : fitProblem(opened(schema), value)

/**
 * Checks a value that may hold what is not for this check to judge.
 * @param isCarried whether a field at the top level stands there as it is
 * @throws GridError `invalid_input` with `details.errors`: FieldError[], at most 10
 */
export function checkFitsBut(
  schema: TSchema,
  value: unknown,
  what: string,
  isCarried: (field: string) => boolean,
): void {
  const errors = errorsOf(validatorOf(schema), value)
  const own = errors.filter(({ path }) => path === '' || !isCarried(path.split('.')[0] as string))
  if (own.length > 0 || errors.length === 0) throw unfit(what, own)
}

export const fits = (schema: TSchema, value: unknown): boolean => validatorOf(schema).Check(value)

const describe = ({ path, message }: FieldError): string =>
  path === '' ? message : `${path} ${message}`

/**
 * A value that fits none of several alternatives is one error that names them all, not one for
 * each.
 */
function joinAlternatives(errors: readonly ValidationError[]): readonly ValidationError[] {
  let joined = errors
  for (const union of errors.filter(({ keyword }) => keyword === 'anyOf')) {
    const isBranch = (error: ValidationError) =>
      error.schemaPath.startsWith(`${union.schemaPath}/anyOf/`) &&
      error.instancePath.startsWith(union.instancePath)
    const messages = joined.filter(isBranch).flatMap(fieldErrors)
    const message = [...new Set(messages.map((branch) => branch.message))].join(' or ')
    joined = joined
      .filter((error) => !isBranch(error))
      .map((error) => (error === union && message !== '' ? { ...union, message } : error))
  }
  return joined
}

function fieldErrors(error: ValidationError): FieldError[] {
  const path = error.instancePath
    .slice(1)
    .replaceAll('/', '.')
    .replaceAll('~1', '/')
    .replaceAll('~0', '~')
  const under = (field: unknown) => (path === '' ? String(field) : `${path}.${field}`)
  const { requiredProperties, allowedValue } = error.params
  const unknownFields = error.params.additionalProperties ?? error.params.unevaluatedProperties
  // A forbidden extra field is reported twice by the validator: keep the one that names it.
  if (error.keyword === 'boolean') return []
  if (Array.isArray(requiredProperties))
    return requiredProperties.map((field) => ({ path: under(field), message: 'is required' }))
  if (Array.isArray(unknownFields))
    return unknownFields.map((field) => ({ path: under(field), message: 'is not a known field' }))
  if (error.keyword === 'const')
    return [{ path, message: `must be ${JSON.stringify(allowedValue)}` }]
  return [{ path, message: error.message }]
}

const encoder = new TextEncoder()

/**
 * Checks a primary key: a string of 1 to 1,024 bytes of well-formed Unicode without U+0000.
 * @throws GridError `invalid_key`
 */
export function checkKey(key: unknown, what: string): asserts key is string {
  const problem = keyProblem(key)
  if (problem) throw new GridError('invalid_key', `${what}: ${problem}`)
}

/** Whether an entry can have the key at all. */
export const isKey = (key: unknown): key is string => keyProblem(key) === undefined

function keyProblem(key: unknown): string | undefined {
  if (typeof key !== 'string') return 'a key must be a string'
  if (key.length === 0) return 'a key must not be empty'
  if (
    key.length > keyBytesMax ||
    (key.length * 3 > keyBytesMax && encoder.encode(key).length > keyBytesMax)
  )
    return `a key must not be longer than ${keyBytesMax} bytes`
  if (key.includes('\0')) return 'a key must not contain U+0000'
  if (!key.isWellFormed()) return 'a key must be well-formed Unicode (it has a lone surrogate)'
  return undefined
}
