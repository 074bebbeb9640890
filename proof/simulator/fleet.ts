import { type ChildProcess, fork } from 'node:child_process'
import { isEndless, type ProcessUse, useOf } from './process-use.ts'

export interface SeedTask {
  readonly seed: number
  readonly workload: string | undefined
}

export interface SeedOutcome {
  readonly seed: number
  readonly workload: string
  readonly problems: readonly string[]
  readonly coverage: readonly (readonly [string, number])[]
  /** Of a run that failed, where the workload keeps it. */
  readonly asked?: readonly string[]
}

export interface FleetOptions {
  readonly jobs: number
  readonly workload: string | undefined
  readonly signal: AbortSignal
  readonly told: (outcome: SeedOutcome) => void
  /** The program of each process: a file. */
  readonly worker: string
  /** What its environment has beside ours. Default: nothing. */
  readonly env?: Readonly<Record<string, string>>
  /** What the worker's program is started with. Default: nothing. */
  readonly words?: readonly string[]
}

/**
 * A seed takes a tenth of a second; one that takes this much processor time does not end by itself.
 * It is looked at so often, and ended after so many looks whatever it has had of a busy machine.
 */
const seedMsMax = 60_000
const looksMax = 20
/**
 * Seeds of one process, whatever they may leave behind. Not few: a new process takes twice as long
 * for each of its first hundred.
 */
const seedsOfProcess = 5000

/**
 * Runs seeds in several processes, each one after the other, until there are none left or the
 * signal aborts.
 */
export async function runFleet(seeds: Iterator<number>, options: FleetOptions): Promise<void> {
  await Promise.all(Array.from({ length: options.jobs }, () => runOne(seeds, options)))
}

async function runOne(seeds: Iterator<number>, options: FleetOptions): Promise<void> {
  const { signal, workload, told } = options
  let child = start(options)
  let left = seedsOfProcess
  try {
    while (!signal.aborted) {
      const { value: seed, done } = seeds.next()
      if (done) return
      const outcome = await outcomeOf(child, { seed, workload }, signal)
      if (!outcome) return
      told(outcome)
      const { exitCode, signalCode, killed } = child
      const isGone = exitCode !== null || signalCode !== null || killed
      if (!isGone && --left > 0) continue
      child.kill('SIGKILL')
      child = start(options)
      left = seedsOfProcess
    }
  } finally {
    child.kill('SIGKILL')
  }
}

const start = ({ worker, env = {}, words = [] }: FleetOptions): ChildProcess =>
  fork(worker, words, { env: { ...process.env, ...env } })

/** undefined: nobody wants to know any more. */
function outcomeOf(
  child: ChildProcess,
  task: SeedTask,
  signal: AbortSignal,
): Promise<SeedOutcome | undefined> {
  return new Promise((resolve) => {
    const { seed, workload = 'any' } = task
    const fails = (problem: string) => finish({ seed, workload, problems: [problem], coverage: [] })
    const timer = whenEndless(child, () => {
      child.kill('SIGKILL')
      fails(`endless: seed ${seed} has not ended within ${seedMsMax / 1000} s`)
    })
    const exited = (code: number | null, by: string | null) =>
      fails(`process: it ended with ${by ?? code} in seed ${seed}`)
    const aborted = () => finish(undefined)
    const answered = (outcome: unknown) => finish(outcome as SeedOutcome)
    function finish(outcome: SeedOutcome | undefined): void {
      clearInterval(timer)
      child.off('exit', exited)
      child.off('message', answered)
      signal.removeEventListener('abort', aborted)
      resolve(outcome)
    }
    child.once('exit', exited)
    child.once('message', answered)
    signal.addEventListener('abort', aborted, { once: true })
    child.send(task)
  })
}

/** By the clock alone where the system does not say what a process has had of the processor. */
function whenEndless(child: ChildProcess, tell: () => void): NodeJS.Timeout {
  const look = () => (child.pid === undefined ? undefined : useOf(child.pid))
  const nothing: ProcessUse = { cpuMs: 0, asleep: false }
  const started = look()
  let before = started ?? nothing
  let looks = 0
  return setInterval(() => {
    const now = look()
    looks += 1
    const isOver = !now || looks >= looksMax
    if (isOver || isEndless(started ?? nothing, before, now, seedMsMax)) tell()
    else before = now
  }, seedMsMax)
}
