import { GridError, isGridError } from '../../core/errors.ts'
import type { FieldError } from '../../core/validation.ts'
import type { BatchedAnswer, BatchedQuery, QueryAnswer } from './serving.ts'

/** Queries of one batch at most: they are answered in one turn, in which nothing else is. */
export const batchQueriesMax = 32

/**
 * What was sent as a batch, with an input for each: `{}` where none is given.
 * @throws GridError `invalid_input`
 */
export function checkedBatch(batch: unknown): readonly BatchedQuery[] {
  if (!Array.isArray(batch) || batch.length === 0 || batch.length > batchQueriesMax)
    throw unfit([{ path: '', message: `must be a list of 1 to ${batchQueriesMax} queries` }])
  const errors = batch.flatMap((one: unknown, at) => problemOf(one, String(at)) ?? [])
  if (errors.length > 0) throw unfit(errors)
  return (batch as BatchedQuery[]).map(({ query, input = {} }) => ({ query, input }))
}

/** One answer of a batch: what is wrong with a query is told in its place. */
export async function batched(
  ask: () => QueryAnswer | Promise<QueryAnswer>,
): Promise<BatchedAnswer> {
  try {
    const { result, explanation } = await ask()
    return explanation ? { result, explanation } : { result }
  } catch (error) {
    if (!isGridError(error)) throw error
    return { error }
  }
}

/**
 * The answers as callers are told them: `{"result": …}`, or `{"error": {"code", "message", …}}`.
 * @param publicly what they may know of an error
 */
export const toldAnswers = (
  answers: readonly BatchedAnswer[],
  publicly: (error: GridError) => GridError,
): readonly object[] =>
  answers.map((one) => {
    if (!('error' in one)) return { ...one, result: one.result ?? null }
    const { code, message, details, retryAfterMs, status } = publicly(one.error)
    const again = retryAfterMs === undefined ? {} : { retryAfterMs }
    return { error: { ...details, code, message, status, ...again } }
  })

function problemOf(one: unknown, path: string): FieldError | undefined {
  if (!isObject(one)) return { path, message: 'must be an object: {"query": name, "input": {…}}' }
  const { query, input, ...more } = one
  if (typeof query !== 'string') return { path: `${path}.query`, message: 'must be a name' }
  if (input !== undefined && !isObject(input))
    return { path: `${path}.input`, message: 'must be an object' }
  const [unknown] = Object.keys(more)
  if (unknown === undefined) return undefined
  return { path: `${path}.${unknown}`, message: 'is not known (known: query, input)' }
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

function unfit(errors: readonly FieldError[]): GridError {
  const message = errors.map(({ path, message }) => `${path} ${message}`.trim()).join('; ')
  return new GridError('invalid_input', message, { details: { errors } })
}
