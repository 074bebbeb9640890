import { type ErrorCode, errorKinds, GridError, Rejection } from '@spacegrid/grid/core/errors'
import type { Failed, Rejected, Shed } from './answer.ts'

/** What a caller is thrown instead of a result. */
export function errorOf(answer: Rejected | Shed | Failed): GridError {
  if (answer.kind === 'rejected') return new Rejection(answer.reason, answer.details)
  const { problem, reason, attempts, outcomeUnknown } = answer
  const details = { ...problem?.details, attempts, outcomeUnknown }
  // An earlier attempt may have taken effect, whatever the last one says.
  if (outcomeUnknown)
    return new GridError('outcome_unknown', `The outcome is not known: ${reason}`, { details })
  return new GridError(codeOf(answer), problem?.detail ?? reason, { details })
}

/** A gateway has no codes, and a newer grid may have more of them. */
function codeOf({ kind, problem }: Shed | Failed): ErrorCode {
  const code = problem?.code
  if (code !== undefined && Object.hasOwn(errorKinds, code)) return code as ErrorCode
  if (kind === 'shed') return 'overloaded'
  return problem === undefined ? 'no_responder' : 'internal'
}
