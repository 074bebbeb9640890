import { setTimeout as pause } from 'node:timers/promises'
import { Command } from 'commander'
import { whole } from 'spacegrid/command-line/option-values'
import { runCommand } from 'spacegrid/command-line/run-command'
import { spreadOf } from './goals/spread.ts'
import { BenchServers } from './processes/bench-servers.ts'
import type { Delays } from './processes/delay-record.ts'
import { nodeFlags, RunningSubject } from './processes/running-subject.ts'
import { factsLine, runFacts } from './report/run-facts.ts'
import type { ReadersWanted } from './subjects/live-readers.ts'
import type { LiveUnitOptions } from './subjects/live-unit.ts'

interface Options {
  readonly readers: number
  readonly watchers: number
  readonly units: number
  readonly stuck: number
  readonly rounds: number
  readonly rate: number
  readonly seconds: number
}

interface Told extends Delays {
  readonly told: number
  readonly ended: number
}

/** Connections that one process of readers holds. */
const readersEach = 12_500
const unitModule = new URL('./subjects/live-unit.ts', import.meta.url)
const readersModule = new URL('./subjects/live-readers.ts', import.meta.url)
const flags = [...nodeFlags, '--expose-gc']

const print = (line: string) => process.stdout.write(`${line}\n`)
const mebibytes = (bytes: number) => `${(bytes / 2 ** 20).toFixed(0)} MiB`

/** Units with their readers, whatever these follow. */
class Audience implements AsyncDisposable {
  readonly units: RunningSubject[] = []
  readonly #readers: RunningSubject[] = []

  async startUnit(options: LiveUnitOptions): Promise<void> {
    this.units.push(
      await RunningSubject.start(`unit-${options.number}`, unitModule, options, flags),
    )
  }

  /** Returns how long it took, ms. */
  async come(path: string, perUnit: number, stuck: number): Promise<number> {
    const begun = performance.now()
    for (const unit of this.units) {
      const port = await unit.request<number>('port')
      let left = perUnit
      while (left > 0) {
        const count = Math.min(left, readersEach)
        const readers = await RunningSubject.start('readers', readersModule, {}, flags)
        this.#readers.push(readers)
        const isFirst = left === perUnit
        const wanted: ReadersWanted = { port, path, count, stuck: isFirst ? stuck : 0 }
        await readers.request('open', wanted)
        left -= count
      }
    }
    return performance.now() - begun
  }

  /** Commands at a rate; what the readers were told of them. */
  async tell(rate: number, ms: number): Promise<{ told: Told; sent: number; cpuMs: number }> {
    for (const readers of this.#readers) await readers.request('begin')
    const cpuBefore = await this.#sum('cpuMs')
    const [first] = this.units as [RunningSubject]
    const { operations: sent, failed } = await first.run('tell', {
      ...{ inFlight: 1000, rate, ms, warmupMs: 0 },
    })
    if (failed > 0) throw new Error(`${failed} commands have failed`)
    // What is on its way arrives.
    await pause(2000)
    const cpuMs = (await this.#sum('cpuMs')) - cpuBefore
    const all = await Promise.all(this.#readers.map((readers) => readers.request<Told>('told')))
    const worst = (of: (told: Told) => number) => Math.max(...all.map(of))
    const sum = (of: (told: Told) => number) => all.reduce((total, one) => total + of(one), 0)
    const told = {
      count: sum(({ count }) => count),
      told: sum((one) => one.told),
      ended: sum(({ ended }) => ended),
      p50: worst(({ p50 }) => p50),
      p99: worst(({ p99 }) => p99),
    }
    return { told, sent, cpuMs }
  }

  memory(): Promise<number> {
    return this.#sum('memory')
  }

  async #sum(request: string): Promise<number> {
    const all = await Promise.all(this.units.map((unit) => unit.request<number>(request)))
    return all.reduce((total, one) => total + one, 0)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const subject of [...this.#readers, ...this.units]) await subject.close()
  }
}

/** Readers of one unit's events; its log is in memory: what is measured begins with the commit. */
async function events(options: Options, stuck: number): Promise<Told> {
  const { readers, rate, seconds } = options
  await using audience = new Audience()
  await audience.startUnit({ space: 'told', number: 0 })
  const [unit] = audience.units as [RunningSubject]
  await unit.request('fill')
  const before = await audience.memory()
  const cameMs = await audience.come('/told/events', readers, stuck)
  const with_ = await audience.memory()
  const { told, cpuMs } = await audience.tell(rate, seconds * 1000)
  const after = await audience.memory()
  const reading = readers - stuck
  print(
    `events of one unit, ${readers} readers${stuck > 0 ? `, ${stuck} of which do not read` : ''}, ${rate}/s for ${seconds} s`,
  )
  print(
    `  from commit to delivery p50 ${told.p50.toFixed(1)} ms, p99 ${told.p99.toFixed(1)} ms; ${(told.told / reading).toFixed(1)} events told each; ${told.ended} let go`,
  )
  print(
    `  unit: ${mebibytes(before)}, with readers ${mebibytes(with_)} (${((with_ - before) / readers / 1024).toFixed(1)} KiB each), after ${mebibytes(after)}; ${((cpuMs * 1000) / Math.max(1, told.told)).toFixed(2)} µs of processor time for each delivery; they came in ${(cameMs / 1000).toFixed(1)} s`,
  )
  return told
}

/**
 * What those who do not read cost the others: alternately without and with them, for the machine is
 * never the same for long. The median of each kind counts.
 */
async function slowAndQuick(options: Options): Promise<void> {
  const { rounds, stuck } = options
  const without: Told[] = []
  const beside: Told[] = []
  for (let round = 0; round < rounds; round++) {
    without.push(await events(options, 0))
    if (stuck > 0) beside.push(await events(options, stuck))
  }
  if (stuck === 0) return
  const median = (rounds: readonly Told[], of: (told: Told) => number) =>
    spreadOf(rounds.map(of)).median
  const ratio = (of: (told: Told) => number) =>
    (median(beside, of) / median(without, of)).toFixed(2)
  print(
    `  beside ${stuck} who do not read, in ${rounds} rounds: delay p50 × ${ratio(({ p50 }) => p50)}, p99 × ${ratio(({ p99 }) => p99)}`,
  )
}

/** Readers of one live query, over several units. */
async function watchers(options: Options): Promise<void> {
  const { watchers: count, units, rate, seconds } = options
  await using servers = await BenchServers.open(print)
  const natsUrl = await servers.url('natsDefaultSync')
  await using audience = new Audience()
  for (let number = 0; number < units; number++)
    await audience.startUnit({ natsUrl, space: 'told', number })
  await (audience.units[0] as RunningSubject).request('fill')
  const before = await audience.memory()
  const cameMs = await audience.come('/told/queries/board', Math.ceil(count / units), 0)
  const with_ = await audience.memory()
  const { told, sent, cpuMs } = await audience.tell(rate, seconds * 1000)
  const live = await Promise.all(
    audience.units.map((unit) => unit.request<{ evaluations: number }>('live')),
  )
  const evaluations = live.reduce((sum, one) => sum + one.evaluations, 0)
  print(`one live query, ${count} readers over ${units} units, ${sent} changes in ${seconds} s`)
  print(
    `  from the call of the command to delivery p50 ${told.p50.toFixed(1)} ms, p99 ${told.p99.toFixed(1)} ms; ${told.told} changes told, ${told.ended} let go; ${evaluations} evaluations in all`,
  )
  print(
    `  units: ${mebibytes(before)}, with readers ${mebibytes(with_)} (${((with_ - before) / count / 1024).toFixed(1)} KiB each); ${((cpuMs * 1000) / count / Math.max(1, sent)).toFixed(2)} µs of processor time for each reader and change; they came in ${(cameMs / 1000).toFixed(1)} s`,
  )
}

async function run(options: Options): Promise<void> {
  print(factsLine(runFacts('npm run bench:live --')))
  if (options.readers > 0) await slowAndQuick(options)
  if (options.watchers > 0) await watchers(options)
}

await runCommand(
  new Command('npm run bench:live --')
    .description('What it takes to tell many readers what happens.')
    .option('--readers <number>', 'who follow the events of one unit', whole(0, 100_000), 10_000)
    .option('--stuck <number>', 'of these, every other time, who do not read', whole(0, 1000), 20)
    .option('--rounds <number>', 'without and with these', whole(1, 100), 1)
    .option('--watchers <number>', 'who follow one live query', whole(0, 1_000_000), 100_000)
    .option('--units <number>', 'that they follow', whole(1, 64), 8)
    .option('--rate <number>', 'commands a second', whole(1, 100_000), 5)
    .option('--seconds <number>', 'of commands', whole(1, 600), 20)
    .action(run),
)
