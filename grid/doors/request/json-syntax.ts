/**
 * Where a text stops being JSON. Lines and columns count from 1, positions from 0, in UTF-16 code
 * units.
 */
export interface SyntaxFault {
  readonly position: number
  readonly line: number
  readonly column: number
  /** What was met and what should have stood there. */
  readonly problem: string
}

/**
 * Finds the first place at which a text breaks the grammar of RFC 8259; undefined when it does not.
 *
 * `JSON.parse` says where only for some faults and repeats a part of the text for others. This scan
 * runs only after it has failed, so it may be slow; it keeps its own stack, so nesting cannot
 * exhaust ours.
 */
export function findSyntaxFault(text: string): SyntaxFault | undefined {
  const scanner = new Scanner(text)
  const expected = scanner.document()
  return expected === undefined ? undefined : faultAt(text, scanner.position, expected)
}

const scalar = /true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y
const space = /[ \t\n\r]*/y
const plain = /[^"\\\p{Cc}]+|[\x7f-\x9f]+/uy
const escaped = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y
const anyValue = 'a value'

/**
 * Each method moves on and answers undefined, or stays at the fault and answers what it expected
 * there.
 */
class Scanner {
  position = 0
  readonly #text: string
  /** What closes the arrays and objects around the position, outermost first. */
  readonly #open: string[] = []

  constructor(text: string) {
    this.#text = text
  }

  document(): string | undefined {
    for (;;) {
      const expected = this.#valueStart() ?? this.#valueEnd()
      if (expected !== undefined) return expected
      if (this.#open.length === 0) return undefined
    }
  }

  /** A value up to where a value inside it starts, or its end. */
  #valueStart(): string | undefined {
    for (;;) {
      if (this.#take('[')) {
        this.#open.push(']')
        if (this.#isNext(']')) return undefined
      } else if (this.#take('{')) {
        this.#open.push('}')
        if (this.#isNext('}')) return undefined
        const expected = this.#member('a member name in double quotes or "}"')
        if (expected !== undefined) return expected
      } else if (this.#isNext('"')) {
        return this.#string(anyValue)
      } else {
        return this.#match(scalar) ? undefined : anyValue
      }
    }
  }

  /** Behind a value: everything that ends with it, and the comma before the next one. */
  #valueEnd(): string | undefined {
    for (;;) {
      const closing = this.#open.at(-1)
      if (closing === undefined) return this.#isNext(undefined) ? undefined : 'the end'
      if (this.#take(closing)) {
        this.#open.pop()
      } else if (this.#take(',')) {
        return closing === '}' ? this.#member('a member name in double quotes') : undefined
      } else {
        return `"," or "${closing}"`
      }
    }
  }

  #member(expected: string): string | undefined {
    return this.#string(expected) ?? (this.#take(':') ? undefined : '":"')
  }

  #string(expected: string): string | undefined {
    if (!this.#take('"')) return expected
    while (this.#match(plain) || this.#match(escaped));
    if (this.#text[this.position] === '"') {
      this.position++
      return undefined
    }
    return this.#text[this.position] === '\\' ? 'an escape sequence' : 'the string to go on or end'
  }

  #take(character: string): boolean {
    const found = this.#isNext(character)
    if (found) this.position++
    return found
  }

  #isNext(character: string | undefined): boolean {
    this.#match(space)
    return this.#text[this.position] === character
  }

  #match(pattern: RegExp): boolean {
    pattern.lastIndex = this.position
    const found = pattern.test(this.#text)
    if (found) this.position = pattern.lastIndex
    return found
  }
}

function faultAt(text: string, position: number, expected: string): SyntaxFault {
  const before = text.slice(0, position)
  const line = before.split('\n').length
  const column = position - before.lastIndexOf('\n')
  const character = text.codePointAt(position)
  const found = character === undefined ? 'the text ends' : `unexpected ${shown(character)}`
  return { position, line, column, problem: `${found}, expected ${expected}` }
}

/**
 * Printable ASCII as it is, anything else by number: the message must not carry control characters
 * into a log.
 */
function shown(character: number): string {
  if (character > 0x20 && character < 0x7f) return `'${String.fromCodePoint(character)}'`
  return `U+${character.toString(16).toUpperCase().padStart(4, '0')}`
}
