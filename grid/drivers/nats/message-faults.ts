import { type MsgHdrs, headers as newHeaders } from 'nats'
import { GridError, isErrorCode, isGridError, Rejection } from '../../core/errors.ts'

/**
 * The two headers by which every NATS service, in any language, says that its answer is an error
 * (NATS ADR-32).
 */
const statusHeader = 'Nats-Service-Error-Code'
const textHeader = 'Nats-Service-Error'

/**
 * An error's answer: the headers that every client of NATS services knows, and everything else as
 * JSON.
 */
export interface FaultAnswer {
  readonly headers: MsgHdrs
  readonly data: Uint8Array
}

/**
 * `{"error": {"code", "message", "reason"?, "retryAfterMs"?, …details}}`: the details stand beside
 * the code, as over HTTP, and those four names cannot be used by them. An error that is not a
 * GridError becomes `internal`; what it says stays here.
 */
export function answerOf(error: unknown): FaultAnswer {
  const fault = isGridError(error) ? error : new GridError('internal', 'The responder failed')
  const { code, message, details, retryAfterMs } = fault
  const reason = fault instanceof Rejection ? { reason: fault.reason } : {}
  const retry = retryAfterMs === undefined ? {} : { retryAfterMs }
  const body = { error: { ...details, code, message, ...reason, ...retry } }
  const headers = newHeaders()
  headers.set(statusHeader, String(fault.status))
  headers.set(textHeader, message.replaceAll(/\s+/g, ' '))
  return { headers, data: new TextEncoder().encode(JSON.stringify(body)) }
}

/** The error in an answer, as it was thrown at the other end; undefined when the answer is none. */
export function faultIn(headers: MsgHdrs | undefined, data: Uint8Array): GridError | undefined {
  if (headers === undefined || !headers.has(statusHeader)) return undefined
  const text = headers.get(textHeader)
  const body = errorBodyOf(data)
  const { code, message = text, reason, retryAfterMs, ...details } = body
  if (code === 'rejected' && typeof reason === 'string') return new Rejection(reason, details)
  const options = {
    details: isErrorCode(code) ? details : { ...details, status: headers.get(statusHeader) },
    ...(typeof retryAfterMs === 'number' ? { retryAfterMs } : {}),
  }
  // Another service, or a newer version of ours, may have codes that this one does not know.
  return new GridError(isErrorCode(code) ? code : 'internal', String(message), options)
}

function errorBodyOf(data: Uint8Array): Record<string, unknown> {
  try {
    const body: unknown = JSON.parse(new TextDecoder().decode(data))
    const error = typeof body === 'object' && body !== null && 'error' in body ? body.error : {}
    return typeof error === 'object' && error !== null ? { ...error } : {}
  } catch {
    // Not our format: a service of somebody else's. The headers have said what there is to say.
    return {}
  }
}
