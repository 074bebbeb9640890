import {
  ApplicationFault,
  type Callback,
  ReturnFault,
} from '@spacegrid/grid/core/application-fault'
import { promisesIn } from '@spacegrid/grid/core/callback'
import { DataFault, takeData } from '@spacegrid/grid/core/data'
import type { Value } from '@spacegrid/grid/core/data-types'
import { type ErrorCode, type GridError, isGridError, Rejection } from '@spacegrid/grid/core/errors'
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

  /** @param position where the command has been committed all the same */
  judge(callback: Callback, thrown: unknown, position?: number): GridError {
    // Told already: a query that asks a projection which has failed.
    if (thrown instanceof ApplicationFault) return thrown
    if (thrown instanceof Rejection && isTransaction(callback)) {
      const rejection = taken(thrown)
      return rejection instanceof Rejection ? rejection : this.#fault(callback, rejection)
    }
    if (isGridError(thrown) && isAnswer(callback, thrown.code)) return thrown
    // The caller has sent it.
    if (callback.kind === 'query' && isAsked(thrown)) return thrown
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
    new Promise((resolve) => resolve(promise)).catch((reason: unknown) =>
      this.#report(new ApplicationFault(callback, reason, id)),
    )
  }
}

const isAsked = (thrown: unknown): thrown is GridError =>
  thrown instanceof UnusablePage || thrown instanceof UnusableRows

const isTransaction = ({ kind }: Callback): boolean => kind === 'command' || kind === 'expiry'

/** Nobody waits for what an expiry does: what it is refused with is in the log or nowhere. */
const isAnswer = (callback: Callback, code: ErrorCode): boolean =>
  callback.kind === 'command'
    ? answersOfCommands.has(code)
    : callback.kind === 'query' && answersOfQueries.has(code)

/** A rejection as it can be told to anybody, or what keeps it from that. */
function taken({ reason, details }: Rejection): Rejection | Error {
  if (typeof reason !== 'string' || reason === '' || !reason.isWellFormed())
    return new TypeError('a rejection needs a reason: a text')
  try {
    return new Rejection(reason, takeData<Value>(details))
  } catch (error) {
    if (!(error instanceof DataFault)) return error as Error
    const { path, problem } = error
    return new ReturnFault(path, `of a rejection's details ${problem}`, promisesIn(details))
  }
}
