import { isGridError } from '@spacegrid/grid/core/errors'

/**
 * A command cannot do what it was asked to, and says so in its message: the program ends with that
 * line and no stack.
 */
export class Failure extends Error {
  override readonly name: string = 'Failure'
  /** 1: it did not hold, or was not done; 2: wrong usage or configuration. */
  readonly exitCode: 1 | 2

  constructor(message: string, exitCode: 1 | 2 = 1, options?: ErrorOptions) {
    super(message, options)
    this.exitCode = exitCode
  }
}

/** For what is told by its message alone, whatever it was thrown as. */
export function failureOf(error: unknown, exitCode: 1 | 2 = 1): Failure {
  if (error instanceof Failure) return error
  const message = error instanceof Error ? error.message : String(error)
  return new Failure(message, exitCode, { cause: error })
}

/**
 * For input that is words of a command line: wrong words end it with 2. Everything else ends it as
 * it does anyway.
 */
export const byWords = (error: unknown): unknown =>
  isGridError(error, 'invalid_input') ? failureOf(error, 2) : error
