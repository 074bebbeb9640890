import type { Logger } from 'pino'
import type { Environment } from './environment.ts'

const patienceMs = 1000

/**
 * A program that starts waits for NATS a while before it gives up: that is said, once, when it
 * takes longer than a moment. Returns what to call when NATS has answered.
 */
export function tellWaiting(
  log: Logger,
  { NATS_URL = '' }: Pick<Environment, 'NATS_URL'>,
): () => void {
  let isTold = false
  const timer = setTimeout(() => {
    isTold = true
    log.warn(
      `not ready: NATS does not answer, or JetStream is not there yet (${hostsOf(NATS_URL)})`,
    )
  }, patienceMs)
  return () => {
    clearTimeout(timer)
    if (isTold) log.info('NATS has answered')
  }
}

/** Without names and passwords. */
const hostsOf = (urls: string): string => urls.replaceAll(/[^/,\s]*@/g, '')
