import type { TSchema } from 'typebox'
import { Value } from 'typebox/value'

/** What a variable's schema says beside the check itself. */
export interface Described {
  readonly type?: string
  readonly default?: unknown
  /** In words that follow "allowed is". */
  readonly allowed: string
  /** What is wrong with it is said without it. */
  readonly isSecret?: boolean
}

export interface ReadVariables {
  readonly values: Record<string, unknown>
  /** One for each variable that is wrong or missing, in one line. */
  readonly problems: string[]
}

/**
 * Reads what is set, by name: a variable that is set to nothing counts as not set, and has its
 * default.
 */
export function readVariables(
  schemas: Readonly<Record<string, TSchema & Described>>,
  required: readonly string[],
  variables: Readonly<Record<string, string | undefined>>,
): ReadVariables {
  const values: Record<string, unknown> = {}
  const problems: string[] = []
  for (const [name, variable] of Object.entries(schemas)) {
    const text = variables[name]?.trim()
    const value = text === undefined || text === '' ? variable.default : read(text, variable)
    if (value === undefined) {
      if (required.includes(name))
        problems.push(`${name} is not set: allowed is ${variable.allowed}`)
      continue
    }
    values[name] = value
    if (!Value.Check(variable, value))
      problems.push(
        `${name}=${variable.isSecret ? '***' : shown(text ?? '')}: allowed is ${variable.allowed}`,
      )
  }
  return { values, problems }
}

/** Plain decimal digits become a number; anything else stays text and fails its check. */
function read(text: string, { type }: Described): unknown {
  if (type === 'integer' && /^-?\d{1,15}$/.test(text)) return Number(text)
  if (type === 'number' && /^-?\d{1,15}(?:\.\d{1,15})?$/.test(text)) return Number(text)
  if (type === 'boolean' && (text === 'true' || text === 'false')) return text === 'true'
  return text
}

/** One line, and no user or password: it goes to terminals and log collectors. */
export function shown(text: string): string {
  return JSON.stringify(text.replace(/[^/,\s]*@/g, '***@'))
}
