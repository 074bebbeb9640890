import { stackOf, textOf } from '@spacegrid/grid/core/application-fault'
import { isOwnSource } from '@spacegrid/grid/core/own-sources'
import { isOfGrid } from './origin.ts'

/** What there is to tell it to. */
export interface FaultLog {
  error(details: object, message: string): void
}

/** Of neither the grid nor the application: which of them has called it, the stack need not say. */
const ofPackages = /[\\/]node_modules[\\/]/
const place = /(?:[(\s]|file:\/\/)((?:[A-Za-z]:)?[\\/][^:()]+):\d+:\d+\)?$/
const frame = /^\s+at .+/m
/** `fetch` and files: who waits for them stands in the stack, and the grid always waits. */
const ofNode = /\(?node:internal\/(?:deps\/undici|fs\/promises)/
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
  const hear = (error: unknown, isRejection: boolean) => {
    if (!isOfApplication(error, isRejection, isOfGrid())) {
      console.error(error)
      process.exit(1)
    }
    times++
    if (now() - toldAt < toldAgainMs) return
    toldAt = now()
    const message =
      'the application has thrown outside of its handlers, where nobody waits for it; nothing of the grid is affected'
    const told = { fault: textOf(error), stack: stackOf(error) }
    log.error({ code: 'application_fault', ...told, times }, message)
  }
  process.on('uncaughtException', (error) => hear(error, false))
  process.on('unhandledRejection', (reason) => hear(reason, true))
}

/**
 * Whether the application has led to it. What is thrown belongs to whoever has made the call, by
 * the outermost frame that is not Node's own. A promise that nobody waits for is the application's
 * as soon as one frame is: the grid handles what callbacks give back, so it is what one has left
 * behind. No frame at all has what Node says of a `fetch`, and what somebody has made so. Where
 * the stack says nothing of either, as of a socket, it is the grid's if the grid has begun it.
 */
export function isOfApplication(
  error: unknown,
  isRejection: boolean,
  isBegunByGrid: boolean,
): boolean {
  const stack = stackOf(error)
  if (stack === undefined) return true
  const paths = stack.split('\n').flatMap((line) => place.exec(line)?.[1] ?? [])
  if (paths.length === 0 && (!frame.test(stack) || (isRejection && ofNode.test(stack)))) return true
  if (isRejection ? paths.every(isPackages) : isPackages(paths.at(-1) ?? '')) return !isBegunByGrid
  return isRejection ? paths.some(isApplications) : isApplications(paths.at(-1) as string)
}

/** Or nobody's. */
const isPackages = (path: string): boolean => path === '' || ofPackages.test(path)
const isApplications = (path: string): boolean => !isOwnSource(path) && !isPackages(path)
