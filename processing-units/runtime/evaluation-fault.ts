import { GridError } from '@spacegrid/grid/core/errors'
import type { Evaluation } from '@spacegrid/grid/core/evaluation'

/** What a command is told whose transaction was refused by no rule of the application. */
export function evaluationFault(
  command: string,
  { fault, details }: Extract<Evaluation, { outcome: 'refused' }>,
): GridError | undefined {
  if (fault === undefined) return undefined
  if (fault === 'cache_full')
    return new GridError('cache_full', `Cache ${details.cache} is full`, { details })
  if (fault === 'hold_too_large')
    return new GridError('transaction_too_large', `A part of ${command} would hold too much`, {
      details,
    })
  return new GridError('application_fault', `${command} has sent what cannot be evaluated`)
}
