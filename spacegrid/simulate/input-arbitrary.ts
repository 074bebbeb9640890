import { fitProblem } from '@spacegrid/grid/core/validation'
import fc, { type Arbitrary } from 'fast-check'
import type { TSchema } from 'typebox'
import type { ValuePool } from './value-pool.ts'

/** The parts of JSON Schema that inputs are made from. */
interface Node {
  readonly type?: string | readonly string[]
  readonly const?: unknown
  readonly enum?: readonly unknown[]
  readonly anyOf?: readonly Node[]
  readonly oneOf?: readonly Node[]
  readonly allOf?: readonly Node[]
  readonly $ref?: string
  readonly format?: string
  readonly pattern?: string
  readonly minLength?: number
  readonly maxLength?: number
  readonly minimum?: number
  readonly maximum?: number
  readonly exclusiveMinimum?: number
  readonly exclusiveMaximum?: number
  readonly multipleOf?: number
  readonly items?: Node | readonly Node[]
  readonly prefixItems?: readonly Node[]
  readonly minItems?: number
  readonly maxItems?: number
  readonly uniqueItems?: boolean
  readonly properties?: Readonly<Record<string, Node>>
  readonly patternProperties?: Readonly<Record<string, Node>>
  readonly required?: readonly string[]
  readonly minProperties?: number
}

const numberMax = 2 ** 31
/**
 * Whole numbers are taken from all that are allowed, or, if these are more, up to so far above the
 * least.
 */
const wholeSpanMax = 100
const spanMax = 12
const number = () => fc.noBias(fc.nat(numberMax))

/**
 * Inputs that fit a schema. Texts without a pattern come from the pool, whole numbers are mostly
 * small or at a bound, fields that are named as times (`endsAt`, `until`) lie around now, those
 * named as durations (`holdMs`) are short.
 */
export class InputArbitraries {
  readonly #pool: ValuePool

  constructor(pool: ValuePool) {
    this.#pool = pool
  }

  /** @throws TypeError for a schema from which none can be made */
  of(schema: TSchema, name = ''): Arbitrary<unknown> {
    const made = this.#of(schema as Node, name)
    return made.filter((value) => fitProblem(schema, value) === undefined)
  }

  text(field: string): Arbitrary<string> {
    return number().map((at) => this.#pool.text(field, at))
  }

  time(): Arbitrary<number> {
    const spans = [-60_000, -1, 0, 1, 300, 1000, 1500, 3000, 60_000]
    return fc.constantFrom(...spans).map((span) => this.#pool.now() + span)
  }

  #of(node: Node, name: string): Arbitrary<unknown> {
    if (node.const !== undefined) return fc.constant(node.const)
    if (node.enum) return fc.constantFrom(...node.enum)
    const choices = node.anyOf ?? node.oneOf
    if (choices) return fc.oneof(...choices.map((one) => this.#of(one, name)))
    if (node.allOf) return this.#all(node.allOf, name)
    if (node.$ref !== undefined)
      throw new TypeError(`a schema with references (${node.$ref}) needs a generator of its own`)
    if (Array.isArray(node.type))
      return fc.oneof(...node.type.map((type) => this.#of({ ...node, type }, name)))
    switch (node.type) {
      case 'string':
        return this.#string(node, name)
      case 'integer':
        return this.#integer(node, name)
      case 'number':
        return fc.oneof(
          { weight: 3, arbitrary: this.#integer(node, name) },
          {
            weight: 2,
            arbitrary: this.#integer(hundredfold(node), '').map((whole) => whole / 100),
          },
        )
      case 'boolean':
        return fc.boolean()
      case 'null':
        return fc.constant(null)
      case 'array':
        return this.#array(node, name)
      case 'object':
        return this.#object(node)
      default:
        return fc.oneof(this.text(name), fc.integer({ min: -3, max: 10 }), fc.boolean())
    }
  }

  #all(nodes: readonly Node[], name: string): Arbitrary<unknown> {
    return fc
      .tuple(...nodes.map((one) => this.#of(one, name)))
      .map((parts) => Object.assign({}, ...parts) as unknown)
  }

  #string(node: Node, name: string): Arbitrary<string> {
    const { pattern, format, minLength = 0, maxLength = Number.POSITIVE_INFINITY } = node
    if (pattern !== undefined) {
      const allowed = new RegExp(pattern)
      return fc.tuple(fc.stringMatching(allowed), number()).map(([text, at]) => {
        const known = [this.#pool.text(name, at), this.#pool.name(at)]
        const fitting = known.find((one) => allowed.test(one) && isWithin(node, one))
        return fitting ?? this.#pool.ofPattern(pattern, text, at)
      })
    }
    if (format !== undefined) return number().map((at) => this.#ofFormat(format, at))
    return number().map((at) => {
      const text = this.#pool.text(name, at)
      return isWithin(node, text)
        ? text
        : this.#pool.name(at).padEnd(minLength, 'x').slice(0, maxLength)
    })
  }

  #ofFormat(format: string, number: number): string {
    const at = number % this.#pool.size
    const date = new Date(this.#pool.now() + (at - 1) * 86_400_000).toISOString()
    switch (format) {
      case 'date':
        return date.slice(0, 10)
      case 'date-time':
        return date
      case 'time':
        return date.slice(11)
      case 'email':
        return `${this.#pool.name(number)}@example.com`
      case 'uuid':
        return `00000000-0000-4000-8000-${String(at).padStart(12, '0')}`
      case 'uri':
      case 'url':
        return `https://example.com/${this.#pool.name(number)}`
      case 'ipv4':
        return `192.0.2.${at}`
      case 'ipv6':
        return `2001:db8::${at}`
      default:
        return this.#pool.name(number)
    }
  }

  #integer(node: Node, name: string): Arbitrary<number> {
    const { multipleOf = 1 } = node
    const [min, max] = boundsOf(node)
    const named = this.#named(name)
    const isFree = min === undefined && max === undefined
    const low = Math.ceil((min ?? Math.min(0, max ?? 0)) / multipleOf)
    const limit = Math.floor((max ?? Math.max(low * multipleOf + 100, 100)) / multipleOf)
    // What is large is mostly just slow.
    const high = limit - low <= wholeSpanMax ? limit : low + spanMax
    const whole = fc
      .oneof(
        { weight: 6, arbitrary: fc.integer({ min: low, max: Math.min(high, low + 5) }) },
        { weight: 2, arbitrary: fc.integer({ min: low, max: high }) },
        { weight: 1, arbitrary: fc.integer({ min: Math.max(low, high - 1), max: high }) },
        ...(isFree ? [{ weight: 1, arbitrary: fc.integer({ min: -3, max: -1 }) }] : []),
      )
      .map((factor) => factor * multipleOf)
    if (!named) return whole
    const isInside = (value: number) => (min ?? value) <= value && (max ?? value) >= value
    return fc.tuple(named, whole).map(([own, other]) => (isInside(own) ? own : other))
  }

  /** What the name of a field says of its values. */
  #named(name: string): Arbitrary<number> | undefined {
    if (/(?:At|Until|By|[dD]eadline|Time)$|^(?:until|at)$/.test(name)) return this.time()
    if (/Ms$/.test(name)) return fc.constantFrom(0, 1, 50, 400, 1500, 4000)
    return undefined
  }

  #array(node: Node, name: string): Arbitrary<unknown[]> {
    const { items, minItems = 0, uniqueItems = false } = node
    const places = node.prefixItems ?? (Array.isArray(items) ? items : undefined)
    if (places) return fc.tuple(...places.map((one: Node) => this.#of(one, name)))
    const maxLength = Math.min(node.maxItems ?? minItems + 4, minItems + 6)
    const item = this.#of((items ?? {}) as Node, name)
    const bounds = { minLength: minItems, maxLength }
    return uniqueItems
      ? fc.uniqueArray(item, { ...bounds, selector: (one) => JSON.stringify(one) })
      : fc.array(item, bounds)
  }

  #object(node: Node): Arbitrary<Record<string, unknown>> {
    const { properties = {}, required = [], patternProperties, minProperties = 0 } = node
    const fields = Object.fromEntries(
      Object.entries(properties).map(([name, one]) => [name, this.#of(one, name)]),
    )
    const known = fc.record(fields, { requiredKeys: required.filter((name) => name in fields) })
    const [first] = Object.entries(patternProperties ?? {})
    if (!first) return known
    const [pattern, one] = first
    const key = isAnyText(pattern) ? this.text('key') : this.#string({ pattern }, 'key')
    const others = fc.dictionary(key, this.#of(one, ''), {
      minKeys: minProperties,
      maxKeys: minProperties + 3,
    })
    return fc.tuple(others, known).map(([more, own]) => ({ ...more, ...own }))
  }
}

const isAnyText = (pattern: string): boolean => ['^.*$', '^(.*)$', '.*', ''].includes(pattern)

const isWithin = ({ minLength = 0, maxLength = Infinity }: Node, text: string): boolean =>
  text.length >= minLength && text.length <= maxLength

function boundsOf(node: Node): [min: number | undefined, max: number | undefined] {
  const { minimum, maximum, exclusiveMinimum, exclusiveMaximum } = node
  const min = exclusiveMinimum === undefined ? minimum : exclusiveMinimum + 1
  const max = exclusiveMaximum === undefined ? maximum : exclusiveMaximum - 1
  return [min, max]
}

function hundredfold(node: Node): Node {
  const [min, max] = boundsOf(node)
  const { multipleOf } = node
  return {
    ...(min === undefined ? {} : { minimum: min * 100 }),
    ...(max === undefined ? {} : { maximum: max * 100 }),
    ...(multipleOf === undefined ? {} : { multipleOf: multipleOf * 100 }),
  }
}
