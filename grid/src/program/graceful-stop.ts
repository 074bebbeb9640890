/** A program that can be asked to stop. */
export interface Stoppable {
  stop(): Promise<void>
}

/**
 * Stops a program on SIGTERM and SIGINT, and when the parent that holds a channel to it has gone: once, in order, then the process ends by itself with code 0. A second signal, or a stop that takes
 * longer than `stopMsMax`, ends it at once with code 1: nothing acknowledged is lost either way.
 */
export function stopOnSignals(program: Stoppable, stopMsMax = 20_000): void {
  let stopping = false
  const stop = () => {
    if (stopping) process.exit(1)
    stopping = true
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
