import type { Logger } from 'pino'
import type { Report } from '../engine/life/role-event.ts'

/**
 * Tells in the program's log what happens to a role. `names` stand beside every line: which unit,
 * which space.
 */
export function reportTo(log: Logger, names: Readonly<Record<string, string>>): Report {
  return ({ kind, level, message, error, details }) => {
    // Of an application's mistake everything that may be told is among the details.
    const err = error === undefined || kind === 'application_fault' ? {} : { err: error }
    log[level]({ ...names, ...details, ...err }, message)
  }
}
