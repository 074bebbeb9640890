import { DataFault, takeData } from './data.ts'
import type { Value } from './data-types.ts'
import { Misuse } from './misuse.ts'
import type { AnyCache } from './transaction.ts'
import { isReadable, readProblem } from './validation.ts'

/** What a field of the cache is called where it is stored. */
export const storedName = ({ evolution }: Pick<AnyCache, 'evolution'>, field: string): string =>
  evolution?.stored.get(field) ?? field

/** Values that one cache remembers, of each of two generations. */
const rememberedMax = 10_000

/**
 * How the values of one cache are read and written by a version of the application: what is stored
 * stays what its writer wrote, and becomes the present shape when it is read. A pure function of
 * the stored value; what it has made of one is remembered as long as that is stored, so that a
 * value that is read often is made once. docs/decisions/0025-evolution.md
 */
export class Reading {
  readonly #cache: AnyCache
  readonly #stored: ReadonlyMap<string, string>
  readonly #renamed: ReadonlyMap<string, string>
  readonly #defaults: readonly (readonly [field: string, value: unknown])[]
  readonly #upcast: ((stored: Value) => unknown) | undefined
  #made = new WeakMap<Value, Value>()
  #madeBefore = new WeakMap<Value, Value>()
  #madeCount = 0

  constructor(cache: AnyCache) {
    const { stored, renamed, defaults, upcast } = cache.evolution ?? none
    this.#cache = cache
    this.#stored = stored
    this.#renamed = renamed
    this.#defaults = Object.entries(defaults)
    this.#upcast = upcast
  }

  /**
   * What the application reads, frozen.
   * @throws Misuse when the upcast makes nothing that fits, or throws
   */
  read(stored: Value): Value {
    if (!this.#upcast && !this.#isFormer(stored)) return stored
    const made = this.#made.get(stored) ?? this.#madeBefore.get(stored)
    return made ?? this.#remember(stored, this.make(stored))
  }

  /** As `read`, for whoever looks at every entry once: nothing is remembered. */
  make(stored: Value): Value {
    const named = this.#named(stored)
    const filled = this.#filled(named)
    if (!this.#upcast || isReadable(this.#cache.schema, filled)) return filled
    const { name, schema, key } = this.#cache
    const made = this.#filled(this.#upcasted(this.#upcast, named))
    const problem = readProblem(schema, made)
    if (problem)
      throw new Misuse(
        name,
        problem.path || undefined,
        `of what its upcast made ${problem.message}`,
      )
    if (made[key] !== named[key]) throw new Misuse(name, key, 'is the key: an upcast keeps it')
    return made
  }

  /**
   * Whether an operation that changes single fields would meet a value that has not got the present
   * shape.
   */
  needsUpcast(stored: Value): boolean {
    return (
      this.#upcast !== undefined &&
      !isReadable(this.#cache.schema, this.#filled(this.#named(stored)))
    )
  }

  /**
   * What is stored of what the application writes: the fields under their first names. Frozen, as
   * it is.
   */
  write(value: Value): Value {
    for (const [present] of this.#stored)
      if (Object.hasOwn(value, present)) return renamedOf(value, this.#stored)
    return value
  }

  #isFormer(stored: Value): boolean {
    for (const [former] of this.#renamed) if (Object.hasOwn(stored, former)) return true
    for (const [field] of this.#defaults) if (!Object.hasOwn(stored, field)) return true
    return false
  }

  #named(stored: Value): Value {
    for (const [former] of this.#renamed)
      if (Object.hasOwn(stored, former)) return renamedOf(stored, this.#renamed)
    return stored
  }

  #filled(value: Value): Value {
    for (const [field] of this.#defaults)
      if (!Object.hasOwn(value, field)) {
        const filled = { ...value }
        for (const [name, preset] of this.#defaults)
          if (!Object.hasOwn(value, name)) filled[name] = preset
        return Object.freeze(filled)
      }
    return value
  }

  #upcasted(upcast: (stored: Value) => unknown, named: Value): Value {
    const { name } = this.#cache
    try {
      const made = takeData(upcast(named))
      if (typeof made === 'object' && made !== null && !Array.isArray(made)) return made as Value
    } catch (cause) {
      const why = cause instanceof DataFault ? 'made what cannot be kept: ' : 'threw '
      throw Object.assign(
        new Misuse(name, undefined, `the upcast ${why}${(cause as Error)?.message ?? cause}`),
        { cause },
      )
    }
    throw new Misuse(name, undefined, 'the upcast made no object')
  }

  #remember(stored: Value, made: Value): Value {
    if (this.#madeCount >= rememberedMax) {
      this.#madeBefore = this.#made
      this.#made = new WeakMap()
      this.#madeCount = 0
    }
    this.#madeCount++
    this.#made.set(stored, made)
    return made
  }
}

const none = {
  stored: new Map<string, string>(),
  renamed: new Map<string, string>(),
  defaults: {},
  upcast: undefined,
}

/**
 * A field that is there under its own name as well is the one that was renamed: the other has no
 * reader.
 */
function renamedOf(value: Value, names: ReadonlyMap<string, string>): Value {
  const renamed: Record<string, unknown> = {}
  const set = (name: string, member: unknown) =>
    Object.defineProperty(renamed, name, {
      value: member,
      enumerable: true,
      configurable: true,
      writable: true,
    })
  for (const [name, member] of Object.entries(value)) {
    const to = names.get(name)
    if (to !== undefined) set(to, member)
    else if (!Object.hasOwn(renamed, name)) set(name, member)
  }
  return Object.freeze(renamed)
}

const readings = new WeakMap<AnyCache, Reading>()

export function readingOf(cache: AnyCache): Reading {
  let reading = readings.get(cache)
  if (!reading) {
    reading = new Reading(cache)
    readings.set(cache, reading)
  }
  return reading
}

/** What the application reads of a stored value. Costs a cache that has not changed nothing. */
export const readValue = (cache: AnyCache, stored: Value): Value =>
  cache.evolution === undefined ? stored : readingOf(cache).read(stored)
