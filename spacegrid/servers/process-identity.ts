import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { promisify } from 'node:util'

const run = promisify(execFile)

/**
 * The command line of a running process, or undefined when there is none by that id. A process that
 * has ended but that its parent has not yet collected (a zombie) has no command line: it counts as
 * gone.
 */
export async function commandLineOf(pid: number): Promise<string | undefined> {
  try {
    const text =
      process.platform === 'linux'
        ? (await readFile(`/proc/${pid}/cmdline`, 'utf8')).replaceAll('\0', ' ')
        : (await run('ps', ['-o', 'command=', '-p', String(pid)])).stdout
    const commandLine = text.trim()
    return commandLine === '' || commandLine.endsWith('<defunct>') ? undefined : commandLine
  } catch {
    // Neither /proc nor ps knows the id: no such process.
    return undefined
  }
}

/**
 * When a running process began, in words that differ from those of a later process by the same id;
 * undefined when there is none, or only a zombie.
 */
export async function birthOf(pid: number): Promise<string | undefined> {
  try {
    if (process.platform !== 'linux')
      return (await run('ps', ['-o', 'lstart=', '-p', String(pid)])).stdout.trim() || undefined
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8')
    // The program's name, in brackets, may hold anything; behind it follow the state, and as the
    // twentieth the start (proc(5)).
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return fields[0] === 'Z' ? undefined : fields[19]
  } catch {
    // Neither /proc nor ps knows the id: no such process.
    return undefined
  }
}

/** Sends a signal; false when the process was gone already. */
export function signal(pid: number, name: NodeJS.Signals): boolean {
  try {
    process.kill(pid, name)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false
    throw error
  }
}
