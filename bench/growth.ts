import { fileURLToPath } from 'node:url'
import { Command, Option } from 'commander'
import { list, whole } from 'spacegrid/command-line/option-values'
import { runCommand } from 'spacegrid/command-line/run-command'
import { growthCells, growthColumns, growthPage } from './growth/growth-results.ts'
import { measureGrowth } from './growth/measure-growth.ts'
import { BenchServers } from './processes/bench-servers.ts'
import { runFacts } from './report/run-facts.ts'
import { writeResults } from './report/write-results.ts'

interface Options {
  readonly entries: readonly number[]
  readonly units: readonly number[]
  readonly valueBytes: readonly number[]
  readonly megabytesMax: number
  readonly time: number
  readonly name: string
  readonly results: string
}

async function run(options: Options): Promise<void> {
  const facts = runFacts('npm run bench:growth --')
  const print = (line: string) => process.stdout.write(`${line}\n`)
  const row = (cells: readonly string[]) =>
    print(cells.map((cell, i) => cell.padStart((growthColumns[i]?.length ?? 0) + 4)).join(''))
  await using servers = await BenchServers.open(print)
  const figures = []
  row(growthColumns)
  const { entries, units, valueBytes, megabytesMax, time: timeMs } = options
  const bytesMax = megabytesMax * 1_000_000
  for await (const figure of measureGrowth(servers, {
    entries,
    units,
    valueBytes,
    bytesMax,
    timeMs,
  })) {
    figures.push(figure)
    row(growthCells(figure))
  }
  const results = { ...facts, figures }
  for (const path of await writeResults(options.results, options.name, results, growthPage))
    print(path)
}

await runCommand(
  new Command('npm run bench:growth --')
    .description('What reads, commands, memory and joining cost as a space grows.')
    .addOption(
      new Option('--entries <list>', 'entries of a space; 5000000 needs 16 GB with four units')
        .argParser(list(whole(100, 10_000_000)))
        .default([10_000, 100_000, 1_000_000], '10000,100000,1000000'),
    )
    .addOption(
      new Option('--units <list>', 'units of a space')
        .argParser(list(whole(1, 16)))
        .default([1, 2, 4], '1,2,4'),
    )
    .addOption(
      new Option('--value-bytes <list>', 'bytes of a value')
        .argParser(list(whole(1, 100_000)))
        .default([100, 1000, 10_000], '100,1000,10000'),
    )
    .option(
      '--megabytes-max <number>',
      'leaves out spaces with more megabytes of values',
      whole(1, 100_000),
      200,
    )
    .option('--time <ms>', 'time of each measurement', whole(10, 60_000), 1000)
    .option('--name <name>', 'name of the result files', 'growth')
    .option(
      '--results <folder>',
      'where they are written',
      fileURLToPath(new URL('./results', import.meta.url)),
    )
    .action(run),
)
