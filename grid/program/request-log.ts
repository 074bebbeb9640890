import type { Logger } from 'pino'
import type { RequestLog } from '../doors/request/request-log.ts'

/** A line for each request at level `debug`; undefined: nobody reads them. */
export const requestLogOf = (log: Logger): RequestLog | undefined =>
  log.isLevelEnabled('debug') ? (line) => log.debug(line, 'request') : undefined
