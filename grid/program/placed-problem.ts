import type { TSchema } from 'typebox'
import { Value } from 'typebox/value'
import { GridError } from '../core/errors.ts'

/** @throws GridError `configuration_invalid` */
export function jsonOf(what: string, text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new GridError(
      'configuration_invalid',
      `${what}: it is no JSON (${(error as Error).message})`,
    )
  }
}

/** The first thing in it that is not as it must be, with its place: `keys/0/name: must be …`. */
export function placedProblem(schema: TSchema, value: unknown): string | undefined {
  if (Value.Check(schema, value)) return undefined
  const [first] = Value.Errors(schema, value)
  const place = first?.instancePath.slice(1) ?? ''
  return `${place === '' ? 'the whole' : place}: ${first?.message ?? 'is not as it must be'}`
}
