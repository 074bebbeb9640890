import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Command } from 'commander'
import { whole } from 'spacegrid/command-line/option-values'
import { runCommand } from 'spacegrid/command-line/run-command'
import { type Cost, compare } from './against/compare.ts'
import { EarlierTree } from './against/earlier-tree.ts'
import { short, spreadOf, spreadText } from './goals/spread.ts'
import { BenchServers } from './processes/bench-servers.ts'
import { runFacts } from './report/run-facts.ts'

interface Options {
  readonly revision: string
  readonly rounds: number
  readonly time: number
  readonly entries: number
  readonly name: string
  readonly results: string
}

const root = fileURLToPath(new URL('..', import.meta.url))

const lineOf = ({ what, unit, before, now, ratio }: Cost): string => {
  const median = (values: readonly number[]) => `${short(spreadOf(values).median)} ${unit}`
  return `${what.padEnd(44)} before ${median(before).padStart(10)}  now ${median(now).padStart(10)}  ratio ${spreadText(ratio)}`
}

async function run(options: Options): Promise<void> {
  const facts = runFacts('npm run bench:against --')
  const print = (line: string) => process.stdout.write(`${line}\n`)
  await using earlier = await EarlierTree.of(options.revision)
  await using servers = await BenchServers.open(print)
  print(
    `Each beside ${earlier.commit}, ${options.rounds} rounds in turn; ratios of times, round by round.`,
  )
  const { rounds, time: sampleMs, entries } = options
  const sides = [
    { name: 'before', folder: earlier.folder },
    { name: 'now', folder: root },
  ] as const
  const costs: Cost[] = []
  for await (const cost of compare(sides, servers, { rounds, sampleMs, entries })) {
    costs.push(cost)
    print(lineOf(cost))
  }
  await mkdir(options.results, { recursive: true })
  const path = join(options.results, `${options.name}.json`)
  const results = {
    ...facts,
    earlier: earlier.commit,
    settings: { rounds, sampleMs, entries },
    costs,
  }
  await writeFile(path, `${JSON.stringify(results, null, 2)}\n`)
  print(path)
}

await runCommand(
  new Command('npm run bench:against --')
    .description(
      'What has changed since an earlier revision, in time: both side by side in one run.',
    )
    .requiredOption('--revision <commit>', 'the earlier one')
    .option('--rounds <number>', 'rounds of each comparison', whole(1, 99), 5)
    .option('--time <ms>', 'time of each sample', whole(10, 60_000), 1500)
    .option(
      '--entries <number>',
      'of what is joined and started cold',
      whole(100, 10_000_000),
      100_000,
    )
    .option('--name <name>', 'name of the result file', 'against')
    .option(
      '--results <folder>',
      'where it is written',
      fileURLToPath(new URL('./results', import.meta.url)),
    )
    .action(run),
)
