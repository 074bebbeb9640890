import { STATUS_CODES } from 'node:http'
import { errorKinds, type GridError } from '../../core/errors.ts'

export const problemType = 'application/problem+json'

/** An error as callers see it: a problem document (RFC 9457) with the code of `docs/errors.md`. */
export interface Problem {
  readonly type: string
  readonly title: string
  readonly status: number
  readonly code: string
  readonly detail: string
  /** What is wrong with which field: `invalid_input` only. */
  readonly errors?: unknown
  /**
   * The same for programs, with whatever else they need to react: a rejection's `reason`, limits,
   * known names …
   */
  readonly error: Readonly<Record<string, unknown>>
}

/**
 * Makes the problem document of an error that callers may see (`publicError`).
 * @param status when HTTP has a status more exact than the code's own, such as 405 for
 * `unknown_route`
 */
export function problemOf(error: GridError, status: number = error.status): Problem {
  const { code, details } = error
  const title = status === error.status ? errorKinds[code].title : STATUS_CODES[status]
  return {
    type: `urn:spacegrid:error:${code}`,
    title: title ?? errorKinds[code].title,
    status,
    code,
    detail: detailOf(error),
    ...(details.errors === undefined ? undefined : { errors: details.errors }),
    error: { ...details, code },
  }
}

/** `startsAt: must be integer` says more to whoever reads it than a sentence around it. */
function detailOf(error: GridError): string {
  const { errors } = error.details
  if (error.code !== 'invalid_input' || !Array.isArray(errors) || errors.length === 0)
    return error.message
  return errors
    .map(({ path, message }) => (path === '' ? message : `${path}: ${message}`))
    .join('; ')
}

/**
 * Seconds for `Retry-After`, at least 1; undefined when sending the same request again is no use.
 */
export function retryAfterSeconds(error: GridError): number | undefined {
  if (!error.retryable) return undefined
  return Math.max(1, Math.ceil((error.retryAfterMs ?? 0) / 1000))
}
