import { GridError } from '../errors.ts'
import type { Value } from '../space/definition.ts'

/** Shapes known at most, over all messages; values of further ones are put together field by field. */
const knownShapesMax = 1024
/** A shape that so many values have had is worth a constructor of its own. */
const compileAfter = 16
/** Values with more fields than this are dictionaries rather than records. */
const compiledFieldsMax = 64

type Construct = (from: readonly unknown[], at: number) => Value

/**
 * Values of one message as it is written: the field names of each shape go into `names` once, a value is its shape's number and its fields.
 */
export class ShapeWriter {
  readonly names: (readonly string[])[] = []
  /** The shape that a cache's latest value had: nearly always that of the next one. */
  readonly #latest: number[] = []
  readonly #numbers = new Map<string, number>()

  /** Appends the value to a message. `cache` is a hint only. */
  write(to: unknown[], cache: number, value: Value): void {
    let number = this.#latest[cache] ?? -1
    if (number < 0 || !hasShape(value, this.names[number] as readonly string[])) {
      number = this.#numberOf(value)
      this.#latest[cache] = number
    }
    to.push(number)
    for (const name of this.names[number] as readonly string[]) to.push(value[name])
  }

  #numberOf(value: Value): number {
    const names = Object.keys(value)
    const id = JSON.stringify(names)
    let number = this.#numbers.get(id)
    if (number === undefined) {
      number = this.names.push(names) - 1
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

/** A list of field names, and how values with these fields are made. */
class ValueShape {
  readonly names: readonly string[]
  #construct: Construct | undefined
  #made = 0

  constructor(names: readonly string[]) {
    this.names = names
  }

  read(from: readonly unknown[], at: number): Value {
    if (this.#construct) return this.#construct(from, at)
    if (++this.#made === compileAfter && this.names.length <= compiledFieldsMax)
      this.#construct = compile(this.names)
    return Object.fromEntries(this.names.map((name, i) => [name, from[at + i]]))
  }
}

/**
 * An object literal makes all its fields at once and gives every value of a shape the same layout in memory. Computed names: a field may be
 * called `__proto__`.
 */
function compile(names: readonly string[]): Construct {
  const fields = names.map((name, i) => `[${JSON.stringify(name)}]: from[at + ${i}]`)
  return new Function('from', 'at', `return { ${fields.join(', ')} }`) as Construct
}

const known = new Map<string, ValueShape>()

/** Values of one message as it is read. */
export class ShapeReader {
  readonly #shapes: readonly ValueShape[]

  /** @throws GridError `format_unsupported` when these are no lists of names */
  constructor(names: unknown) {
    if (!Array.isArray(names)) throw unreadable()
    this.#shapes = names.map(shapeOf)
  }

  /** Number of a shape's fields. @throws GridError `format_unsupported` for an unknown number */
  fieldsOf(number: number): number {
    const shape = this.#shapes[number]
    if (!shape) throw unreadable()
    return shape.names.length
  }

  read(number: number, from: readonly unknown[], at: number): Value {
    return (this.#shapes[number] as ValueShape).read(from, at)
  }
}

function shapeOf(names: unknown): ValueShape {
  if (!Array.isArray(names) || !names.every((name) => typeof name === 'string')) throw unreadable()
  const id = JSON.stringify(names)
  let shape = known.get(id)
  if (!shape) {
    shape = new ValueShape(names)
    if (known.size < knownShapesMax) known.set(id, shape)
  }
  return shape
}

const unreadable = () => new GridError('format_unsupported', 'A message has values of no shape')
