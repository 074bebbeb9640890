import { GridError, Rejection } from '@spacegrid/grid/core/errors'
import type { Evaluation } from '@spacegrid/grid/core/evaluation'
import { partOfStep, partsOf, refusalOfParts } from '@spacegrid/grid/core/parts'
import type { SentAttempt } from './sent-attempt.ts'

/** What the caller of a command is told that the log has refused. */
export function refusalOf(
  { execution: { command, input }, partBegins }: SentAttempt,
  { fault, reason, details, step = 0 }: Extract<Evaluation, { outcome: 'refused' }>,
): GridError {
  if (fault === 'cache_full')
    return new GridError('cache_full', `Cache ${details.cache} is full`, { details })
  if (fault === 'unsound')
    return new GridError('application_fault', `${command.name} has sent what cannot be evaluated`)
  if (!partBegins) return new Rejection(reason, details)
  const part = partOfStep(partBegins, step)
  const name = partsOf(command, input)[part]?.command.name ?? command.name
  return refusalOfParts([{ part, command: name, reason, details }])
}
