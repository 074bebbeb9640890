import type { FieldError } from '../../core/validation.ts'

/**
 * What `JSON.parse` loses without a word: all but the last of several members of one name, and
 * digits that a double does not hold. Both are seen in the text only, which every command has; so
 * what cannot have them is told from its length, or else from a glance.
 */

/**
 * Length of the shortest text that stands for a number; NaN when there are several, or some that a
 * double does not hold.
 */
export function numberLength(value: number): number {
  const size = value < 0 ? -value : value
  const sign = value < 0 ? 1 : 0
  if (Number.isInteger(value)) {
    if (size < 10) return 1 + sign
    if (size < 100) return 2 + sign
    if (size < 1000) return 3 + sign
    // 5000 is 5e3 as well; of more than 15 digits the last may be lost.
    if (size % 1000 === 0 || size >= 1e15) return Number.NaN
    return String(size).length + sign
  }
  const { length } = String(size)
  return size >= 0.01 && length <= 16 ? length + sign : Number.NaN
}

/**
 * Whether something may be lost of this text, which was parsed to this value. A glance:
 * `readExactly` knows.
 *
 * A name with a backslash is looked at as well: V8 13.6 takes a name written with an escape
 * sequence for one that it has met before at this place, when that one is how the former begins as
 * it is written (`"\\u0061"` behind an object with the name `\`).
 */
export function mayLose(text: string, value: unknown): boolean {
  if (manyDigits.test(text)) return true
  const members = countMembers(value)
  return countColons(text) !== members && countColonsBesideStrings(text) !== members
}

/**
 * A double holds 15 digits, whatever they are, unless a negative exponent makes the number too
 * small.
 */
const manyDigits = /[\d.]{16}|\d[eE]-/

/** NaN when there is a name with a backslash. */
function countMembers(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0
  let count = 0
  if (Array.isArray(value)) {
    for (const item of value) count += countMembers(item)
    return count
  }
  for (const name in value) {
    const inside = countMembers((value as Record<string, unknown>)[name])
    count += name.includes('\\') ? Number.NaN : 1 + inside
  }
  return count
}

function countColons(text: string): number {
  let count = 0
  for (let at = text.indexOf(':'); at !== -1; at = text.indexOf(':', at + 1)) count++
  return count
}

function countColonsBesideStrings(text: string): number {
  let count = 0
  let inString = false
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === quote) inString = !inString
    else if (inString) {
      if (code === backslash) at++
    } else if (code === colon) count++
  }
  return count
}

const quote = 0x22
const colon = 0x3a
const backslash = 0x5c

/**
 * Whether a number comes back from a double as it was written: the shortest decimal text that
 * stands for the double has the same value. Zeros at either end and the form of the exponent do not
 * matter.
 */
export function isExact(number: string): boolean {
  const value = Number(number)
  return Number.isFinite(value) && sameDecimal(number, String(value))
}

const plainNumber = /^-?(\d+)(?:\.(\d*))?(?:[eE]([+-]?\d+))?$/

function sameDecimal(one: string, other: string): boolean {
  const [digits, exponent] = decimalOf(one)
  const [otherDigits, otherExponent] = decimalOf(other)
  return digits === otherDigits && (digits === '' || exponent === otherExponent)
}

/** Its digits from the first to the last that is not zero, and the power of ten of the last. */
function decimalOf(number: string): [digits: string, exponent: number] {
  const [, whole = '', fraction = '', exponent = '0'] = plainNumber.exec(number) ?? []
  const digits = (whole + fraction).replace(/^0+/, '')
  let end = digits.length
  while (end > 0 && digits.charCodeAt(end - 1) === 0x30) end--
  return [digits.slice(0, end), Number(exponent) - fraction.length + (digits.length - end)]
}

/**
 * Reads a valid JSON text without losing anything of it. Slow: for texts of which a loss is known
 * or likely. It recurses: the text's nesting must be bounded.
 * @param refuse makes the error of the first place at which something would be lost
 */
export function readExactly(text: string, refuse: (problem: FieldError) => Error): unknown {
  return new Reader(text, refuse).value([])
}

const token = /[ \t\n\r]*([[\]{},:]|"[^"\\]*(?:\\.[^"\\]*)*"|[^\s,\]}]+)/y

class Reader {
  readonly #text: string
  readonly #refuse: (problem: FieldError) => Error
  #position = 0

  constructor(text: string, refuse: (problem: FieldError) => Error) {
    this.#text = text
    this.#refuse = refuse
  }

  value(path: readonly string[]): unknown {
    const first = this.#next()
    if (first === '{') return this.#members(path)
    if (first === '[') return this.#items(path)
    if (/^[-\d]/.test(first) && !isExact(first))
      throw this.#refuse({ path: pathOf(path), message: inexact(first) })
    return JSON.parse(first)
  }

  #members(path: readonly string[]): unknown {
    const members = new Map<string, unknown>()
    for (let text = this.#next(); text !== '}'; text = this.#next()) {
      if (text === ',') continue
      const name = JSON.parse(text) as string
      const inside = [...path, name]
      if (members.has(name))
        throw this.#refuse({ path: pathOf(inside), message: 'is given more than once' })
      // The colon.
      this.#next()
      members.set(name, this.value(inside))
    }
    return Object.fromEntries(members)
  }

  #items(path: readonly string[]): unknown {
    const items: unknown[] = []
    for (;;) {
      const before = this.#position
      if (this.#next() === ']') return items
      // Neither an end nor a comma: the first item.
      if (items.length === 0) this.#position = before
      items.push(this.value([...path, String(items.length)]))
    }
  }

  #next(): string {
    token.lastIndex = this.#position
    const found = token.exec(this.#text)?.[1] ?? ''
    this.#position = token.lastIndex
    return found
  }
}

const pathOf = (path: readonly string[]): string => path.join('.').toWellFormed()

const digitsShown = 40

export const inexact = (number: string): string => {
  const shown = number.length > digitsShown ? `${number.slice(0, digitsShown)}…` : number
  return `must be a number that a double holds (${shown} would become ${Number(number)})`
}
