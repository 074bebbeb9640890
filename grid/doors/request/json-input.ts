import { GridError } from '../../core/errors.ts'
import { type FieldError, invalidField } from '../../core/validation.ts'
import { mayLose, numberLength, readExactly } from './json-exactness.ts'
import { findSyntaxFault } from './json-syntax.ts'

/**
 * Deepest nesting of an input. Real inputs have a handful of levels; the limit keeps everything
 * behind the door (validation, freezing, encoding) free to recurse.
 */
export const jsonDepthMax = 64

/**
 * Parses what a caller sent, refusing whatever `JSON.parse` would change or let through that the
 * grid cannot keep: numbers beyond 2^53 and digits that a double does not hold (silently rounded),
 * all but the last of several members of one name (silently dropped), lone surrogates (lost in
 * UTF-8), member names that reach an object's prototype or hold U+0000 (MongoDB refuses them),
 * nesting beyond `jsonDepthMax`, bytes that are not UTF-8. Whether the input fits its schema is not
 * asked here.
 *
 * @throws GridError `invalid_json` (details: line, column, position), `invalid_input`
 * (details.errors: FieldError[])
 */
export function parseJsonInput(bytes: Uint8Array): unknown {
  if (bytes.length === 0)
    throw new GridError('invalid_json', 'The body is empty, expected a JSON object')
  let text: string
  try {
    text = decoder.decode(bytes)
  } catch (cause) {
    throw notUtf8(bytes, cause)
  }
  return parseJsonText(text)
}

// Fatal: bytes that are not UTF-8 would become U+FFFD. A byte order mark stays: JSON has none.
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** The same for a text: see `parseJsonInput`. */
export function parseJsonText(text: string): unknown {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw syntaxError(text, cause)
  }
  // Valid UTF-8 has neither lone surrogates nor, in valid JSON, U+0000: both need an escape
  // sequence to get in.
  const escapes = text.includes('\\')
  const length = writtenLength(value, escapes, jsonDepthMax)
  if (length < 0) throw refusal(firstProblem(value, [], jsonDepthMax))
  // As short as it can be: there is no room in it for anything that the value does not have.
  if (length === text.length) return value
  if (!mayLose(text, value)) return value
  const exact = readExactly(text, refusal)
  if (writtenLength(exact, escapes, jsonDepthMax) < 0)
    throw refusal(firstProblem(exact, [], jsonDepthMax))
  return exact
}

/**
 * How long the shortest JSON text of a value is; NaN when it is not obvious; -1 when the grid does
 * not keep the value exactly. On every command's path: finds no names for what is wrong,
 * `firstProblem` does.
 */
function writtenLength(value: unknown, escapes: boolean, depth: number): number {
  if (typeof value === 'string')
    return escapes ? (value.isWellFormed() ? Number.NaN : -1) : value.length + 2
  if (typeof value === 'number')
    return Math.abs(value) <= Number.MAX_SAFE_INTEGER ? numberLength(value) : -1
  if (typeof value !== 'object' || value === null) return value === false ? 5 : 4
  if (depth === 0) return -1
  // Brackets, and a comma between items.
  let length = 1
  if (Array.isArray(value)) {
    for (const item of value) {
      const inside = writtenLength(item, escapes, depth - 1)
      if (inside < 0) return -1
      length += inside + 1
    }
    return value.length === 0 ? 2 : length
  }
  const members = value as Record<string, unknown>
  for (const name in members) {
    if (isReserved(name) || (escapes && nameProblem(name) !== undefined)) return -1
    const inside = writtenLength(members[name], escapes, depth - 1)
    if (inside < 0) return -1
    length += name.length + inside + 4
  }
  return length === 1 ? 2 : length
}

const isReserved = (name: string): boolean =>
  name === '__proto__' || name === 'constructor' || name === 'prototype'

function nameProblem(name: string): string | undefined {
  if (isReserved(name)) return 'is a reserved name'
  if (!name.isWellFormed()) return 'has a lone surrogate in its name'
  if (name.includes('\0')) return 'has U+0000 in its name'
  return undefined
}

function refusal(problem: FieldError | undefined): GridError {
  const { path, message } = problem ?? { path: '', message: 'cannot be kept' }
  return invalidField(path, message)
}

/** Says which place of a value that is not kept is the first, and why. */
function firstProblem(
  value: unknown,
  path: readonly string[],
  depth: number,
): FieldError | undefined {
  const here = (message: string): FieldError => ({ path: path.join('.').toWellFormed(), message })
  if (typeof value === 'string')
    return value.isWellFormed()
      ? undefined
      : here('must be well-formed Unicode (it has a lone surrogate)')
  if (typeof value === 'number')
    return Math.abs(value) <= Number.MAX_SAFE_INTEGER ? undefined : here(numberRange)
  if (typeof value !== 'object' || value === null) return undefined
  if (depth === 0) return here(`is nested more than ${jsonDepthMax} levels deep`)
  for (const [name, child] of Object.entries(value)) {
    const inside = [...path, name]
    const problem = Array.isArray(value) ? undefined : nameProblem(name)
    if (problem !== undefined) return { path: inside.join('.').toWellFormed(), message: problem }
    const found = firstProblem(child, inside, depth - 1)
    if (found) return found
  }
  return undefined
}

export const numberRange = `must lie between -${Number.MAX_SAFE_INTEGER} and ${Number.MAX_SAFE_INTEGER} (beyond, numbers lose digits)`

function syntaxError(text: string, cause: unknown): GridError {
  const fault = findSyntaxFault(text)
  if (!fault) return new GridError('invalid_json', 'The body is not valid JSON', { cause })
  const { line, column, position, problem } = fault
  return new GridError('invalid_json', `Line ${line}, column ${column}: ${problem}`, {
    cause,
    details: { line, column, position },
  })
}

function notUtf8(bytes: Uint8Array, cause: unknown): GridError {
  // Decoding replaces the first bad sequence, so the two differ from exactly there on.
  const decoded = Buffer.from(Buffer.from(bytes).toString())
  const position = bytes.findIndex((byte, index) => byte !== decoded[index])
  return new GridError('invalid_json', `Byte ${position}: not valid UTF-8`, {
    cause,
    details: { position },
  })
}
