import { ErrorCode, NatsError } from 'nats'
import { GridError, type ErrorCode as GridErrorCode } from '../../core/errors.ts'

/** An error as JetStream's API and its publish acknowledgements carry it. */
export interface JetStreamFault {
  readonly code: number
  readonly err_code?: number
  readonly description?: string
}

/** JetStream's own error numbers, from the server's `errors.json`. */
export const jetStreamCodes = {
  accountResourcesExceeded: 10002,
  insufficientResources: 10023,
  memoryResourcesExceeded: 10028,
  messageNotFound: 10037,
  storageResourcesExceeded: 10047,
  messageTooLarge: 10054,
  streamNameInUse: 10058,
  streamNotFound: 10059,
  subjectsOverlap: 10065,
  wrongLastSequence: 10071,
  storeFailed: 10077,
  headersTooLarge: 10097,
  wrongLastSequenceInFlight: 10164,
} as const

const gridCodes = new Map<number | undefined, GridErrorCode>([
  [jetStreamCodes.accountResourcesExceeded, 'log_full'],
  [jetStreamCodes.insufficientResources, 'log_full'],
  [jetStreamCodes.memoryResourcesExceeded, 'log_full'],
  [jetStreamCodes.storageResourcesExceeded, 'log_full'],
  [jetStreamCodes.messageTooLarge, 'record_too_large'],
  [jetStreamCodes.headersTooLarge, 'record_too_large'],
  [jetStreamCodes.wrongLastSequence, 'fenced'],
  [jetStreamCodes.wrongLastSequenceInFlight, 'fenced'],
])

/**
 * What a fault of JetStream means to a user of the log. Everything that is not known to be a
 * refusal is `log_unavailable`: unknown. `storeFailed` is one number for every reason; the limits
 * of the stream, and a full disk, are told from the rest only by the text. (An append to a full
 * disk gets no answer at all; what a purge says then is the only sign.)
 */
export function faultToGridError(fault: JetStreamFault, doing: string): GridError {
  const description = fault.description ?? `code ${fault.code}`
  const isLimit = fault.err_code === jetStreamCodes.storeFailed && /^maximum /.test(description)
  const isFull = isLimit || description.includes('no space left on device')
  const code = isFull ? 'log_full' : (gridCodes.get(fault.err_code) ?? 'log_unavailable')
  return new GridError(code, `${doing}: ${description}`, {
    details: { natsCode: fault.err_code ?? fault.code },
  })
}

/** What an error thrown by the driver means to a user of the log. */
export function toLogError(error: unknown, doing: string): GridError {
  if (error instanceof GridError) return error
  const fault = error instanceof NatsError ? error.jsError() : null
  if (fault !== null) return faultToGridError(fault, doing)
  if (error instanceof NatsError && error.code === ErrorCode.MaxPayloadExceeded) {
    return new GridError('record_too_large', `${doing}: larger than NATS takes`, { cause: error })
  }
  const reason = error instanceof Error ? error.message : String(error)
  return new GridError('log_unavailable', `${doing}: ${reason}`, { cause: error })
}

/** Whether an error of the driver is this one of JetStream. */
export const isJetStreamError = (error: unknown, code: number): boolean =>
  error instanceof NatsError && error.jsError()?.err_code === code
