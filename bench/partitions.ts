import { fileURLToPath } from 'node:url'
import { Command, Option } from 'commander'
import { list, whole } from 'spacegrid/command-line/option-values'
import { runCommand } from 'spacegrid/command-line/run-command'
import { GoalContext } from './goals/goal-context.ts'
import { goalsNamed, measureGoals, peerNamed, tellGoals } from './goals/measure-goals.ts'
import { allPartitionGoals } from './partitions/all-partition-goals.ts'
import type { PartitionGoal } from './partitions/partition-goal.ts'
import { partitionsPage } from './partitions/partition-results.ts'
import { serverVersions } from './peers/server-versions.ts'
import { StatusLine } from './peers/status-line.ts'
import { BenchServers } from './processes/bench-servers.ts'
import { sceneText, writeScenes } from './profile/scene.ts'
import { runFacts } from './report/run-facts.ts'
import { writeResults } from './report/write-results.ts'

interface Options {
  readonly only: readonly PartitionGoal[]
  readonly without: readonly string[]
  readonly entries: number
  readonly entriesFew: number
  readonly units: readonly number[]
  readonly partitions: number
  readonly rounds: number
  readonly time: number
  readonly small: boolean
  readonly profile: boolean
  readonly name: string
  readonly results: string
}

/** Of each partition, as it is by default. */
const copies = 2

async function run(options: Options): Promise<void> {
  const facts = runFacts('npm run bench:partitions --')
  const { entries, entriesFew, partitions, rounds, time: sampleMs, small } = options
  const sizes = {
    ...{ entries, entriesFew, partitions, copies },
    units: options.units.toSorted((one, other) => one - other),
  }
  const screen = new StatusLine(process.stdout)
  const leftOut = new Map(options.without.map((peer) => [peer, 'not wanted (--without)']))
  await using servers = await BenchServers.open((line) => screen.print(line))
  const settings = { rounds, sampleMs, small, large: false }
  if (options.profile) {
    const sections: string[] = []
    for (const goal of options.only.filter(({ profile }) => profile)) {
      const context = new GoalContext(
        servers,
        settings,
        (text) => screen.show(`${goal.name}: ${text}`),
        leftOut,
      )
      for (const scene of (await goal.profile?.(context, sizes)) ?? [])
        sections.push(sceneText(scene))
      await context.closeAll()
    }
    screen.print(await writeScenes(options.results, `${options.name}-profiles`, facts, sections))
    return
  }
  const { rows, figures, seconds } = await measureGoals(options.only, {
    screen,
    isSmall: small,
    contextOf: (_goal, say) => new GoalContext(servers, settings, say, leftOut),
    measure: (goal, context) => goal.measure(context, sizes),
  })
  tellGoals(screen, rows, leftOut)
  const results = {
    ...{ ...facts, settings: { ...sizes, rounds, sampleMs }, seconds },
    ...{ servers: await serverVersions(servers), leftOut: Object.fromEntries(leftOut) },
    ...{ rows, figures },
  }
  for (const path of await writeResults(options.results, options.name, results, partitionsPage))
    screen.print(path)
}

await runCommand(
  new Command('npm run bench:partitions --')
    .description(
      'What partitions cost, replicated beside divided: every row with its goal, met or not. Rows: ' +
        allPartitionGoals.map(({ name }) => name).join(', '),
    )
    .addOption(
      new Option('--only <list>', 'only these rows')
        .argParser(goalsNamed(allPartitionGoals))
        .default([...allPartitionGoals], 'all'),
    )
    .addOption(
      new Option('--without <list>', 'leaves out these peers')
        .argParser(list(peerNamed))
        .default([], 'none'),
    )
    .option('--entries <number>', 'of memory and moves', whole(100, 10_000_000), 1_000_000)
    .option('--entries-few <number>', 'of everything else', whole(100, 1_000_000), 10_000)
    .addOption(
      new Option('--units <list>', 'units of work and memory')
        .argParser(list(whole(1, 32)))
        .default([1, 2, 4, 8], '1,2,4,8'),
    )
    .option('--partitions <number>', 'of divided spaces', whole(2, 256), 16)
    .option('--rounds <number>', 'rounds of each comparison', whole(1, 99), 3)
    .option('--time <ms>', 'time of each sample', whole(10, 60_000), 2000)
    .option('--small', 'the figures mean nothing: it only shows that it works', false)
    .option(
      '--profile',
      'writes where the processor time of those rows goes that have not met their goal, instead of results',
      false,
    )
    .option('--name <name>', 'name of the result files', 'partitions')
    .option(
      '--results <folder>',
      'where they are written',
      fileURLToPath(new URL('./results', import.meta.url)),
    )
    .action(run),
)
