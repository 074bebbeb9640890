import { availableParallelism } from 'node:os'
import { relative } from 'node:path'
import { runFleet, type SeedOutcome } from '@spacegrid/proof/simulator/fleet'
import { coverageText, grouped } from '@spacegrid/proof/simulator/report-text'
import { ruleOf } from '@spacegrid/proof/simulator/shrink'
import { catchStrayErrors } from '@spacegrid/proof/simulator/try-run'
import { Coverage } from '@spacegrid/proof/simulator/world/coverage'
import type { Command } from 'commander'
import { whole } from '../command-line/option-values.ts'
import { ownProgram } from '../own-program.ts'
import { loadSimulations } from './load-simulations.ts'
import { findingsOfAll, isOfApplication, type ShortestRun, shortestRun } from './simulate-space.ts'
import type { SimulatedGroup } from './simulated-group.ts'

export interface SimulateOptions {
  readonly seeds: number
  readonly from?: number
  readonly jobs: number
  readonly keepGoing: boolean
  readonly shrink: boolean
  readonly coverage: boolean
  readonly json: boolean
}

/** What came of simulating one space, or several of which some react on others. */
export interface SimulationReport {
  /** `shop + warehouse` */
  readonly space: string
  /** Reactions and processes that are not simulated, and why. */
  readonly leftOut: readonly string[]
  /** Into how many the space is divided; it has been simulated as one. Missing when it is not. */
  readonly partitions?: number
  readonly from: number
  readonly seeds: number
  readonly seconds: number
  readonly failures: readonly Pick<SeedOutcome, 'seed' | 'problems'>[]
  /** What only all seeds together show. */
  readonly findings: readonly string[]
  readonly shortest: ShortestRun | undefined
  readonly coverage: Readonly<Record<string, number>>
}

const seedMax = 2 ** 31
const worker = ownProgram(new URL('./worker.ts', import.meta.url))

/** Where a project has its space, unless a file is named. */
export const customarySpace = './space.ts'

/**
 * Gives a command its argument, options and help. What it does: `runSimulate`, with the exit code
 * as its result.
 */
export function describeSimulate(command: Command): Command {
  return command
    .description(
      'Simulates whole grids with your space in them (the real code) on simulated servers, network and time, under every fault. Looks for broken invariants and for the usual mistakes of handlers.',
    )
    .argument(
      '[file]',
      'the module that exports the space, or what defineSimulation has made',
      customarySpace,
    )
    .option('--seeds <number>', 'how many seeds to run', whole(1, 100_000_000), 200)
    .option('--from <seed>', 'the first of them; by default a new one', whole(0, seedMax))
    .option('--jobs <number>', 'processes', whole(1, 256), availableParallelism())
    .option('--keep-going', 'do not end with the first seed that fails', false)
    .option('--no-shrink', 'do not look for a shorter run that fails in the same way')
    .option('--coverage', 'print what happened how often', false)
    .option('--json', 'print the report as JSON; progress goes to standard error', false)
    .addHelpText(
      'after',
      `
The same seed gives the same run: --from SEED --seeds 1 shows it again.
Exit code: 0 nothing was found, 1 something was, 2 wrong options or no space.`,
    )
}

/** Simulates every space of the file. 0: nothing was found. */
export async function runSimulate(file: string, options: SimulateOptions): Promise<0 | 1> {
  catchStrayErrors()
  const reports: SimulationReport[] = []
  for (const group of await loadSimulations(file)) {
    const report = await simulateMany(file, group, options)
    reports.push(report)
    if (!options.json) say(reportText(report, file, options.coverage))
  }
  if (options.json) say(JSON.stringify(reports.length === 1 ? reports[0] : reports))
  const isClean = reports.every(
    ({ failures, findings }) => failures.length === 0 && findings.length === 0,
  )
  return isClean ? 0 : 1
}

async function simulateMany(
  file: string,
  group: SimulatedGroup,
  options: SimulateOptions,
): Promise<SimulationReport> {
  const { seeds, jobs, keepGoing } = options
  const { from = Math.floor(Math.random() * seedMax) } = options
  const interrupt = new AbortController()
  const abort = () => interrupt.abort()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, abort)
  const coverage = new Coverage()
  const failures: SeedOutcome[] = []
  const startedAt = performance.now()
  let done = 0
  tell(`${group.name}: seeds ${from} to ${from + seeds - 1}, ${jobs} processes`)
  const told = (outcome: SeedOutcome) => {
    done++
    coverage.add(outcome.coverage)
    if (outcome.problems.length === 0) return
    failures.push(outcome)
    tell(`seed ${outcome.seed}: ${outcome.problems[0]}`)
    if (!keepGoing) abort()
  }
  await runFleet(numbers(from, seeds), {
    ...{ jobs: Math.min(jobs, seeds), workload: group.name, worker, told },
    words: [file, group.name],
    signal: interrupt.signal,
  })
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.off(signal, abort)
  const [first] = failures
  const [problem = ''] = first?.problems ?? []
  const canShrink = options.shrink && !['endless', 'process'].includes(ruleOf(problem))
  return {
    ...{ space: group.name, leftOut: group.leftOut, from, seeds: done },
    ...(group.partitions > 1 ? { partitions: group.partitions } : {}),
    seconds: Math.round((performance.now() - startedAt) / 1000),
    failures: failures.map(({ seed, problems }) => ({ seed, problems })),
    findings: first ? [] : findingsOfAll(group, coverage.counts),
    shortest: first && canShrink ? await shortestRun(group, first.seed, problem) : undefined,
    coverage: Object.fromEntries(coverage.counts),
  }
}

function reportText(report: SimulationReport, file: string, withCoverage: boolean): string {
  const { space, seeds, seconds, failures, findings, shortest, coverage } = report
  const shown = relative(process.cwd(), file) || file
  const lines = withCoverage ? [coverageText(new Map(Object.entries(coverage))), ''] : []
  const [first] = failures
  if (first) {
    const [problem = ''] = first.problems
    lines.push(`${space}, seed ${first.seed}: ${problem}`)
    if (!isOfApplication(problem))
      lines.push('That is nothing that an application can do: it is a fault of the grid itself.')
    if (shortest) lines.push(...shortestText(shortest))
    lines.push(`Again: npx spacegrid simulate ${shown} --from ${first.seed} --seeds 1`)
  }
  lines.push(...findings.map((finding) => `${space}: ${finding}`))
  const invariants = Object.keys(coverage).filter((what) => /^invariant .*: asked$/.test(what))
  const found = failures.length + findings.length
  const outcome = found === 0 ? 'nothing was found' : `${found} FOUND`
  lines.push(
    `${space}: ${grouped(seeds)} seeds in ${seconds} s, ${invariants.length} invariants: ${outcome}`,
  )
  lines.push(...report.leftOut)
  if (report.partitions !== undefined)
    lines.push(
      `${space} has ${report.partitions} partitions: it was simulated as one, and nothing that is only between partitions`,
    )
  return lines.join('\n')
}

function shortestText({ problem, asked, faults, runs }: ShortestRun): string[] {
  return [
    `The shortest run found, of ${runs} tried: ${problem}`,
    ...asked.map((line) => `  ${line}`),
    ...(faults.length === 0 ? ['  and no fault'] : ['  and these faults:']),
    ...faults.map((line) => `  ${line}`),
  ]
}

function* numbers(from: number, count: number): Generator<number> {
  for (let at = 0; at < count; at++) yield from + at
}

const say = (line: string): void => void process.stdout.write(`${line}\n`)
const tell = (line: string): void => void process.stderr.write(`${line}\n`)
