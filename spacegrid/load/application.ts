import type { GridClient } from '../client/index.ts'
import type { Session } from './session.ts'

/** One promise, checked against what the grid says after the run. */
export interface AuditCheck {
  readonly promise: string
  readonly passed: boolean
  /** What was compared when it holds; the first few offenders when it does not. */
  readonly detail: string
}

/**
 * An application under load: what its users do, and what must be true of the grid afterwards,
 * whatever happened on the way. The order of calls is prepare, visit for every arrival, settle,
 * audit.
 */
export interface Application {
  readonly space: string
  /**
   * Creates what the users will use.
   * @throws Error when the grid refuses or cannot be reached
   */
  prepare(client: GridClient): Promise<void>
  /** One user, from arrival to leaving. */
  visit(session: Session): Promise<void>
  /**
   * Sends the commands again whose outcome is unknown, with their keys, until it is known or the
   * signal fires.
   */
  settle(client: GridClient, signal: AbortSignal): Promise<void>
  audit(client: GridClient): Promise<AuditCheck[]>
}

/** Offenders named in the report; the rest are counted. */
const offendersShown = 5

/** Makes a check of its offenders: it has passed when there are none. */
export function check(promise: string, offenders: readonly string[], compared: string): AuditCheck {
  if (offenders.length === 0) return { promise, passed: true, detail: compared }
  const more = offenders.length - offendersShown
  const shown = offenders.slice(0, offendersShown).join('; ')
  return { promise, passed: false, detail: more > 0 ? `${shown}; and ${more} more` : shown }
}
