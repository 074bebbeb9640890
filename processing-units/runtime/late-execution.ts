import { GridError } from '@spacegrid/grid/core/errors'
import type { Execution } from './execution.ts'

/**
 * What the caller of a command is told whose time is up.
 * @param commandMsMax time that a command has whose caller does not say less; 0: the log cannot be
 * reached
 */
export function lateExecution(
  { command: { name }, waitsFor, sent, cameAt, deadline }: Execution,
  commandMsMax: number,
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
  return cameAt !== 0 && deadline - cameAt < commandMsMax - 1
    ? new GridError('overloaded', `${name} could not be begun in its time`, { retryAfterMs: 1000 })
    : new GridError('log_unavailable', 'The log cannot be reached', { retryAfterMs: 1000 })
}
