import type { Logger } from 'pino'
import { isGridError } from '../core/errors.ts'
import type { TellRefused } from '../drivers/refused-messages.ts'

/**
 * Tells in the program's log of messages that nobody could do anything with; a bug of ours is told
 * as an error.
 */
export const tellRefused =
  (log: Logger): TellRefused =>
  (error, subject, count) =>
    log[isGridError(error) ? 'warn' : 'error'](
      { err: error, subject, count },
      'a message was refused; others on its subject are told of once a minute',
    )
