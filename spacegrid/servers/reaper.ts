import { type ChildProcess, spawn } from 'node:child_process'
import { ownProgram } from '../own-program.ts'

/**
 * Ends the processes that were handed to it when this process ends, even by kill -9, when no
 * handler of its own can run any more. A second process holds the other end of a pipe: its end of
 * input is our end.
 */
let reaper: ChildProcess | undefined

/** From now on, the process with this id ends with this one. */
export function reapWithThisProcess(pid: number): void {
  tell(`reap ${pid}`)
}

/** The process has ended, so that its id may soon be another's: leave it alone. */
export function outlive(pid: number): void {
  tell(`spare ${pid}`)
}

/** From now on, this folder is removed when this process ends, after the processes. */
export function removeWithThisProcess(folder: string): void {
  tell(`remove ${folder}`)
}

function tell(line: string): void {
  if (reaper === undefined) {
    const program = ownProgram(new URL('./reaper-process.ts', import.meta.url))
    reaper = spawn(process.execPath, [program], {
      detached: true,
      stdio: ['pipe', 'ignore', 'ignore'],
    })
    // Neither the process nor the pipe to it keeps this one alive.
    reaper.unref()
    const { stdin } = reaper
    if (stdin !== null && 'unref' in stdin && typeof stdin.unref === 'function') stdin.unref()
    stdin?.on('error', () => {
      // It was killed. Then nothing is reaped, which costs leftovers and no more.
    })
  }
  reaper.stdin?.write(`${line}\n`)
}
