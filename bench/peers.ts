import { fileURLToPath } from 'node:url'
import { Command, InvalidArgumentError, Option } from 'commander'
import { list, whole } from 'spacegrid/command-line/option-values'
import { runCommand } from 'spacegrid/command-line/run-command'
import { allGoals } from './goals/all-goals.ts'
import type { Figure, Goal, GoalResult, GoalRow } from './goals/goal.ts'
import { GoalContext, type GoalSettings } from './goals/goal-context.ts'
import { isPeerName, type PeerName, peerNames } from './goals/peers.ts'
import { goalLine, goalTable } from './peers/goal-table.ts'
import { writePeerResults } from './peers/peer-results.ts'
import { serverVersions } from './peers/server-versions.ts'
import { StatusLine } from './peers/status-line.ts'
import { BenchServers } from './processes/bench-servers.ts'
import { Profiles } from './profile/profiles.ts'
import { runFacts } from './report/run-facts.ts'

interface Options {
  readonly only: readonly Goal[]
  readonly without: readonly string[]
  readonly rounds: number
  readonly time: number
  readonly small: boolean
  readonly large: boolean
  readonly profile: boolean
  readonly name: string
  readonly results: string
}

function goalsNamed(text: string): Goal[] {
  return text.split(',').map((part) => {
    const goal = allGoals.find(({ name }) => name === part.trim())
    if (goal) return goal
    throw new InvalidArgumentError(`It must be of ${allGoals.map(({ name }) => name).join(', ')}.`)
  })
}

function peerNamed(text: string): PeerName {
  if (isPeerName(text)) return text
  throw new InvalidArgumentError(`It must be of ${peerNames.join('; ')}.`)
}

/** One goal that cannot be measured must not cost the figures of the others. */
async function measured(goal: Goal, context: GoalContext): Promise<GoalResult> {
  try {
    return await goal.measure(context)
  } catch (error) {
    const { message, stack } = error as Error
    process.stderr.write(`\n${goal.name} has failed: ${stack ?? message}\n`)
    process.exitCode = 1
    const note = `failed: ${message.split('\n')[0]}`
    return { rows: [{ what: goal.name, goal: '', measured: '–', met: undefined, note }] }
  }
}

async function run(options: Options): Promise<void> {
  const facts = runFacts('npm run bench:peers --')
  const settings: GoalSettings = {
    rounds: options.small ? 1 : options.rounds,
    sampleMs: options.small ? 20 : options.time,
    small: options.small,
    large: options.large,
  }
  const screen = new StatusLine(process.stdout)
  const leftOut = new Map(options.without.map((peer) => [peer, 'not wanted (--without)']))
  const rows: (GoalRow & { readonly name: string })[] = []
  const figures: Figure[] = []
  const seconds: Record<string, number> = {}
  await using servers = await BenchServers.open((line) => screen.print(line))
  await using profiles = options.profile ? await Profiles.open() : undefined
  for (const [i, goal] of options.only.entries()) {
    const from = performance.now()
    const place = `[${i + 1}/${options.only.length}] ${goal.name}`
    const context = new GoalContext(
      servers,
      settings,
      (text) => screen.show(`${place}: ${text}`),
      leftOut,
      (subject) => profiles?.flagsFor(goal.name, subject) ?? [],
    )
    try {
      const result = await measured(goal, context)
      // Sizes that mean nothing can meet nothing.
      const met = options.small ? { met: undefined } : {}
      const shown = result.rows.map((row) => ({ name: goal.name, ...row, ...met }))
      rows.push(...shown)
      figures.push(...(result.figures ?? []))
      seconds[goal.name] = Math.round((performance.now() - from) / 1000)
      screen.print(`${place} (${seconds[goal.name]} s)`)
      for (const row of shown) screen.print(goalLine(row))
    } finally {
      await context.closeAll()
    }
  }
  screen.print('')
  for (const line of goalTable(rows)) screen.print(line)
  for (const [peer, reason] of leftOut) screen.print(`LEFT OUT: ${peer}: ${reason}`)
  const results = {
    ...facts,
    settings,
    seconds,
    servers: await serverVersions(servers),
    leftOut: Object.fromEntries(leftOut),
    rows,
    figures,
  }
  if (profiles) {
    // Profiled processes are slower, each in its own way: their figures are not results.
    screen.print(await profiles.write(options.results, `${options.name}-profiles`, facts))
    return
  }
  for (const path of await writePeerResults(options.results, options.name, results))
    screen.print(path)
}

await runCommand(
  new Command('npm run bench:peers --')
    .description(
      'The same work on the peers, side by side in one run, and every goal: met or not. Goals: ' +
        allGoals.map(({ name }) => name).join(', '),
    )
    .addOption(
      new Option('--only <list>', 'only these goals')
        .argParser(goalsNamed)
        .default([...allGoals], 'all'),
    )
    .addOption(
      new Option('--without <list>', 'leaves out these peers')
        .argParser(list(peerNamed))
        .default([], 'none'),
    )
    .option('--rounds <number>', 'rounds of each comparison', whole(1, 99), 3)
    .option('--time <ms>', 'time of each sample', whole(10, 60_000), 400)
    .option('--large', 'growth up to 5,000,000 entries (takes 16 GB)', false)
    .option('--profile', 'writes where the processes spend their time instead of results', false)
    .option('--small', 'sizes that only show that it works; the figures mean nothing', false)
    .option('--name <name>', 'name of the result files', 'peers')
    .option(
      '--results <folder>',
      'where they are written',
      fileURLToPath(new URL('./results', import.meta.url)),
    )
    .action(run),
)
