import { randomUUID } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { createInterface } from 'node:readline'
import { isGridError } from '@spacegrid/grid/core/errors'
import { readEnvironment } from '@spacegrid/grid/program/environment'
import { ownHeaders } from '@spacegrid/grid/program/own-credential'
import type { Command } from 'commander'
import type { AddCommand } from '../command-line/add-command.ts'
import { Failure, failureOf } from '../command-line/failure.ts'
import { type FoundGrid, findGrid } from '../load/found/find-grid.ts'
import { k6Script } from '../load/k6/k6-script.ts'
import { isLoopback } from '../load/loopback.ts'
import { summarize } from '../load/measured.ts'
import {
  addLoadOptions,
  checkLoadOptions,
  type LoadOptions,
  notThisMachine,
} from '../load/options.ts'
import { profiles } from '../load/profiles.ts'
import type { RateCurve } from '../load/rate-curve.ts'
import { reportPage } from '../load/report/report-page.ts'
import { screenReport } from '../load/report/screen.ts'
import { type LoadPlan, runLoad } from '../load/run.ts'
import { builtInScenario } from '../load/scenario/built-in.ts'
import { loadScenario } from '../load/scenario/load-scenario.ts'
import type { ScenarioDefinition } from '../load/scenario/scenario.ts'
import type { LoadSummary } from '../load/summary.ts'
import { readTrace } from '../load/trace.ts'
import { compareRuns } from '../load/verdict/comparison.ts'
import { readEarlierRun } from '../load/verdict/earlier-run.ts'
import { judge } from '../load/verdict/threshold.ts'

/** A grid that asks for a longer pause than this is not waited for. In ms. */
const retryAfterMaxMs = 10_000

async function run(options: LoadOptions, command: Command): Promise<void> {
  checkLoadOptions(command, options)
  try {
    const summary = await load(options)
    if (summary === undefined) return
    const { audit, thresholds } = summary
    process.exitCode = audit.passed && thresholds.every(({ passed }) => passed) ? 0 : 1
  } catch (error) {
    const isUsage = isGridError(error, 'configuration_invalid')
    const { message, exitCode } = failureOf(error, isUsage ? 2 : 1)
    throw new Failure(`error: ${message}`, exitCode, { cause: error })
  }
}

/** Undefined: nobody was sent. */
async function load(options: LoadOptions): Promise<LoadSummary | undefined> {
  const curve = await curveOf(options)
  const earlier = options.compare === undefined ? undefined : await readEarlierRun(options.compare)
  await prepareFolders(options)
  const { url, status } = options
  const scenario =
    options.scenario === undefined
      ? builtInScenario(options.application, options)
      : await loadScenario(options.scenario)
  const { space } = scenario
  const grid = await findGrid({ url, status, space }, readEnvironment())
  try {
    if (!options.allowRemote && !isLoopback(grid.url))
      throw new Failure(`${grid.url.href} (${grid.how}) ${notThisMachine}`, 2)
    if (options.k6 !== undefined) return await writeK6(options.k6, options, curve, grid)
    const measured = await measure(options, scenario, curve, grid)
    const summary: LoadSummary = {
      ...measured,
      thresholds: options.threshold.map((threshold) => judge(threshold, measured)),
      ...(earlier === undefined ? {} : { comparison: compareRuns(earlier, measured) }),
    }
    process.stdout.write(screenReport(summary))
    if (options.json !== undefined) {
      await writeFile(options.json, `${JSON.stringify(summary, null, 2)}\n`)
    }
    if (options.report !== undefined) await writeFile(options.report, await reportPage(summary))
    return summary
  } finally {
    await grid.close()
  }
}

async function writeK6(
  file: string,
  options: LoadOptions,
  curve: RateCurve,
  { url, how }: FoundGrid,
): Promise<undefined> {
  const { header: headers, think: thinkSeconds, drain: drainSeconds, maxOpen: openMax } = options
  const script = await k6Script(curve, {
    ...options,
    ...{ url, runId: runIdOf(options), headers, users: options.users },
    ...{ thinkSeconds, drainSeconds, openMax, timeoutMs: options.timeout * 1000 },
  })
  await writeFile(file, script)
  process.stdout.write(`${file}: for ${url.origin} (${how}): k6 run ${file}\n`)
}

/** Two runs with one seed do the same, but must not meet each other's events and keys. */
const runIdOf = ({ seed }: LoadOptions): string => `${seed}-${randomUUID().slice(0, 8)}`

async function measure(
  options: LoadOptions,
  scenario: ScenarioDefinition,
  curve: RateCurve,
  grid: FoundGrid,
) {
  const plan = planOf(options, scenario, curve, grid)
  const interrupt = new AbortController()
  // The first signal ends the arrivals, and the audit follows; the second one ends the process.
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => interrupt.abort())
  const arrivals = Math.round(curve.arrivals)
  process.stdout.write(
    `${nameOf(options)} at ${grid.url.origin} (${grid.how}): about ${arrivals} users in ${Math.round(curve.durationSeconds)} s, at most ${curve.peakRate.toFixed(1)}/s\n`,
  )
  const startedAt = new Date().toISOString()
  const outcome = await runLoad(plan, interrupt.signal, process.stdout)
  const { header, url, threshold, ...shown } = options
  const run = {
    url: grid.url.origin + grid.url.pathname,
    application: nameOf(options),
    profile: options.profile,
    startedAt,
    runId: plan.runId,
    options: { ...shown, threshold: threshold.map(({ text }) => text) },
    interrupted: outcome.interrupted,
    scheduledSeconds: curve.durationSeconds,
    plannedBySecond: curve.arrivalsBySecond,
    servers: outcome.servers,
  }
  return summarize(run, outcome.measurements, outcome.checks)
}

const nameOf = ({ application, scenario }: LoadOptions): string => scenario ?? application

function planOf(
  options: LoadOptions,
  scenario: ScenarioDefinition,
  curve: RateCurve,
  { url, processes }: FoundGrid,
): LoadPlan {
  const runId = runIdOf(options)
  return {
    url,
    processes,
    scenario,
    users: options.users,
    thinkMs: options.think * 1000,
    curve,
    arrivals: options.arrivals,
    seed: options.seed,
    runId,
    drainMs: options.drain * 1000,
    client: {
      retry: {
        retriesMax: options.retries,
        retryAfterMaxMs,
        ...(options.retryBudget === 0 ? {} : { budget: options.retryBudget }),
      },
      openMax: options.maxOpen,
      timeoutMs: options.timeout * 1000,
      headers: { ...ownHeaders(readEnvironment()), ...options.header },
    },
  }
}

async function curveOf(options: LoadOptions): Promise<RateCurve> {
  const curve = profiles[options.profile]({
    rate: options.rate,
    peak: options.peak,
    durationSeconds: options.duration,
    speedup: options.speedup,
    trace: options.trace === undefined ? undefined : await traceOf(options.trace),
  })
  if (curve.arrivals > options.maxArrivals) {
    throw new Failure(
      `${Math.round(curve.arrivals)} arrivals are more than --max-arrivals ${options.maxArrivals}`,
      2,
    )
  }
  return curve
}

async function traceOf(file: string): Promise<readonly number[]> {
  try {
    const trace = await readTrace(createInterface({ input: createReadStream(file) }))
    if (trace.skippedLines > 0) {
      process.stdout.write(`${file}: ${trace.skippedLines} lines without a time left out\n`)
    }
    return trace.requests
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new Failure(`--trace ${file}: ${reason}`, 2, { cause: error })
  }
}

/** Learning after an hour of load that a file cannot be written would be a pity. */
async function prepareFolders(options: LoadOptions): Promise<void> {
  for (const file of [options.json, options.report, options.k6]) {
    if (file === undefined) continue
    try {
      await mkdir(dirname(file), { recursive: true })
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      throw new Failure(`${file} cannot be written: ${reason}`, 2, { cause: error })
    }
  }
}

export const addLoad: AddCommand = (program) => {
  const command = program
    .command('load')
    .description(
      'Sends users to a grid in an open loop, measures from the moment each was due, and audits what they bought.',
    )
  addLoadOptions(command)
    .addHelpText(
      'after',
      `
Without --url it loads the grid of NATS_URL, whose units say where they are; else the cluster of DATA_DIR/cluster.json; else
what serves on HOST and PORT (npx spacegrid start). It says which one it has found.
Exit code: 0 all well, 1 the audit failed, a threshold was not kept or the grid could not be used, 2 wrong usage.`,
    )
    .action(run)
}
