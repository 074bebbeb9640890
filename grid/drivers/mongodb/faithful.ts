import { numberArrayKind } from '../../engine/wire/number-arrays.ts'

/**
 * MongoDB takes 100 levels of nesting; what comes close to that is refused by one version or
 * another.
 */
const depthMax = 96

/**
 * Why MongoDB would give a value back as another one; undefined: it would not. Nothing that a
 * command of this version leaves is refused; logs of earlier versions may hold anything that
 * MessagePack can carry.
 */
export function unfaithful(value: unknown): string | undefined {
  const problem = problemOf(value, depthMax)
  return problem && `It would not come back from MongoDB as it is: ${problem}`
}

function problemOf(value: unknown, depth: number): string | undefined {
  switch (typeof value) {
    case 'string':
      return value.isWellFormed() ? undefined : 'a text has a lone surrogate'
    case 'number':
    case 'boolean':
      return undefined
    case 'object':
      return value === null ? undefined : problemInside(value, depth)
    default:
      return value === undefined
        ? 'a list has an item that is undefined'
        : `it has a ${typeof value}`
  }
}

function problemInside(value: object, depth: number): string | undefined {
  if (depth === 0) return `it is nested more deeply than ${depthMax} levels`
  if (Array.isArray(value)) return first(value, depth)
  if (value instanceof Date)
    return Number.isNaN(value.getTime()) ? 'it has an invalid date' : undefined
  if (ArrayBuffer.isView(value))
    return numberArrayKind(value) === undefined ? `it has a ${value.constructor.name}` : undefined
  const prototype = Object.getPrototypeOf(value)
  if (prototype !== Object.prototype && prototype !== null)
    return `it has a ${value.constructor?.name ?? 'class instance'}`
  for (const name in value) {
    const member = (value as Record<string, unknown>)[name]
    if (!name.isWellFormed()) return 'a name has a lone surrogate'
    // A member that is undefined is a member that is missing, here as everywhere.
    const problem = member === undefined ? undefined : problemOf(member, depth - 1)
    if (problem !== undefined) return problem
  }
  return undefined
}

function first(items: readonly unknown[], depth: number): string | undefined {
  // Not `for … of` over entries: holes count as undefined.
  for (let at = 0; at < items.length; at++) {
    const problem = problemOf(items[at], depth - 1)
    if (problem !== undefined) return problem
  }
  return undefined
}
