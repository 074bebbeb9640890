import type { IndexRange } from './data-types.ts'
import type { CacheLayout } from './layout.ts'
import { Misuse } from './misuse.ts'
import { nameOf } from './operation-schema.ts'

const isScalar = (value: unknown): boolean =>
  typeof value === 'string'
    ? value.isWellFormed()
    : typeof value === 'boolean' || (typeof value === 'number' && !Number.isNaN(value))

const bounds = ['from', 'after', 'to', 'before'] as const

/**
 * A copy of a range that an application has named, without what is undefined in it: it travels in
 * the log, and what becomes of the original is nobody's business then.
 * @throws Misuse for anything but a range of that index
 */
export function takenRange(layout: CacheLayout, index: number, range: IndexRange): IndexRange {
  const wrong = (problem: string) => new Misuse(layout.name, undefined, `the range ${problem}`)
  if (typeof range !== 'object' || range === null) throw wrong(`cannot be ${nameOf(range)}`)
  const { equals, reverse, limit } = range
  const taken: Record<string, unknown> = {}
  let values = 0
  if (equals !== undefined) {
    if (!Array.isArray(equals)) throw wrong(`has an equals that is ${nameOf(equals)}, not a list`)
    const copy: unknown[] = equals.slice()
    for (const value of copy)
      if (!isScalar(value)) throw wrong(`has ${describe(value)} in its equals`)
    taken.equals = copy
    values = copy.length
  }
  let bounded = 0
  for (const name of bounds) {
    const bound: unknown = range[name]
    if (bound === undefined) continue
    if (!isScalar(bound)) throw wrong(`has ${describe(bound)} as ${name}`)
    taken[name] = bound
    bounded = 1
  }
  if (values + bounded > (layout.orders[index]?.fields.length ?? 0))
    throw wrong('has more values than the index has fields')
  if (reverse !== undefined) {
    if (typeof reverse !== 'boolean') throw wrong(`has a reverse that is ${nameOf(reverse)}`)
    taken.reverse = reverse
  }
  if (limit !== undefined) {
    if (!Number.isInteger(limit) || limit < 0) throw wrong(`has the limit ${nameOf(limit)}`)
    taken.limit = limit
  }
  return taken
}

const describe = (value: unknown): string =>
  typeof value === 'string' ? 'a text that is not well-formed' : nameOf(value)
