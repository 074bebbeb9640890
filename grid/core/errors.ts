/**
 * One row of the error registry: how a code looks over HTTP and whether the same request may simply
 * be sent again.
 */
export interface ErrorKind {
  readonly status: number
  readonly retryable: boolean
  readonly title: string
}

const kind = (status: number, retryable: boolean, title: string): ErrorKind => ({
  status,
  retryable,
  title,
})

/**
 * Every code a caller can meet. `docs/errors.md` describes each; a test holds the two lists equal.
 */
export const errorKinds = {
  // What the caller sent
  invalid_input: kind(400, false, 'The input does not fit its schema'),
  invalid_json: kind(400, false, 'The body is not valid JSON'),
  invalid_key: kind(400, false, 'The key is not acceptable'),
  invalid_header: kind(400, false, 'A request header has an unusable value'),
  url_too_long: kind(414, false, 'The URL is longer than the limit'),
  body_too_large: kind(413, false, 'The body is larger than the limit'),
  query_too_large: kind(413, false, 'The query looks at more entries than it may'),
  transaction_too_large: kind(413, false, 'The transaction is larger than the limit'),
  unsupported_media_type: kind(415, false, 'The body must be application/json'),
  unknown_space: kind(404, false, 'No such space'),
  unknown_command: kind(404, false, 'No such command'),
  unknown_query: kind(404, false, 'No such query'),
  unknown_cache: kind(404, false, 'No such cache'),
  unknown_projection: kind(404, false, 'No such projection'),
  wrong_partition: kind(421, false, 'It belongs to another partition'),
  explain_off: kind(403, false, 'Explanations are not given here'),
  unknown_route: kind(404, false, 'No such route'),
  not_found: kind(404, false, 'Not found'),
  position_out_of_reach: kind(410, false, 'The position is out of reach'),
  rejected: kind(409, false, 'The command was refused'),
  unauthenticated: kind(401, false, 'Say who you are'),
  forbidden: kind(403, false, 'A permission is missing'),
  admission_required: kind(403, false, 'Whoever wants this waits in line first'),
  ticket_invalid: kind(403, false, 'The ticket does not hold'),
  unknown_line: kind(404, false, 'No such line'),
  idempotency_key_reused: kind(422, false, 'The idempotency key was used for another command'),
  // What the grid cannot do right now
  rate_limited: kind(429, true, 'Too many requests of one caller'),
  admission_overused: kind(429, true, 'Too much was asked with one admission'),
  overloaded: kind(503, true, 'Too much work is waiting'),
  contended: kind(503, true, 'The entry is contended'),
  not_ready: kind(503, true, 'The processing unit is not ready'),
  partitions_unavailable: kind(503, true, 'Nobody who keeps a partition answers'),
  diverged: kind(503, true, 'The replica differs from the others'),
  stopping: kind(503, true, 'The processing unit is stopping'),
  log_unavailable: kind(503, true, 'The log cannot be reached'),
  position_timeout: kind(503, true, 'The replica has not reached the position in time'),
  too_stale: kind(503, true, 'The state is older than the caller takes it'),
  identity_unavailable: kind(503, true, 'Who asks cannot be found out just now'),
  store_unavailable: kind(503, true, 'The store cannot be reached'),
  image_unavailable: kind(503, true, 'The warm image cannot be reached'),
  log_full: kind(507, true, 'The log is full'),
  memory_full: kind(507, true, 'The memory of the grid is full'),
  outbox_full: kind(507, true, 'Too many reactions are waiting'),
  cache_full: kind(507, true, 'The cache holds as many entries as it can'),
  outcome_unknown: kind(504, true, 'The outcome is not known yet'),
  persist_timeout: kind(504, true, 'Committed, but not persisted in time'),
  request_timeout: kind(504, true, 'No answer in time'),
  no_responder: kind(503, true, 'Nobody answers on this subject'),
  // Between components: never answers to a caller's command
  record_too_large: kind(500, false, 'A record is larger than the log takes'),
  fenced: kind(500, false, 'Another writer has appended in between'),
  quarantine_full: kind(500, false, 'The store refuses too many entries'),
  stale_writer: kind(500, false, 'The checkpoint has moved on'),
  log_replaced: kind(500, false, 'The log is not the one followed so far'),
  log_trimmed: kind(500, false, 'The log no longer holds the next position'),
  record_damaged: kind(500, false, 'A record is damaged, or none at all'),
  format_unsupported: kind(500, false, 'A record has a format this version cannot read'),
  definition_conflict: kind(500, false, 'The definition contradicts the one in the log'),
  configuration_invalid: kind(500, false, 'The configuration is not usable'),
  application_fault: kind(500, false, 'The application has made a mistake'),
  internal: kind(500, false, 'Internal error'),
} as const satisfies Record<string, ErrorKind>

export type ErrorCode = keyof typeof errorKinds

export interface GridErrorOptions {
  readonly cause?: unknown
  /** What a program needs to react: offending field, limit, seats … Must be JSON. */
  readonly details?: Readonly<Record<string, unknown>>
  /** When a retry makes sense, in ms from now. */
  readonly retryAfterMs?: number
}

/**
 * A fault of the world, told to whoever can act on it. Our own bugs are assertions, never
 * GridErrors.
 */
export class GridError extends Error {
  readonly code: ErrorCode
  readonly details: Readonly<Record<string, unknown>>
  readonly retryAfterMs: number | undefined

  constructor(code: ErrorCode, message: string, options: GridErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'GridError'
    this.code = code
    this.details = options.details ?? {}
    this.retryAfterMs = options.retryAfterMs
  }

  get status(): number {
    return errorKinds[this.code].status
  }

  get retryable(): boolean {
    return errorKinds[this.code].retryable
  }
}

/** By what an error is counted: its code, or `internal` for a bug of ours. */
export const codeOf = (error: unknown): ErrorCode => (isGridError(error) ? error.code : 'internal')

/** A handler's or an operation's "no": final, nothing changed. */
export class Rejection extends GridError {
  readonly reason: string
  /** Place of the step that refuses, among its transaction's; undefined: the handler itself. */
  readonly step: number | undefined

  constructor(reason: string, details: Readonly<Record<string, unknown>> = {}, step?: number) {
    super('rejected', `Refused: ${reason}`, { details })
    this.name = 'Rejection'
    this.reason = reason
    this.step = step
  }
}

export const isGridError = (error: unknown, code?: ErrorCode): error is GridError =>
  error instanceof GridError && (code === undefined || error.code === code)

/** What comes from other versions, or from anybody, may have codes that this one does not know. */
export const isErrorCode = (code: unknown): code is ErrorCode =>
  typeof code === 'string' && Object.hasOwn(errorKinds, code)
