import { readFileSync } from 'node:fs'

/** What a process has had of the processor. */
export interface ProcessUse {
  /** Processor time of all its threads, ms. */
  readonly cpuMs: number
  /** It waits for something; otherwise it runs, or would if the machine let it. */
  readonly asleep: boolean
}

/** Linux counts in hundredths of a second, whatever its kernel does. */
const tickMs = 10

/** undefined: the process is gone, or this system does not say (only Linux does). */
export function useOf(pid: number): ProcessUse | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // The name before them may hold anything, brackets and blanks too: proc_pid_stat(5).
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    const [state, user, system] = [fields[0], Number(fields[11]), Number(fields[12])]
    return { cpuMs: (user + system) * tickMs, asleep: state === 'S' }
  } catch {
    return undefined
  }
}

/**
 * Whether a process that should have been done in `msMax` of processor time does not end by itself:
 * it has had that time, or it has stood still since `before`. A machine that does not let it run is
 * no fault of its own.
 */
export function isEndless(
  started: ProcessUse,
  before: ProcessUse,
  now: ProcessUse,
  msMax: number,
): boolean {
  const stoodStill = now.asleep && now.cpuMs - before.cpuMs < 1000
  return stoodStill || now.cpuMs - started.cpuMs >= msMax
}
