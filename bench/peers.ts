import { fileURLToPath } from 'node:url'
import { Command, Option } from 'commander'
import { list, whole } from 'spacegrid/command-line/option-values'
import { runCommand } from 'spacegrid/command-line/run-command'
import { allGoals } from './goals/all-goals.ts'
import type { Goal } from './goals/goal.ts'
import { GoalContext, type GoalSettings } from './goals/goal-context.ts'
import { goalsNamed, measureGoals, peerNamed, tellGoals } from './goals/measure-goals.ts'
import { peersPage } from './peers/peer-results.ts'
import { serverVersions } from './peers/server-versions.ts'
import { StatusLine } from './peers/status-line.ts'
import { BenchServers } from './processes/bench-servers.ts'
import { Profiles } from './profile/profiles.ts'
import { runFacts } from './report/run-facts.ts'
import { writeResults } from './report/write-results.ts'

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
  await using servers = await BenchServers.open((line) => screen.print(line))
  await using profiles = options.profile ? await Profiles.open() : undefined
  const { rows, figures, seconds } = await measureGoals(options.only, {
    screen,
    isSmall: options.small,
    contextOf: ({ name }, say) =>
      new GoalContext(
        servers,
        settings,
        say,
        leftOut,
        (subject) => profiles?.flagsFor(name, subject) ?? [],
      ),
    measure: (goal, context) => goal.measure(context),
  })
  tellGoals(screen, rows, leftOut)
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
  for (const path of await writeResults(options.results, options.name, results, peersPage))
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
        .argParser(goalsNamed(allGoals))
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
