import { fileURLToPath } from 'node:url'
import { Command, InvalidArgumentError, Option } from 'commander'
import { list, whole } from 'spacegrid/command-line/option-values'
import { runCommand } from 'spacegrid/command-line/run-command'
import type { LogKind } from './hot-path/bench-unit.ts'
import { Comparison } from './hot-path/comparison.ts'
import { type HotPathOptions, measureHotPath } from './hot-path/hot-path.ts'
import { MeasurementTable } from './hot-path/measurement-table.ts'
import { resultsPage } from './hot-path/results-page.ts'
import { BenchServers } from './processes/bench-servers.ts'
import { runFacts } from './report/run-facts.ts'
import { writeResults } from './report/write-results.ts'

interface Options extends HotPathOptions {
  readonly name: string
  readonly results: string
}

function logKind(text: string): LogKind {
  if (text !== 'embedded' && text !== 'nats')
    throw new InvalidArgumentError('It must be embedded, nats or both.')
  return text
}

async function run(options: Options): Promise<void> {
  const facts = runFacts('npm run bench --')
  const comparison = Comparison.withCommitted(options.name)
  const screen = new MeasurementTable(process.stdout)
  await using servers = await BenchServers.open((line) => process.stdout.write(`${line}\n`))
  const measurements = []
  for await (const measured of measureHotPath(servers, options)) {
    const againstLast = comparison.ratio(measured)
    const measurement = { ...measured, ...(againstLast === undefined ? {} : { againstLast }) }
    measurements.push(measurement)
    screen.add(measurement)
  }
  const { entries, time: timeMs, runs } = options
  const results = { ...facts, entries, timeMs, runs, measurements }
  const seconds = Math.round((Date.now() - Date.parse(facts.startedAt)) / 1000)
  process.stdout.write(`\n${comparison.summary(results).join('\n')}\n\n${seconds} s\n`)
  for (const path of await writeResults(options.results, options.name, results, resultsPage))
    process.stdout.write(`${path}\n`)
}

await runCommand(
  new Command('npm run bench --')
    .description(
      'The hot path of a processing unit under variable concurrency: in process, over HTTP and NATS, and of several units on one log.',
    )
    .option('--entries <number>', 'entries in the cache', whole(100, 10_000_000), 10_000)
    .option('--time <ms>', 'time of each measurement', whole(10, 60_000), 400)
    .option('--runs <number>', 'runs of each measurement; the median counts', whole(1, 99), 3)
    .addOption(
      new Option('--concurrency <list>', 'how many at a time')
        .argParser(list(whole(1, 16_384)))
        .default([1, 4, 16, 64, 256, 1024], '1,4,16,64,256,1024'),
    )
    .addOption(
      new Option('--logs <list>', 'embedded, nats or both')
        .argParser(list(logKind))
        .default(['embedded', 'nats'], 'embedded,nats'),
    )
    .option('--only <text>', 'only tasks whose name contains this', '')
    .option('--name <name>', 'name of the result files', 'hot-path')
    .option(
      '--results <folder>',
      'where they are written',
      fileURLToPath(new URL('./results', import.meta.url)),
    )
    .action(run),
)
