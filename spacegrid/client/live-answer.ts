import { GridError } from '@spacegrid/grid/core/errors'
import type { Position } from './answer.ts'
import { errorOf } from './answer-error.ts'
import { attemptOf } from './attempt.ts'
import type { Followed, FollowOptions } from './follow.ts'
import { type PatchOperation, patched } from './json-patch.ts'

export interface LiveOptions extends Pick<FollowOptions, 'signal' | 'patienceMs'> {
  readonly headers?: Readonly<Record<string, string>>
}

/** How a query is answered now, for as long as nothing changes. */
export type LiveAnswer<Result = unknown> =
  | { readonly result: Result; readonly position: Position; readonly error?: undefined }
  /** What it is answered with instead: `not_found`, `application_fault` … */
  | { readonly error: GridError; readonly result?: undefined }

interface Told {
  readonly result?: unknown
  readonly patch?: readonly PatchOperation[]
  readonly position: Position
}

/** Keeps the answer of a live query as its stream tells it. */
export class LiveAnswers {
  #result: unknown

  /** undefined: the event says nothing of the answer. */
  take({ type, data }: Followed): LiveAnswer | undefined {
    if (type === 'failure') return { error: failureOf(data) }
    if (type !== 'answer' && type !== 'patch') return undefined
    const { result, patch, position } = JSON.parse(data) as Told
    this.#result = type === 'patch' ? patched(this.#result, patch ?? []) : result
    return { result: this.#result, position }
  }
}

function failureOf(text: string): GridError {
  const { status } = JSON.parse(text) as { readonly status?: number }
  const response = { status: status ?? 500, header: () => undefined, text }
  const { answer } = attemptOf(response, undefined)
  if (answer.kind === 'accepted') throw new TypeError('a failure is no answer')
  const error = errorOf(answer)
  // Nothing was asked of the grid that could have had an effect.
  const { problem } = answer as { readonly problem?: { readonly detail: string } }
  return error.code === 'outcome_unknown'
    ? new GridError('internal', problem?.detail ?? error.message)
    : error
}
