import { execFileSync } from 'node:child_process'
import { cpus, totalmem } from 'node:os'

/** Where, when and with what a result was measured: without it a figure says nothing. */
export interface RunFacts {
  readonly startedAt: string
  readonly command: string
  readonly commit: string
  readonly machine: {
    readonly cpu: string
    readonly cores: number
    readonly memoryGiB: number
    readonly platform: string
  }
  readonly node: string
}

/** @param program as the user calls it, such as `npm run bench --` */
export function runFacts(program: string): RunFacts {
  return {
    startedAt: new Date().toISOString(),
    command: [program, ...process.argv.slice(2)].join(' '),
    commit: commit(),
    machine: {
      cpu: cpus()[0]?.model ?? 'unknown',
      cores: cpus().length,
      memoryGiB: Math.round(totalmem() / 2 ** 30),
      platform: `${process.platform}-${process.arch}`,
    },
    node: process.version,
  }
}

/** One line for people. */
export function factsLine({ startedAt, commit, machine, node }: RunFacts): string {
  const { cpu, cores, memoryGiB, platform } = machine
  return `${startedAt}, commit ${commit}, ${cpu} (${cores} cores, ${memoryGiB} GiB, ${platform}), Node ${node}`
}

/** What git answers, without its last newline. Throws without a checkout or without git. */
export function git(...args: readonly string[]): string {
  return execFileSync('git', args, {
    encoding: 'utf8',
    cwd: import.meta.dirname,
    stdio: ['ignore', 'pipe', 'ignore'],
    maxBuffer: 64 * 1024 * 1024,
  }).trimEnd()
}

function commit(): string {
  try {
    // Results that an earlier run has written change nothing that is measured.
    const others = ':(exclude,top)bench/results'
    const changed = git('status', '--porcelain', '--untracked-files=no', '--', ':/', others) !== ''
    return `${git('rev-parse', '--short', 'HEAD')}${changed ? ' with changes' : ''}`
  } catch {
    return 'unknown' // Not a checkout, or no git: the figures are still good.
  }
}
