const lookEveryMs = 500

/**
 * Stops this program with the npm that has started it (`npm start`, `npx spacegrid …`). A shell
 * stands between the two, which ends on a SIGTERM that was meant for the program and tells nobody:
 * seen from here, the parent is another one then.
 */
export function stopWithNpm(): void {
  if (process.env.npm_command === undefined) return
  const parent = process.ppid
  const timer = setInterval(() => {
    if (process.ppid === parent) return
    clearInterval(timer)
    process.kill(process.pid, 'SIGTERM')
  }, lookEveryMs)
  timer.unref()
}
