import { readFile, writeFile } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { Command, InvalidArgumentError } from 'commander'
import { Failure } from 'spacegrid/command-line/failure'
import { whole } from 'spacegrid/command-line/option-values'
import { runCommand } from 'spacegrid/command-line/run-command'
import { ownProgram } from 'spacegrid/own-program'
import { completeSeedsMin, neverHappened } from './check/completeness.ts'
import { dividedWorkload } from './divided/plan.ts'
import { runFleet, type SeedOutcome } from './fleet.ts'
import type { AnyPlan } from './plan/any-plan.ts'
import { reactingWorkload } from './reacting/plan.ts'
import { coverageText, grouped, planText, traceText } from './report-text.ts'
import { planOf, tryPlan, workloadNames } from './seed-run.ts'
import { ruleOf, shrink } from './shrink.ts'
import { catchStrayErrors } from './try-run.ts'
import { workloads } from './workloads/all-workloads.ts'
import { Coverage } from './world/coverage.ts'

interface Options {
  readonly seeds: number
  readonly from?: number
  readonly seed?: number
  readonly plan?: string
  readonly save?: string
  readonly workload?: string
  readonly jobs: number
  readonly trace: boolean
  readonly keepGoing: boolean
  readonly shrink: boolean
  readonly json: boolean
}

const seedMax = 2 ** 31
const worker = ownProgram(new URL('./worker.ts', import.meta.url))
const problemsShown = 5
const shrinkLimits = { runsMax: 400, msMax: 30_000 }

function workloadName(text: string): string {
  if (!workloadNames.includes(text))
    throw new InvalidArgumentError(`It must be one of ${workloadNames.join(', ')}.`)
  return text
}

const command = new Command('npm run simulate --')
  .description(
    'Simulates whole grids (processing units, data pumps, writers and readers: the real code) on simulated servers, network and time. A seed decides everything, all faults included; what clients were told and what is stored is checked against a plain sequential model.',
  )
  .option('--seeds <number>', 'how many seeds to run', whole(1, 100_000_000), 1000)
  .option('--from <seed>', 'the first of them; by default a new one', whole(0, seedMax))
  .option('--seed <seed>', 'run just this one', whole(0, 2 * seedMax))
  .option('--plan <file>', 'run the plan that --save has written')
  .option('--save <file>', 'write the shortest plan found that fails in the same way')
  .option('--workload <name>', `only one of ${workloadNames.join(', ')}`, workloadName)
  .option('--jobs <number>', 'processes', whole(1, 256), availableParallelism())
  .option('--trace', 'print everything that happens (with --seed)', false)
  .option('--keep-going', 'do not end with the first seed that fails', false)
  .option('--no-shrink', 'do not look for a shorter plan that fails in the same way')
  .option('--json', 'print the summary as JSON; progress goes to standard error in any case', false)
  .addHelpText(
    'after',
    `
Workloads:
${workloads.map(({ name, description }) => `  ${name.padEnd(10)} ${description}`).join('\n')}
  ${dividedWorkload.padEnd(10)} accounts on several partitions: transfers across them, requests passed on, units that come and go
  ${reactingWorkload.padEnd(10)} two spaces: processes with payments outside, reactions in order per key

The same seed gives the same run on the same code, to the last interleaving: --seed S --trace replays it.
Ctrl-C ends the run early and sums up. Exit code: 0 every promise was kept, 1 some seed failed, or in 5,000 seeds and more something never happened, 2 wrong options.`,
  )
  .action(async (options: Options) => process.exit(await main(options)))

async function main(options: Options): Promise<number> {
  const { seed, plan, workload } = options
  if (plan !== undefined) return await runOne(await planIn(plan), options)
  return seed === undefined ? await runMany(options) : await runOne(planOf(seed, workload), options)
}

async function planIn(file: string): Promise<AnyPlan> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as AnyPlan
  } catch (error) {
    throw new Failure(`--plan ${file} cannot be read: ${(error as Error).message}`, 2)
  }
}

async function runOne(plan: AnyPlan, { trace, json, shrink, save }: Options): Promise<number> {
  const { seed } = plan
  const result = await tryPlan(plan, trace)
  const { problems, digest, coverage } = result
  if (trace) say(`${result.trace.join('\n')}\n`)
  if (json) say(JSON.stringify({ ...result, coverage: Object.fromEntries(coverage) }))
  else {
    say(`${coverageText(coverage)}\n`)
    say(`seed ${seed} (${result.workload}): trace ${digest}, ${verdict(problems.length)}`)
  }
  if (problems.length === 0) return 0
  await explain(plan, problems, shrink, save)
  return 1
}

async function runMany(options: Options): Promise<number> {
  const { seeds, workload, jobs, keepGoing, json } = options
  const { from = Math.floor(Math.random() * seedMax) } = options
  const interrupt = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => interrupt.abort())
  const coverage = new Coverage()
  const failures: SeedOutcome[] = []
  let done = 0
  const startedAt = performance.now()
  const seconds = () => (performance.now() - startedAt) / 1000
  const rate = () => (done / Math.max(0.001, seconds())).toFixed(1)
  const progress = showProgress(
    () => `${grouped(done)}/${grouped(seeds)} seeds, ${rate()}/s, ${failures.length} failed`,
  )
  progress.line(`seeds ${from} to ${from + seeds - 1}, ${jobs} processes`)
  await runFleet(numbers(from, seeds), {
    jobs: Math.min(jobs, seeds),
    workload,
    signal: interrupt.signal,
    worker,
    told: (outcome) => {
      done++
      coverage.add(outcome.coverage)
      coverage.count(`workload: ${outcome.workload}`)
      if (outcome.problems.length === 0) return
      failures.push(outcome)
      progress.line(`seed ${outcome.seed} (${outcome.workload}): ${brief(outcome.problems[0])}`)
      if (!keepGoing) interrupt.abort()
    },
  })
  progress.stop()
  const summary = { from, seeds: done, seconds: Math.round(seconds()), failed: failures.length }
  if (json) say(JSON.stringify({ ...summary, failures, coverage: sortedCounts(coverage) }))
  else {
    say(`${coverageText(coverage.counts)}\n`)
    say(
      `${grouped(done)} seeds from ${from} in ${summary.seconds} s (${rate()}/s): ${verdict(failures.length)}`,
    )
  }
  const isTooFew = done < completeSeedsMin || workload !== undefined
  const missing = isTooFew ? [] : neverHappened(coverage.counts)
  for (const what of missing) tell(`never happened: ${what}`)
  const [first] = failures
  if (first)
    await explain(planOf(first.seed, workload), first.problems, options.shrink, options.save)
  return failures.length > 0 || missing.length > 0 ? 1 : 0
}

const verdict = (failures: number): string =>
  failures === 0 ? 'every promise was kept' : `${failures} FAILED`

/** What was violated, how to see it again, and the shortest way to it that can be found. */
async function explain(
  plan: AnyPlan,
  problems: readonly string[],
  isToShrink: boolean,
  save: string | undefined,
): Promise<void> {
  const { seed, workload } = plan
  tell(`\nSeed ${seed} (${workload}) failed:`)
  for (const problem of problems.slice(0, problemsShown)) tell(`  ${problem}`)
  if (problems.length > problemsShown) tell(`  and ${problems.length - problemsShown} more`)
  const { plan: file, workload: chosen } = command.opts<Options>()
  if (file === undefined) {
    const choice = chosen === undefined ? '' : ` --workload ${chosen}`
    tell(`\nAgain: npm run simulate -- --seed ${seed}${choice} --trace`)
  }
  const rule = ruleOf(problems[0] ?? '')
  if (!isToShrink || rule === 'endless' || rule === 'process') return
  const { plan: shortest, runs } = await shrink(plan, rule, shrinkLimits, tryPlan)
  const { trace } = await tryPlan(shortest, true)
  tell(`\nThe same violation (${rule}) with ${shortest.steps.length} steps, found in ${runs} runs:`)
  tell(planText(shortest))
  tell(`\nIts trace, up to the violation:\n${traceText(trace)}`)
  if (save === undefined) return
  await writeFile(save, `${JSON.stringify(shortest, null, 2)}\n`)
  tell(`\nThat plan is in ${save}: npm run simulate -- --plan ${save} --trace`)
}

function* numbers(from: number, count: number): Generator<number> {
  for (let at = 0; at < count; at++) yield from + at
}

const sortedCounts = ({ counts }: Coverage) =>
  Object.fromEntries([...counts].sort(([a], [b]) => (a < b ? -1 : 1)))

const brief = (problem = ''): string =>
  problem.length > 160 ? `${problem.slice(0, 160)}…` : problem

/** One line that changes on a terminal; elsewhere a line now and then. */
function showProgress(text: () => string): { line(text: string): void; stop(): void } {
  const { stderr } = process
  const clear = stderr.isTTY ? '\r\x1b[K' : ''
  const show = () => stderr.write(stderr.isTTY ? `${clear}${text()}` : `${text()}\n`)
  const timer = setInterval(show, stderr.isTTY ? 200 : 10_000)
  return {
    line: (line) => void stderr.write(`${clear}${line}\n`),
    stop: () => {
      clearInterval(timer)
      stderr.write(clear)
    },
  }
}

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}

function tell(line: string): void {
  process.stderr.write(`${line}\n`)
}

catchStrayErrors()
await runCommand(command)
