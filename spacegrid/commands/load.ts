import { randomUUID } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { createInterface } from 'node:readline'
import type { Command } from 'commander'
import type { AddCommand } from '../command-line/add-command.ts'
import { Failure, failureOf } from '../command-line/failure.ts'
import { createApplication } from '../load/applications.ts'
import { addLoadOptions, checkLoadOptions, type LoadOptions } from '../load/options.ts'
import { profiles } from '../load/profiles.ts'
import type { RateCurve } from '../load/rate-curve.ts'
import { reportPage } from '../load/report-page.ts'
import { type LoadPlan, runLoad } from '../load/run.ts'
import { screenReport } from '../load/screen.ts'
import { type LoadSummary, summarize } from '../load/summary.ts'
import { readTrace } from '../load/trace.ts'

/** A grid that asks for a longer pause than this is not waited for. In ms. */
const retryAfterMaxMs = 10_000

async function run(options: LoadOptions, command: Command): Promise<void> {
  checkLoadOptions(command, options)
  try {
    const summary = await load(options)
    process.exitCode = summary.audit.passed ? 0 : 1
  } catch (error) {
    const { message, exitCode } = failureOf(error)
    throw new Failure(`error: ${message}`, exitCode, { cause: error })
  }
}

async function load(options: LoadOptions): Promise<LoadSummary> {
  const curve = await curveOf(options)
  await prepareFolders(options)
  const plan = planOf(options, curve)
  const interrupt = new AbortController()
  // The first signal ends the arrivals, and the audit follows; the second one ends the process.
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => interrupt.abort())
  const arrivals = Math.round(curve.arrivals)
  process.stdout.write(
    `${options.application} at ${options.url.origin}: about ${arrivals} users in ${Math.round(curve.durationSeconds)} s, at most ${curve.peakRate.toFixed(1)}/s\n`,
  )
  const startedAt = new Date().toISOString()
  const { recorder, checks, interrupted } = await runLoad(plan, interrupt.signal, process.stdout)
  const { header, url, ...shown } = options
  const run = {
    url: url.origin + url.pathname,
    application: options.application,
    profile: options.profile,
    startedAt,
    runId: plan.runId,
    options: shown,
    interrupted,
    scheduledSeconds: curve.durationSeconds,
  }
  const summary = summarize(run, recorder, checks)
  process.stdout.write(screenReport(summary))
  if (options.json !== undefined) {
    await writeFile(options.json, `${JSON.stringify(summary, null, 2)}\n`)
  }
  if (options.report !== undefined) await writeFile(options.report, await reportPage(summary))
  return summary
}

function planOf(options: LoadOptions, curve: RateCurve): LoadPlan {
  // Two runs with one seed do the same, but must not meet each other's events and idempotency keys.
  const runId = `${options.seed}-${randomUUID().slice(0, 8)}`
  return {
    url: options.url,
    application: createApplication(options.application, {
      runId,
      seats: options.seats,
      events: options.events,
      hotShare: options.hot,
      users: options.users,
      browseShare: options.browse,
      specificShare: options.specific,
      confirmShare: options.confirm,
      thinkMs: options.think * 1000,
    }),
    curve,
    arrivals: options.arrivals,
    seed: options.seed,
    runId,
    drainMs: options.drain * 1000,
    client: {
      retry: { retriesMax: options.retries, retryAfterMaxMs },
      openMax: options.maxOpen,
      timeoutMs: options.timeout * 1000,
      headers: options.header,
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
  for (const file of [options.json, options.report]) {
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
      '\nExit code: 0 all well, 1 the audit failed or the grid could not be used, 2 wrong usage.',
    )
    .action(run)
}
