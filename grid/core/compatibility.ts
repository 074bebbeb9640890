import type { TSchema } from 'typebox'
import type { Value } from './data-types.ts'
import { readValue, storedName } from './evolution.ts'
import { anyMember, fieldOf } from './fields.ts'
import type { CacheLayout, Layout } from './layout.ts'
import { readTaken, type Taken } from './outcomes.ts'
import { declaredShape } from './shape.ts'
import type { AnyCache } from './transaction.ts'
import { fits } from './validation.ts'

/**
 * Of one cache: paths of the fields that this version declares, and of those that only others do.
 */
interface Paths {
  readonly own: ReadonlySet<string>
  readonly foreign: ReadonlySet<string>
}

const paths = new WeakMap<CacheLayout, WeakMap<AnyCache, Paths>>()

function pathsOf(layout: CacheLayout, cache: AnyCache): Paths {
  const ofLayout = paths.get(layout) ?? new WeakMap<AnyCache, Paths>()
  paths.set(layout, ofLayout)
  let found = ofLayout.get(cache)
  if (!found) {
    const own = new Set((declaredShape(cache).fields ?? []).map((text) => fieldOf(text).path))
    const all = layout.fields.map((text) => fieldOf(text).path)
    found = { own, foreign: new Set(all.filter((path) => !own.has(path))) }
    ofLayout.set(cache, found)
  }
  return found
}

/**
 * The value without what other versions of the application have declared and this one does not;
 * undefined when there is nothing of it. `layout`: of the log's definition.
 */
export function withoutForeign(
  value: Value,
  cache: AnyCache,
  layout: CacheLayout,
): Value | undefined {
  const known = pathsOf(layout, cache)
  if (known.foreign.size === 0) return undefined
  const names = (name: string) => storedName(cache, name)
  const rest = strip(value, '', known, names)
  return rest === value ? undefined : (rest as Value)
}

function strip(
  data: unknown,
  path: string,
  known: Paths,
  stored: (name: string) => string,
): unknown {
  if (typeof data !== 'object' || data === null) return data
  if (Array.isArray(data)) {
    const items = data.map((item) => strip(item, `${path}.${anyMember}`, known, stored))
    return items.some((item, i) => item !== data[i]) ? items : data
  }
  if (Object.getPrototypeOf(data) !== Object.prototype) return data
  const rest: [string, unknown][] = []
  let changed = false
  for (const [name, member] of Object.entries(data)) {
    const at = path === '' ? stored(name) : `${path}.${name}`
    if (known.foreign.has(at)) {
      changed = true
      continue
    }
    const inside = strip(member, known.own.has(at) ? at : `${path}.${anyMember}`, known, stored)
    if (inside !== member) changed = true
    rest.push([name, inside])
  }
  return changed ? Object.fromEntries(rest) : data
}

/**
 * One version of an application, as it works beside others on one space: what it makes of what they
 * have written. Costs nothing as long as everything fits.
 */
export class Compatibility {
  readonly #caches: readonly AnyCache[]
  readonly #layout: () => Layout
  /** Whether it reads anything otherwise than it is stored. */
  readonly #evolved: boolean
  #namesOf: Layout | undefined
  #names: ReadonlySet<string> = new Set()

  /** @param layout the log's definition as it is now */
  constructor(caches: readonly AnyCache[], layout: () => Layout) {
    this.#caches = caches
    this.#evolved = caches.some(({ evolution }) => evolution !== undefined)
    this.#layout = layout
  }

  /** The entries that operations have claimed, as this version reads them. */
  readTaken(data: unknown, taken: Taken | undefined): unknown {
    if (!taken || !this.#evolved) return data
    return readTaken(data, taken, (name, stored) => {
      const cache = this.#caches.find((it) => it.name === name)
      return cache ? readValue(cache, stored) : stored
    })
  }

  /**
   * A result without fields that only other versions know, if it fits its schema then; undefined
   * when it does not.
   */
  withoutForeignFields(schema: TSchema, result: unknown): unknown {
    const names = this.#foreignNames()
    if (names.size === 0) return undefined
    const rest = stripNames(result, names)
    return rest !== result && fits(schema, rest) ? rest : undefined
  }

  #foreignNames(): ReadonlySet<string> {
    const layout = this.#layout()
    if (layout === this.#namesOf) return this.#names
    const names = new Set<string>()
    for (const cache of this.#caches) {
      const its = layout.named(cache.name)
      for (const path of its ? pathsOf(its, cache).foreign : [])
        names.add(path.slice(path.lastIndexOf('.') + 1))
    }
    names.delete(anyMember)
    this.#namesOf = layout
    this.#names = names
    return names
  }
}

function stripNames(data: unknown, names: ReadonlySet<string>): unknown {
  if (typeof data !== 'object' || data === null) return data
  if (Array.isArray(data)) {
    const items = data.map((item) => stripNames(item, names))
    return items.some((item, i) => item !== data[i]) ? items : data
  }
  if (Object.getPrototypeOf(data) !== Object.prototype) return data
  const members = Object.entries(data)
  const rest = members
    .filter(([name]) => !names.has(name))
    .map(([name, member]) => [name, stripNames(member, names)] as const)
  const isSame = rest.length === members.length && rest.every(([, it], i) => it === members[i]?.[1])
  return isSame ? data : Object.fromEntries(rest)
}
