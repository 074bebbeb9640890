import { Type } from 'typebox'
import { invalidField } from '../../core/validation.ts'
import type { QueryInput } from './query-input.ts'

const text = Type.Optional(Type.String())

/** The parameters that say which page of a list is meant. */
export const pageParameters = { limit: text, cursor: text }

export interface PageParameters {
  readonly limit?: string
  readonly cursor?: string
}

/** @throws GridError `invalid_input` */
export function pageOf({ limit, cursor }: PageParameters): {
  readonly limit?: number
  readonly cursor?: string
} {
  if (limit !== undefined && !/^[1-9]\d{0,5}$/.test(limit))
    throw invalidField('limit', 'must be a count')
  return {
    ...(limit === undefined ? {} : { limit: Number(limit) }),
    ...(cursor === undefined ? {} : { cursor }),
  }
}

/**
 * The parameters of what is no query, and cannot be explained.
 * @throws GridError `invalid_input`
 */
export function parsedWhole(inputs: QueryInput, said: string): object {
  if (inputs.explains(said)) throw invalidField('explain', 'is not known here')
  return inputs.parse(said)
}
