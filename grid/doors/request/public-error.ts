import { randomUUID } from 'node:crypto'
import { type ErrorCode, errorKinds, GridError, isGridError, Rejection } from '../../core/errors.ts'
import { type Trace, traceFields } from './trace.ts'

/** Where faults that callers must not see in full are told to us: pino's signature. */
export interface FaultLog {
  error(fields: object, message: string): void
  /** Told what is in the log already, and who has met it. */
  warn?(fields: object, message: string): void
}

/**
 * Their messages may be a driver's, with addresses and paths in them: callers get the title
 * instead.
 */
const toldByTitle: ReadonlySet<ErrorCode> = new Set([
  'log_unavailable',
  'log_full',
  'store_unavailable',
  'image_unavailable',
])

/**
 * What a caller may know of a failure. GridErrors that are meant for callers pass; a rejection's
 * reason joins its details, so that it survives any way the error travels. A mistake of the
 * application is in its unit's log already, and is told without what it says. Everything else is a
 * bug of ours or trouble between components: it is logged under an id, and the id is all the caller
 * gets.
 * @param trace under what the request is known; undefined: it is none of a caller's
 */
export function publicError(error: unknown, log: FaultLog, trace?: Trace): GridError {
  if (error instanceof Rejection)
    return new GridError('rejected', error.message, {
      details: { ...error.details, reason: error.reason },
    })
  if (isGridError(error, 'application_fault')) {
    const { id } = error.details
    // Told by the unit that ran it, under this id: here is who has met it.
    if (trace)
      log.warn?.({ id, ...traceFields(trace) }, 'A request met a mistake of the application')
    return applicationFault(error)
  }
  if (error instanceof GridError && error.status !== 500)
    return toldByTitle.has(error.code) ? byTitle(error) : error
  const id = randomUUID()
  log.error(
    { err: error, id, ...(trace && traceFields(trace)) },
    'A request failed inside the grid',
  )
  return new GridError('internal', `Internal error, logged as ${id}`, { details: { id } })
}

/** The code under which `publicError` tells of a failure. */
export function publicCode(error: unknown): ErrorCode {
  if (!isGridError(error)) return 'internal'
  return error.status === 500 && error.code !== 'application_fault' ? 'internal' : error.code
}

function byTitle(error: GridError): GridError {
  const { code, retryAfterMs } = error
  const again = retryAfterMs === undefined ? {} : { retryAfterMs }
  return new GridError(code, errorKinds[code].title, { cause: error, ...again })
}

/**
 * Its details are for callers: the id under which the unit has logged it, the command or query,
 * where that was committed all the same.
 */
function applicationFault({ details }: GridError): GridError {
  const { title } = errorKinds.application_fault
  const kind = ['command', 'query', 'projection'].find((it) => it in details)
  const where = kind === undefined ? '' : ` in ${kind} ${details[kind]}`
  return new GridError('application_fault', `${title}${where}, logged as ${details.id}`, {
    details,
  })
}
