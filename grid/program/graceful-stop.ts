/** A program that can be asked to stop. */
export interface Stoppable {
  stop(): Promise<void>
}

const sameSignalMs = 1000

/**
 * Stops a program on SIGTERM and SIGINT, and when the parent that holds a channel to it has gone:
 * once, in order, then the process ends by itself with code 0. A second signal, or a stop that
 * takes longer than `stopMsMax`, ends it at once with code 1: nothing acknowledged is lost either
 * way. One that follows at once is the same one: of a Ctrl-C both the terminal and npm tell.
 */
export function stopOnSignals(program: Stoppable, stopMsMax = 20_000): void {
  let stoppingSince: number | undefined
  const stop = () => {
    if (stoppingSince !== undefined) {
      if (performance.now() - stoppingSince > sameSignalMs) process.exit(1)
      return
    }
    stoppingSince = performance.now()
    // Not unref'd: timers inside the program do not keep the process alive until it has stopped.
    setTimeout(() => process.exit(1), stopMsMax)
    program.stop().then(
      () => process.exit(0),
      (error) => {
        console.error(error)
        process.exit(1)
      },
    )
  }
  process.on('SIGTERM', stop)
  process.on('SIGINT', stop)
  if (process.send === undefined) return
  // A parent may have gone while this program was starting.
  if (process.connected) process.on('disconnect', stop)
  else stop()
}
