import { GridError } from '@spacegrid/grid/core/errors'
import type { Execution } from './execution.ts'

/** What the caller of a command is told whose time is up. */
export function lateExecution(
  { command: { name }, waitsFor, sent }: Execution,
  joined: boolean,
): GridError {
  if (waitsFor !== undefined)
    return new GridError('contended', `${name} has waited too long for ${waitsFor}`, {
      retryAfterMs: 100,
    })
  if (sent)
    return new GridError(
      'outcome_unknown',
      `${name} has no outcome yet; ask again with the same Idempotency-Key`,
    )
  return joined
    ? new GridError('overloaded', `${name} could not be begun in its time`, { retryAfterMs: 1000 })
    : new GridError('log_unavailable', 'The log cannot be reached', { retryAfterMs: 1000 })
}
