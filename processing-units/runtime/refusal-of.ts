import { type GridError, Rejection } from '@spacegrid/grid/core/errors'
import type { Evaluation } from '@spacegrid/grid/core/evaluation'
import { partOfStep, refusalOfParts } from '@spacegrid/grid/core/parts'
import { evaluationFault } from './evaluation-fault.ts'
import type { SentAttempt } from './sent-attempt.ts'

/** What the caller of a command is told that the log has refused. */
export function refusalOf(
  { execution: { command }, partBegins, partNames }: SentAttempt,
  evaluation: Extract<Evaluation, { outcome: 'refused' }>,
): GridError {
  const fault = evaluationFault(command.name, evaluation)
  if (fault) return fault
  const { reason, details, step = 0 } = evaluation
  if (!partBegins) return new Rejection(reason, details)
  const part = partOfStep(partBegins, step)
  const name = partNames[part] ?? command.name
  return refusalOfParts([{ part, command: name, reason, details }])
}
