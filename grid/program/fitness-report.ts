import type { Logger } from 'pino'
import type { FitnessListener } from '../drivers/nats/stream-watch.ts'

/**
 * Tells in the program's log that a stream loses records by its settings, and that it no longer
 * does.
 */
export const reportFitness =
  (log: Logger, stream: string): FitnessListener =>
  (unfit) =>
    unfit === undefined
      ? log.info({ stream }, `stream ${stream} can serve as a log again`)
      : log.error({ stream }, unfit)
