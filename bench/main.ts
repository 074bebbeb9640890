import { fileURLToPath } from 'node:url'
import { Command, CommanderError, InvalidArgumentError } from 'commander'
import { type BenchUnit, type LogKind, openBenchUnit } from './hot-path/bench-unit.ts'
import { type Measurement, measure } from './hot-path/measure.ts'
import { describeRun, writeResults } from './hot-path/results.ts'
import { tasksFor } from './hot-path/tasks.ts'

interface Options {
  readonly entries: number
  readonly time: number
  readonly runs: number
  readonly concurrency: readonly number[]
  readonly logs: readonly LogKind[]
  readonly only: string
  readonly name: string
}

const whole = (least: number, most: number) => (text: string) => {
  const number = Number(text)
  if (!Number.isInteger(number) || number < least || number > most)
    throw new InvalidArgumentError(`It must be a whole number from ${least} to ${most}.`)
  return number
}

const list =
  <T>(read: (text: string) => T) =>
  (text: string) =>
    text.split(',').map((part) => read(part.trim()))

function logKind(text: string): LogKind {
  if (text !== 'embedded' && text !== 'nats')
    throw new InvalidArgumentError('It must be embedded, nats or both.')
  return text
}

async function run(options: Options): Promise<void> {
  const measurements: Measurement[] = []
  print(['task', 'log', 'at a time', 'per second', 'p50 ms', 'p99 ms', 'p99.9 ms', 're-executions'])
  for (const [i, kind] of options.logs.entries()) {
    const opened = await openBenchUnit(kind, options.entries)
    const tasks = tasksFor(options.entries).filter(
      (task) => task.name.includes(options.only) && (task.commits || i === 0),
    )
    for (const task of tasks)
      for (const concurrency of options.concurrency) {
        const measurement = await median(opened, task, concurrency, options)
        measurements.push(measurement)
        printMeasurement(measurement)
      }
    await opened.close()
  }
  const results = describeRun(
    { entries: options.entries, timeMs: options.time, runs: options.runs },
    measurements,
  )
  const folder = fileURLToPath(new URL('results', import.meta.url))
  for (const path of await writeResults(folder, options.name, results))
    process.stdout.write(`${path}\n`)
}

async function median(
  unit: BenchUnit,
  task: Parameters<typeof measure>[1],
  concurrency: number,
  { runs, time }: Options,
): Promise<Measurement> {
  const taken: Measurement[] = []
  for (let i = 0; i < runs; i++) taken.push(await measure(unit, task, concurrency, time))
  taken.sort((a, b) => a.perSecond - b.perSecond)
  return taken[taken.length >>> 1] as Measurement
}

const widths = [26, 10, 10, 14, 10, 10, 10, 14]

function print(cells: readonly string[]): void {
  process.stdout.write(
    `${cells.map((cell, i) => (i < 2 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0))).join(' ')}\n`,
  )
}

function printMeasurement({
  task,
  log,
  concurrency,
  perSecond,
  p50,
  p99,
  p999,
  collisions,
}: Measurement): void {
  const milliseconds = [p50, p99, p999].map((ms) => ms.toFixed(4))
  print([
    task,
    log.split(' ')[0] ?? '',
    String(concurrency),
    perSecond.toLocaleString('en'),
    ...milliseconds,
    collisions.toFixed(2),
  ])
}

const command = new Command('npm run bench --')
  .description(
    'The hot in-memory path of one processing unit, in process, under variable concurrency.',
  )
  .option('--entries <number>', 'entries in the cache', whole(100, 10_000_000), 10_000)
  .option('--time <ms>', 'time of each measurement', whole(10, 60_000), 1_000)
  .option('--runs <number>', 'runs of each measurement; the median counts', whole(1, 99), 3)
  .option(
    '--concurrency <list>',
    'how many at a time',
    list(whole(1, 16_384)),
    [1, 4, 16, 64, 256, 1024],
  )
  .option('--logs <list>', 'embedded, nats or both', list(logKind), [
    'embedded',
    'nats',
  ] as LogKind[])
  .option('--only <text>', 'only tasks whose name contains this', '')
  .option('--name <name>', 'name of the result files under bench/results/', 'hot-path')
  .exitOverride()
  .action(run)

try {
  await command.parseAsync()
} catch (error) {
  if (error instanceof CommanderError) process.exit(error.exitCode === 0 ? 0 : 2)
  throw error
}
