import type { IndexRange, Scalar, Value } from './data-types.ts'

/** What an order looks at: the primary key, and a value with at least the order's fields. */
export interface Bound {
  readonly key: string
  readonly value: Value
}

/** 0: not orderable. NaN neither: an entry that compares with nothing could not be found again. */
function rank(value: unknown): number {
  if (typeof value === 'string') return 3
  if (typeof value === 'number') return Number.isNaN(value) ? 0 : 2
  return typeof value === 'boolean' ? 1 : 0
}

/** Whether it has a place in an order. */
export const isScalar = (value: unknown): value is Scalar => rank(value) > 0

/** Booleans before numbers before strings, each in its own order: the same on every machine. */
export function compareScalars(a: unknown, b: unknown): number {
  if (a === b) return 0
  if (typeof a === typeof b) return (a as Scalar) < (b as Scalar) ? -1 : 1
  return rank(a) - rank(b)
}

/** The order of one index: its fields, then the primary key, so that no two entries are equal. */
export class IndexOrder {
  readonly fields: readonly string[]
  /** Whether both values stand at the same place. */
  readonly same: (a: Value, b: Value) => boolean
  readonly #compareValues: (a: Value, b: Value) => number

  constructor(fields: readonly string[]) {
    this.fields = fields
    this.same = compileSame(fields)
    this.#compareValues = compileCompare(fields)
  }

  /** Whether the entry is in the index at all: it has every field. */
  covers(value: Value): boolean {
    for (const field of this.fields) if (rank(value[field]) === 0) return false
    return true
  }

  compare(a: Bound, b: Bound): number {
    const order = this.#compareValues(a.value, b.value)
    if (order !== 0) return order
    return a.key < b.key ? -1 : a.key > b.key ? 1 : 0
  }

  /** A place in the order that stays where it is when the entry moves. */
  boundOf({ key, value }: Bound): Bound {
    return { key, value: Object.fromEntries(this.fields.map((field) => [field, value[field]])) }
  }

  /** Whether the entry stands before everything in the range. */
  isBefore(value: Value, range: IndexRange): boolean {
    const order = this.#compareEquals(value, range)
    if (order !== 0) return order < 0
    const next = this.#next(value, range)
    if (range.from !== undefined && compareScalars(next, range.from) < 0) return true
    return range.after !== undefined && compareScalars(next, range.after) <= 0
  }

  /** Whether the entry stands behind everything in the range. */
  isBehind(value: Value, range: IndexRange): boolean {
    const order = this.#compareEquals(value, range)
    if (order !== 0) return order > 0
    const next = this.#next(value, range)
    if (range.to !== undefined && compareScalars(next, range.to) > 0) return true
    return range.before !== undefined && compareScalars(next, range.before) >= 0
  }

  #compareEquals(value: Value, range: IndexRange): number {
    const equals = range.equals
    if (equals === undefined) return 0
    for (let i = 0; i < equals.length; i++) {
      const order = compareScalars(value[this.fields[i] as string], equals[i])
      if (order !== 0) return order
    }
    return 0
  }

  #next(value: Value, range: IndexRange): unknown {
    return value[this.fields[range.equals?.length ?? 0] as string]
  }
}

// Each order reads its fields in a place of its own in the code: the engine then knows where in
// memory they are. In one loop for all orders it would have to look each of them up, several times
// for every entry that is written and dozens of times for one that moves.

function compileSame(fields: readonly string[]): (a: Value, b: Value) => boolean {
  const equal = fields.map((field) => `a[${JSON.stringify(field)}] === b[${JSON.stringify(field)}]`)
  return new Function('a', 'b', `return ${equal.join(' && ') || 'true'}`) as (
    a: Value,
    b: Value,
  ) => boolean
}

function compileCompare(fields: readonly string[]): (a: Value, b: Value) => number {
  const steps = fields.map((field) => {
    const name = JSON.stringify(field)
    return `order = compareScalars(a[${name}], b[${name}]); if (order !== 0) return order;`
  })
  const source = `return (a, b) => { let order; ${steps.join(' ')} return 0 }`
  return new Function('compareScalars', source)(compareScalars) as (a: Value, b: Value) => number
}
