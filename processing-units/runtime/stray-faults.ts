import { isOwnSource } from '@spacegrid/grid/core/own-sources'

/** What there is to tell it to. */
export interface FaultLog {
  error(details: object, message: string): void
}

/** What begins in a package is no mistake of the application either. */
const ofPackages = /[\\/]node_modules[\\/]/
const place = /(?:[(\s]|file:\/\/)((?:[A-Za-z]:)?[\\/][^:()]+):\d+:\d+\)?$/
/** Of one that comes again and again the number is told this often. */
const toldAgainMs = 60_000

/**
 * Keeps the process when a callback that the application has left behind (a timer, a promise that
 * nobody waits for) throws: that is told, and costs nobody else anything. What began in the grid or
 * in a driver still ends the process, for its state may be wrong.
 * @param now monotonic ms
 */
export function tellStrayFaults(log: FaultLog, now: () => number = () => performance.now()): void {
  let times = 0
  let toldAt = Number.NEGATIVE_INFINITY
  const hear = (error: unknown) => {
    if (!isOfApplication(error)) {
      console.error(error)
      process.exit(1)
    }
    times++
    if (now() - toldAt < toldAgainMs) return
    toldAt = now()
    const message =
      'the application has thrown outside of its handlers, where nobody waits for it; nothing of the grid is affected'
    log.error({ code: 'application_fault', err: error, times }, message)
  }
  process.on('uncaughtException', hear)
  process.on('unhandledRejection', hear)
}

/**
 * Whether the call that led to it came from the application: by the outermost frame that is not
 * Node's own.
 */
export function isOfApplication(error: unknown): boolean {
  if (!(error instanceof Error)) return true
  const paths = (error.stack ?? '').split('\n').flatMap((line) => place.exec(line)?.[1] ?? [])
  const outermost = paths.at(-1)
  return outermost !== undefined && !isOwnSource(outermost) && !ofPackages.test(outermost)
}
