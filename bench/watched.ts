import { mkdir, writeFile } from 'node:fs/promises'
import { loadavg } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { OtlpCollector } from '@spacegrid/proof/support/otlp-collector'
import { Command } from 'commander'
import { whole } from 'spacegrid/command-line/option-values'
import { runCommand } from 'spacegrid/command-line/run-command'
import { interleave } from './goals/interleave.ts'
import { ratioOf, type Spread, short, spreadOf, spreadText } from './goals/spread.ts'
import { BenchServers } from './processes/bench-servers.ts'
import { RunningSubject } from './processes/running-subject.ts'
import type { RunResult } from './processes/subject.ts'
import { runFacts } from './report/run-facts.ts'
import type { WatchedUnit } from './subjects/processing-unit.ts'

interface Options {
  readonly rounds: number
  readonly time: number
  readonly connections: number
  readonly entries: number
  readonly name: string
  readonly results: string
}

/** What being watched costs, of one way of being watched. */
export interface WatchedCost {
  readonly operation: string
  readonly watched: string
  /** Processor time of the unit for one operation, microseconds. */
  readonly micros: Spread
  /** Of that to the one of a unit that nobody watches, round by round. */
  readonly ratio: Spread
  /** Of the rates. */
  readonly rateRatio: Spread
}

export interface WatchedResults {
  readonly load: readonly number[]
  readonly costs: readonly WatchedCost[]
}

const nobody = 'nothing'
const unitModule = new URL('./subjects/processing-unit.ts', import.meta.url)
const callersModule = new URL('./subjects/http-client.ts', import.meta.url)
/** As often as that Prometheus asks; a hundred times as often as in production at most. */
const askedEveryMs = 1000

const waysOf = (collector: string): readonly (readonly [string, WatchedUnit])[] => [
  [nobody, { metrics: false }],
  ['nothing, once more', { metrics: false }],
  ['metrics', { metrics: true }],
  ['metrics, 1 % traced', { metrics: true, collector, share: 0.01 }],
  ['metrics, all traced', { metrics: true, collector, share: 1 }],
]

interface Sample {
  readonly micros: number
  readonly perSecond: number
}

class WatchedSubject {
  readonly #unit: RunningSubject
  readonly #callers: RunningSubject

  private constructor(unit: RunningSubject, callers: RunningSubject) {
    this.#unit = unit
    this.#callers = callers
  }

  static async start(
    running: AsyncDisposableStack,
    natsUrl: string,
    { entries }: Options,
    [name, watched]: readonly [string, WatchedUnit],
    number: number,
  ): Promise<WatchedSubject> {
    const space = `watched${number}`
    const given = { natsUrl, space, number: 0, of: 1, entries, doors: true, watched }
    const unit = running.use(await RunningSubject.start(`unit, ${name}`, unitModule, given))
    const port = await unit.request<number>('port')
    const called = { port, space, entries }
    return new WatchedSubject(
      unit,
      running.use(await RunningSubject.start(`callers, ${name}`, callersModule, called)),
    )
  }

  async sample(operation: string, { connections, time }: Options): Promise<Sample> {
    const asking = setInterval(() => void this.#unit.request('metrics'), askedEveryMs)
    const warmupMs = Math.ceil(time / 5)
    const before = await this.#cpuMs()
    const settings = { inFlight: connections, ms: time, warmupMs }
    const { perSecond }: RunResult = await this.#callers.run(operation, settings)
    const after = await this.#cpuMs()
    clearInterval(asking)
    // The warm-up does as much in its time.
    const operations = (perSecond * (time + warmupMs)) / 1000
    return { micros: ((after - before) * 1000) / operations, perSecond }
  }

  async #cpuMs(): Promise<number> {
    return (await this.#unit.request<{ readonly cpuMs: number }>('usage')).cpuMs
  }
}

async function run(options: Options): Promise<void> {
  const facts = runFacts('npm run bench:watched --')
  const print = (line: string) => process.stdout.write(`${line}\n`)
  const load = loadavg()
  print(`Processor time of a unit for one operation over HTTP; the load is ${load[0]?.toFixed(1)}`)
  await using servers = await BenchServers.open(print)
  await using collector = await OtlpCollector.start()
  await using running = new AsyncDisposableStack()
  const natsUrl = await servers.url('nats')
  const subjects: (readonly [string, WatchedSubject])[] = []
  for (const [number, way] of waysOf(collector.url).entries())
    subjects.push([way[0], await WatchedSubject.start(running, natsUrl, options, way, number)])
  const costs: WatchedCost[] = []
  for (const operation of ['query', 'command']) {
    const samples = await interleave(
      subjects.map(([name, subject]) => ({
        name,
        sample: () => subject.sample(operation, options),
      })),
      options.rounds,
    )
    const of = (name: string) => samples.get(name) ?? []
    for (const [watched] of subjects) {
      const micros = of(watched).map((sample) => sample.micros)
      const rates = of(watched).map(({ perSecond }) => perSecond)
      const ratio = ratioOf(
        micros,
        of(nobody).map((sample) => sample.micros),
      )
      const rateRatio = ratioOf(
        rates,
        of(nobody).map(({ perSecond }) => perSecond),
      )
      costs.push({ operation, watched, micros: spreadOf(micros), ratio, rateRatio })
      const told = `${short(spreadOf(micros).median)} µs`.padStart(9)
      print(
        `${operation.padEnd(8)} ${watched.padEnd(20)} ${told}  ratio ${spreadText(ratio)}  rate ${spreadText(rateRatio)}`,
      )
    }
  }
  print(`${collector.spans.length} spans collected; the load is ${loadavg()[0]?.toFixed(1)}`)
  await mkdir(options.results, { recursive: true })
  const path = join(options.results, `${options.name}.json`)
  const { rounds, time, connections, entries } = options
  const settings = { rounds, time, connections, entries }
  const results = { ...facts, settings, load: [...load, ...loadavg()], costs }
  await writeFile(path, `${JSON.stringify(results, null, 2)}\n`)
  print(path)
}

await runCommand(
  new Command('npm run bench:watched --')
    .description(
      'What it costs a unit to be watched: metrics that are asked for every second, and traces of one in a hundred requests and of all, beside one that nobody watches, in one run.',
    )
    .option('--rounds <number>', 'of everybody in turn', whole(1, 99), 9)
    .option('--time <ms>', 'of each sample', whole(10, 60_000), 1500)
    .option('--connections <number>', 'of callers', whole(1, 10_000), 64)
    .option('--entries <number>', 'that are worked on', whole(100, 10_000_000), 10_000)
    .option('--name <name>', 'name of the result file', 'watched')
    .option(
      '--results <folder>',
      'where it is written',
      fileURLToPath(new URL('./results', import.meta.url)),
    )
    .action(run),
)
