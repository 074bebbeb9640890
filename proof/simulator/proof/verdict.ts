import { runFleet, type SeedOutcome } from '../fleet.ts'
import type { BrokenCopy, Outcome } from './broken-copy.ts'

/** What has become of a copy in which something may be broken. */
export type Verdict =
  /** Nothing was noticed. */
  | { readonly kind: 'clean' }
  /** A promise was seen to be broken. */
  | { readonly kind: 'caught'; readonly by: string; readonly how: string }
  /** It failed, but not because a promise was broken: that proves nothing. */
  | { readonly kind: 'unfit'; readonly by: string; readonly how: string }

const clean: Verdict = { kind: 'clean' }
const reportFile = 'tested.json'
const vitest = 'node_modules/vitest/vitest.mjs'
/** One check of one rule; a correct grid takes a fraction of it. */
const checkMsMax = 10 * 60_000
const shownMax = 180

/** Problems that tell of a program that does not run, rather than of a promise that it breaks. */
const isOfProgram = (problem: string): boolean =>
  /^(process|endless|simulator):|\b(SyntaxError|ReferenceError)\b|ERR_MODULE_NOT_FOUND/.test(
    problem,
  )

export interface Simulation {
  /** The first seed, and the one behind the last. */
  readonly from: number
  readonly to: number
  readonly jobs: number
}

/**
 * What the copy's simulator shows, up to the first seed that fails. Its processes are ours: the
 * command around them would only start one more.
 */
export async function simulated(
  copy: BrokenCopy,
  { from, to, jobs }: Simulation,
): Promise<Verdict> {
  const found = new AbortController()
  const late = AbortSignal.timeout(checkMsMax)
  const failures: SeedOutcome[] = []
  await runFleet(Iterator.from(numbers(from, to)), {
    jobs: Math.min(jobs, to - from),
    workload: undefined,
    worker: copy.path('proof/simulator/worker.ts'),
    env: copy.env,
    signal: AbortSignal.any([found.signal, late]),
    told: (outcome) => {
      if (outcome.problems.length === 0) return
      failures.push(outcome)
      found.abort()
    },
  })
  const by = 'the simulator'
  const [failure] = failures
  const [problem] = failure?.problems ?? []
  if (failure && problem !== undefined) {
    const kind = isOfProgram(problem) ? 'unfit' : 'caught'
    return { kind, by: `${by}, seed ${failure.seed}`, how: brief(problem) }
  }
  return late.aborted ? { kind: 'unfit', by, how: lastWords(unended) } : clean
}

function* numbers(from: number, to: number): Generator<number> {
  for (let at = from; at < to; at++) yield at
}

interface TestReport {
  readonly testResults: readonly {
    readonly name: string
    readonly message: string
    readonly status: string
    readonly assertionResults: readonly {
      readonly status: string
      readonly fullName: string
      readonly failureMessages: readonly string[]
    }[]
  }[]
}

/** What tests show, up to the first one that fails. */
export async function tested(copy: BrokenCopy, paths: readonly string[]): Promise<Verdict> {
  const args = ['run', '--bail=1', '--reporter=json', `--outputFile=${reportFile}`, ...paths]
  await copy.take(reportFile)
  const outcome = await copy.run(vitest, args, checkMsMax)
  if (outcome.code === 0) return clean
  const files = parsed<TestReport>(await copy.take(reportFile))?.testResults ?? []
  for (const { assertionResults } of files)
    for (const { status, fullName, failureMessages } of assertionResults) {
      if (status !== 'failed') continue
      const [problem = ''] = failureMessages
      const kind = isOfProgram(problem) ? 'unfit' : 'caught'
      return { kind, by: `“${fullName.trim()}”`, how: brief(problem) }
    }
  // A file that cannot even be loaded, a hook that fails, a server that is not there.
  const failed = files.find(({ status }) => status === 'failed')
  return {
    kind: 'unfit',
    by: failed?.name ?? paths.join(' '),
    how: failed ? brief(failed.message) : lastWords(outcome),
  }
}

function parsed<T>(text = ''): T | undefined {
  try {
    return JSON.parse(text) as T
  } catch {
    // Nothing, or cut off in the middle: then it says nothing.
    return undefined
  }
}

const brief = (problem: string): string => {
  const line = problem.trim().replaceAll(/\s+/g, ' ')
  return line.length > shownMax ? `${line.slice(0, shownMax)}…` : line
}

const unended: Outcome = { code: undefined, stdout: '', stderr: '' }

const lastWords = ({ code, stdout, stderr }: Outcome): string =>
  code === undefined
    ? 'it did not end by itself'
    : `it ended with ${code}: ${(stderr || stdout).trim().slice(-shownMax)}`
