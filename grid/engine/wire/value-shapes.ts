import type { Value } from '../../core/data-types.ts'
import { GridError } from '../../core/errors.ts'
import { freezeDeeply } from '../../core/freeze.ts'
import { knownString } from './known-strings.ts'

/**
 * Shapes known at most, over all messages; values of further ones are put together field by field.
 */
const knownShapesMax = 1024
/** A shape that so many values have had is worth a constructor of its own. */
const compileAfter = 16
/** Values with more fields than this are dictionaries rather than records. */
const compiledFieldsMax = 64

type Construct = (from: readonly unknown[], at: number) => Value
type Append = (to: unknown[], value: Value) => void

/**
 * Values of one message as it is written: the field names of each shape go into `names` once, a
 * value is its shape's number and its fields.
 */
export class ShapeWriter {
  readonly names: (readonly string[])[] = []
  readonly #shapes: ValueShape[] = []
  /** The shape that a cache's latest value had: nearly always that of the next one. */
  readonly #latest: number[] = []
  readonly #numbers = new Map<string, number>()
  #latestName: string | undefined
  #latestNameNumber = 0

  /**
   * Number of a name, which stands among the shapes as one with a single field: whoever knows
   * nothing of names passes over it.
   */
  numberOfName(name: string): number {
    if (name !== this.#latestName) {
      this.#latestNameNumber = this.#numberOf([name])
      this.#latestName = name
    }
    return this.#latestNameNumber
  }

  /**
   * Appends a key and its value. The value has the key among its fields: its place there is enough,
   * and comes back as one string for both.
   */
  writeEntry(to: unknown[], cache: number, key: string, value: Value): void {
    const at = to.push(key) - 1
    this.write(to, cache, value)
    const field = to.indexOf(key, at + 2)
    if (field >= 0) to[at] = field - at - 2
  }

  /** Appends a value. `cache` is a hint only. */
  write(to: unknown[], cache: number, value: Value): void {
    let number = this.#latest[cache] ?? -1
    if (number < 0 || !hasShape(value, this.names[number] as readonly string[])) {
      number = this.#numberOf(Object.keys(value))
      this.#latest[cache] = number
    }
    to.push(number)
    ;(this.#shapes[number] as ValueShape).append(to, value)
  }

  #numberOf(names: readonly string[]): number {
    const id = JSON.stringify(names)
    let number = this.#numbers.get(id)
    if (number === undefined) {
      number = this.names.push(names) - 1
      this.#shapes.push(knownShape(id, names))
      this.#numbers.set(id, number)
    }
    return number
  }
}

function hasShape(value: Value, names: readonly string[]): boolean {
  let count = 0
  for (const name in value) if (names[count++] !== name) return false
  return count === names.length
}

/** A list of field names, and how values with these fields are taken apart and made. */
class ValueShape {
  readonly names: readonly string[]
  #append: Append | undefined
  #construct: Construct | undefined
  #used = 0

  constructor(names: readonly string[]) {
    this.names = names
  }

  /** Appends the fields of a value of this shape. */
  append(to: unknown[], value: Value): void {
    if (this.#append) this.#append(to, value)
    else {
      for (const name of this.names) to.push(value[name])
      this.#use()
    }
  }

  read(from: readonly unknown[], at: number): Value {
    if (this.#construct) return this.#construct(from, at)
    this.#use()
    return Object.freeze(
      Object.fromEntries(this.names.map((name, i) => [name, kept(from[at + i])])),
    )
  }

  #use(): void {
    if (++this.#used !== compileAfter || this.names.length > compiledFieldsMax) return
    this.#append = compileAppend(this.names)
    this.#construct = compileConstruct(this.names)
  }
}

/**
 * Each shape reads fields in a place of its own in the code, which is what lets the engine know
 * where in memory they are.
 */
function compileAppend(names: readonly string[]): Append {
  const fields = names.map((name) => `value[${JSON.stringify(name)}]`)
  return new Function('to', 'value', `to.push(${fields.join(', ')})`) as Append
}

/**
 * An object literal makes all its fields at once and gives every value of a shape the same layout
 * in memory.
 */
function compileConstruct(names: readonly string[]): Construct {
  const fields = names.map((name, i) => `${literalName(name)}: kept(from[at + ${i}])`)
  const source = `return (from, at) => freeze({ ${fields.join(', ')} })`
  return new Function('kept', 'freeze', source)(kept, Object.freeze) as Construct
}

/**
 * Written out, `__proto__` would not name a field; a computed name costs every value a slow step
 * for each field.
 */
const literalName = (name: string): string =>
  name === '__proto__' ? `[${JSON.stringify(name)}]` : JSON.stringify(name)

/** A field as it is kept: one string for equal short ones, and nothing in it can be changed. */
const kept = (field: unknown): unknown =>
  typeof field === 'string' ? knownString(field) : freezeDeeply(field)

const knownShapes = new Map<string, ValueShape>()

/** Values of one message as it is read. */
export class ShapeReader {
  readonly #shapes: readonly ValueShape[]

  /** @throws GridError `format_unsupported` when these are no lists of names */
  constructor(names: unknown) {
    if (!Array.isArray(names)) throw unreadable()
    this.#shapes = names.map(shapeOf)
  }

  /**
   * Reads the value whose shape stands at `at`. @throws GridError `format_unsupported` for an
   * unknown one
   */
  read(from: readonly unknown[], at: number): Value {
    return this.#shapeAt(from, at).read(from, at + 1)
  }

  /** The name of a number that stands for one; undefined: it does not. */
  name(number: unknown): string | undefined {
    return typeof number === 'number' ? this.#shapes[number]?.names[0] : undefined
  }

  /** The item behind the value whose shape stands at `at`. */
  behind(from: readonly unknown[], at: number): number {
    const next = at + 1 + this.#shapeAt(from, at).names.length
    if (next > from.length) throw unreadable()
    return next
  }

  /** The key at `at` of the entry whose value follows. */
  key(from: readonly unknown[], at: number): string {
    const item = from[at]
    const key = typeof item === 'number' ? from[at + 2 + item] : item
    if (typeof key !== 'string') throw unreadable()
    return key
  }

  #shapeAt(from: readonly unknown[], at: number): ValueShape {
    const shape = this.#shapes[from[at] as number]
    if (!shape) throw unreadable()
    return shape
  }
}

function shapeOf(names: unknown): ValueShape {
  if (!Array.isArray(names) || !names.every((name) => typeof name === 'string')) throw unreadable()
  return knownShape(JSON.stringify(names), names)
}

function knownShape(id: string, names: readonly string[]): ValueShape {
  let shape = knownShapes.get(id)
  if (!shape) {
    shape = new ValueShape(names)
    if (knownShapes.size < knownShapesMax) knownShapes.set(id, shape)
  }
  return shape
}

const unreadable = () => new GridError('format_unsupported', 'A message has values of no shape')
