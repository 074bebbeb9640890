import { fileURLToPath } from 'node:url'
import { Command, InvalidArgumentError, Option } from 'commander'
import { list, whole } from 'spacegrid/command-line/option-values'
import { runCommand } from 'spacegrid/command-line/run-command'
import type { GoalRow } from './goals/goal.ts'
import { GoalContext } from './goals/goal-context.ts'
import { isPeerName, type PeerName, peerNames } from './goals/peers.ts'
import { allPartitionGoals } from './partitions/all-partition-goals.ts'
import type {
  PartitionFigure,
  PartitionGoal,
  PartitionResult,
} from './partitions/partition-goal.ts'
import { writePartitionResults } from './partitions/partition-results.ts'
import { goalLine, goalTable } from './peers/goal-table.ts'
import { serverVersions } from './peers/server-versions.ts'
import { StatusLine } from './peers/status-line.ts'
import { BenchServers } from './processes/bench-servers.ts'
import { runFacts } from './report/run-facts.ts'

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
  readonly name: string
  readonly results: string
}

/** Of each partition, as it is by default. */
const copies = 2

function goalsNamed(text: string): PartitionGoal[] {
  return text.split(',').map((part) => {
    const goal = allPartitionGoals.find(({ name }) => name === part.trim())
    if (goal) return goal
    const names = allPartitionGoals.map(({ name }) => name)
    throw new InvalidArgumentError(`It must be of ${names.join(', ')}.`)
  })
}

function peerNamed(text: string): PeerName {
  if (isPeerName(text)) return text
  throw new InvalidArgumentError(`It must be of ${peerNames.join('; ')}.`)
}

async function run(options: Options): Promise<void> {
  const facts = runFacts('npm run bench:partitions --')
  const { entries, entriesFew, partitions, rounds, time: sampleMs, small } = options
  const sizes = {
    ...{ entries, entriesFew, partitions, copies },
    units: options.units.toSorted((one, other) => one - other),
  }
  const screen = new StatusLine(process.stdout)
  const leftOut = new Map(options.without.map((peer) => [peer, 'not wanted (--without)']))
  const rows: (GoalRow & { readonly name: string })[] = []
  const figures: PartitionFigure[] = []
  const seconds: Record<string, number> = {}
  await using servers = await BenchServers.open((line) => screen.print(line))
  for (const [i, goal] of options.only.entries()) {
    const from = performance.now()
    const place = `[${i + 1}/${options.only.length}] ${goal.name}`
    const settings = { rounds, sampleMs, small, large: false }
    const say = (text: string) => screen.show(`${place}: ${text}`)
    const context = new GoalContext(servers, settings, say, leftOut)
    try {
      const result = await measured(goal, () => goal.measure(context, sizes))
      // Sizes that mean nothing can meet nothing.
      const met = small ? { met: undefined } : {}
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
    ...{ ...facts, settings: { ...sizes, rounds, sampleMs }, seconds },
    ...{ servers: await serverVersions(servers), leftOut: Object.fromEntries(leftOut) },
    ...{ rows, figures },
  }
  for (const path of await writePartitionResults(options.results, options.name, results))
    screen.print(path)
}

/** One that cannot be measured must not cost the figures of the others. */
async function measured(
  { name }: PartitionGoal,
  measure: () => Promise<PartitionResult>,
): Promise<PartitionResult> {
  try {
    return await measure()
  } catch (error) {
    const { message, stack } = error as Error
    process.stderr.write(`\n${name} has failed: ${stack ?? message}\n`)
    process.exitCode = 1
    const note = `failed: ${message.split('\n')[0]}`
    return { rows: [{ what: name, goal: '', measured: '–', met: undefined, note }] }
  }
}

await runCommand(
  new Command('npm run bench:partitions --')
    .description(
      'What partitions cost, replicated beside divided: every row with its goal, met or not. Rows: ' +
        allPartitionGoals.map(({ name }) => name).join(', '),
    )
    .addOption(
      new Option('--only <list>', 'only these rows')
        .argParser(goalsNamed)
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
    .option('--name <name>', 'name of the result files', 'partitions')
    .option(
      '--results <folder>',
      'where they are written',
      fileURLToPath(new URL('./results', import.meta.url)),
    )
    .action(run),
)
