import {
  ApplicationFault,
  type Callback,
  ReturnFault,
} from '@spacegrid/grid/core/application-fault'
import { promisesIn } from '@spacegrid/grid/core/callback'
import { DataFault, takeData } from '@spacegrid/grid/core/data'
import type { Value } from '@spacegrid/grid/core/data-types'
import { type ErrorCode, GridError, isGridError, Rejection } from '@spacegrid/grid/core/errors'
import { nameOf } from '@spacegrid/grid/core/operation-schema'
import { isPlain } from '@spacegrid/grid/core/outcomes'
import { UnusablePage } from '@spacegrid/grid/core/page-cursor'
import { UnusableRows } from '@spacegrid/grid/core/projection/row-queries'

/** What a transaction can meet that is nobody's mistake. */
const answersOfCommands: ReadonlySet<ErrorCode> = new Set([
  'transaction_too_large',
  'memory_full',
  'cache_full',
  'outbox_full',
])

const answersOfQueries: ReadonlySet<ErrorCode> = new Set(['not_found', 'query_too_large'])

/**
 * Judges what the application's callbacks throw: a business answer is passed on, everything else is
 * a fault of the application, told in the log once and to the caller under its id. A promise is a
 * fault as well, and its rejection, which nobody would handle, is told with it.
 */
export class FaultDesk {
  readonly #newId: () => string
  readonly #report: (fault: ApplicationFault) => void

  constructor(newId: () => string, report: (fault: ApplicationFault) => void) {
    this.#newId = newId
    this.#report = report
  }

  /**
   * Never throws, whatever has been thrown does when it is looked at.
   * @param position where the command has been committed all the same
   */
  judge(callback: Callback, thrown: unknown, position?: number): GridError {
    try {
      return this.#judged(callback, thrown, position)
    } catch {
      return this.#fault(callback, unlookable(), position)
    }
  }

  #judged(callback: Callback, thrown: unknown, position: number | undefined): GridError {
    // Told already: a query that asks a projection which has failed.
    if (thrown instanceof ApplicationFault) return thrown
    if (isGridError(thrown) && isAnswer(callback, thrown)) {
      const answer = taken(thrown)
      return isGridError(answer) ? answer : this.#fault(callback, answer)
    }
    return this.#fault(callback, thrown, position)
  }

  #fault(callback: Callback, cause: unknown, position?: number): ApplicationFault {
    const fault = new ApplicationFault(callback, cause, this.#newId(), position)
    this.#report(fault)
    const promises = cause instanceof ReturnFault ? cause.promises : promisesIn(cause)
    for (const promise of promises) this.#hear(callback, fault.id, promise)
    return fault
  }

  #hear(callback: Callback, id: string, promise: unknown): void {
    // Resolving with it calls its `then`, whatever that is, where it can do no harm.
    new Promise((resolve) => resolve(promise)).catch((reason: unknown) => {
      try {
        this.#report(new ApplicationFault(callback, reason, id))
      } catch {
        this.#report(new ApplicationFault(callback, unlookable(), id))
      }
    })
  }
}

const unlookable = () => new TypeError('threw what does not let itself be looked at')

/** Nobody waits for what an expiry does: but what it rejects with, it is refused with. */
function isAnswer({ kind }: Callback, thrown: GridError): boolean {
  const { code } = thrown
  if (kind === 'command') return thrown instanceof Rejection || answersOfCommands.has(code)
  if (kind === 'expiry') return thrown instanceof Rejection
  if (kind !== 'query') return false
  return answersOfQueries.has(code) || isAsked(thrown)
}

/** The caller has sent it. */
const isAsked = (thrown: GridError): boolean =>
  thrown instanceof UnusablePage || thrown instanceof UnusableRows

/**
 * An answer as it can be told to anybody, or what keeps it from that: an application can throw
 * everything that the grid throws, with whatever in it.
 */
function taken(thrown: GridError): GridError | Error {
  const { code, message, details, retryAfterMs } = thrown
  const isRefusal = thrown instanceof Rejection
  if (isRefusal && !isText(thrown.reason))
    return new TypeError('a rejection needs a reason: a text')
  const what = isRefusal ? "a rejection's details" : `the details of ${code}`
  // Told with other fields beside them.
  if (
    details === null ||
    typeof details !== 'object' ||
    Array.isArray(details) ||
    !isPlain(details)
  )
    return new TypeError(`${what} must be an object, not ${nameOf(details)}`)
  try {
    const told = takeData<Value>(details)
    if (isRefusal) return new Rejection(thrown.reason, told)
    const again = typeof retryAfterMs === 'number' ? { retryAfterMs } : {}
    return new GridError(code, String(message), { details: told, ...again })
  } catch (error) {
    if (!(error instanceof DataFault)) return error as Error
    const { path, problem } = error
    return new ReturnFault(path, `of ${what} ${problem}`, promisesIn(details))
  }
}

const isText = (reason: unknown): boolean =>
  typeof reason === 'string' && reason !== '' && reason.isWellFormed()
