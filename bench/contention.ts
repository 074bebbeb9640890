import { loadavg } from 'node:os'
import { fileURLToPath } from 'node:url'
import { Command, Option } from 'commander'
import { list, whole } from 'spacegrid/command-line/option-values'
import { runCommand } from 'spacegrid/command-line/run-command'
import {
  type ContentionRow,
  contentionCells,
  contentionColumns,
  contentionPage,
  type Factor,
} from './contention/contention-results.ts'
import { handler, hotWork, otherWork } from './contention/contention-work.ts'
import { type ContentionPlan, measureContention } from './contention/measure-contention.ts'
import { natsUrl } from './hot-path/bench-unit.ts'
import { BenchServers } from './processes/bench-servers.ts'
import { factsLine, runFacts } from './report/run-facts.ts'
import { writeResults } from './report/write-results.ts'

interface Options {
  readonly units: readonly number[]
  readonly rates: readonly number[]
  readonly entries: readonly number[]
  readonly hotEntries: number
  readonly latencies: readonly number[]
  readonly time: number
  readonly seed: number
  readonly name: string
  readonly results: string
}

const print = (line: string) => process.stdout.write(`${line}\n`)
const whatWidth = 48
const widths = [7, 11, 9, 12, 14, 9, 9, 20, 8]
const row = ([what = '', ...others]: readonly string[]) =>
  print(what.padEnd(whatWidth) + others.map((cell, at) => cell.padStart(widths[at] ?? 0)).join(''))

/** The middle one of each list is where the others are varied from. */
const middle = (values: readonly number[]): number => values[values.length >>> 1] ?? 1

async function run(options: Options): Promise<void> {
  const facts = runFacts('npm run bench:contention --')
  const [machineLoad = 0] = loadavg()
  print(`${factsLine(facts)}; load average ${machineLoad.toFixed(1)}`)
  await using servers = await BenchServers.open(print)
  const url = await natsUrl(servers)
  const { units, rates, entries, latencies, time: ms, seed } = options
  const base: ContentionPlan = {
    ...{ work: handler, units: middle(units), updatesPerSecond: middle(rates) },
    ...{ entries: middle(entries), replicationMs: middle(latencies), ms, seed },
  }
  const plans: Readonly<Record<Factor, readonly ContentionPlan[]>> = {
    units: units.map((value) => ({ ...base, units: value })),
    updatesPerSecond: rates.map((value) => ({ ...base, updatesPerSecond: value })),
    entries: entries.map((value) => ({ ...base, entries: value })),
    replicationMs: latencies.map((value) => ({ ...base, replicationMs: value })),
    work: [handler, ...otherWork].map((work) => ({ ...base, work })),
    hot: hotWork.map((work) => ({ ...base, work, entries: options.hotEntries })),
  }
  row(contentionColumns)
  const rows: ContentionRow[] = []
  for (const [factor, all] of Object.entries(plans)) {
    const figures = []
    for (const plan of all) {
      const figure = await measureContention(url, plan)
      figures.push(figure)
      row(contentionCells(figure))
    }
    rows.push({ factor: factor as Factor, figures })
  }
  const results = { ...facts, machineLoad, rows }
  for (const path of await writeResults(options.results, options.name, results, contentionPage))
    print(path)
}

const numbers = (flags: string, description: string, values: readonly number[], most: number) =>
  new Option(flags, `${description}; the middle one is kept while another factor is varied`)
    .argParser(list(whole(1, most)))
    .default([...values], values.join(','))

await runCommand(
  new Command('npm run bench:contention --')
    .description(
      'Collisions of units that change the same entries, beside the formula of the style’s book and what follows from its assumptions: one factor at a time, then the same with home units, with operations, and in the applications.',
    )
    .addOption(numbers('--units <list>', 'units', [1, 2, 4, 6, 8], 16))
    .addOption(numbers('--rates <list>', 'updates per second', [50, 100, 200, 400, 600], 10_000))
    .addOption(numbers('--entries <list>', 'entries', [25, 50, 100, 400, 1600], 5000))
    .addOption(numbers('--latencies <list>', 'replication latency, ms', [10, 20, 40, 60, 80], 1000))
    .option('--hot-entries <number>', 'where few are wanted by all', whole(1, 5000), 4)
    .option('--time <ms>', 'time of each measurement', whole(100, 600_000), 10_000)
    .option('--seed <number>', 'of the moments, units and entries', whole(0, 2 ** 31), 1)
    .option('--name <name>', 'name of the result files', 'contention')
    .option(
      '--results <folder>',
      'where they are written',
      fileURLToPath(new URL('./results', import.meta.url)),
    )
    .action(run),
)
