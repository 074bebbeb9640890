import { loadavg } from 'node:os'
import { fileURLToPath } from 'node:url'
import { Command } from 'commander'
import { whole } from 'spacegrid/command-line/option-values'
import { runCommand } from 'spacegrid/command-line/run-command'
import { natsUrl } from './hot-path/bench-unit.ts'
import { offer } from './overload/offer.ts'
import {
  type OverloadResults,
  type OverloadRow,
  overloadPage,
} from './overload/overload-results.ts'
import { openOverloadUnit } from './overload/overload-unit.ts'
import {
  aimdOnLatency,
  dagor,
  fixedLimit,
  noControl,
  ours,
  type Policy,
} from './overload/policies.ts'
import { BenchServers } from './processes/bench-servers.ts'
import { factsLine, runFacts } from './report/run-facts.ts'
import { writeResults } from './report/write-results.ts'

interface Options {
  readonly time: number
  readonly times: number
  readonly calm: number
  readonly work: number
  readonly fixed: number
  readonly name: string
  readonly results: string
}

const print = (line: string) => process.stdout.write(`${line}\n`)
const load = 0.8

/** So many at a time leave nothing idle. */
const saturating = 256

/** What can be done when there is always more to do, and never too much. */
async function capacityOf(url: string, { work, calm }: Options): Promise<number> {
  const { unit, close } = await openOverloadUnit(url, noControl(), work / 1000)
  let done = 0
  const loop = async (until: number) => {
    while (performance.now() < until) {
      await unit.execute('touch', { id: `item-${done++ % 10_000}` })
    }
  }
  const run = (ms: number) => {
    const until = performance.now() + ms
    return Promise.all(Array.from({ length: saturating }, () => loop(until)))
  }
  await run(calm / 2)
  done = 0
  const from = performance.now()
  await run(calm)
  const perSecond = (done * 1000) / (performance.now() - from)
  await close()
  return perSecond
}

async function measure(
  url: string,
  policy: Policy,
  capacity: number,
  { work, time, calm: calmMs, times }: Options,
): Promise<OverloadRow> {
  const { unit, close } = await openOverloadUnit(url, policy, work / 1000)
  const calm = (ms: number, slowMs: number) => offer(unit, policy, load * capacity, ms, slowMs)
  await calm(calmMs / 2, Number.POSITIVE_INFINITY)
  const before = await calm(calmMs, Number.POSITIVE_INFINITY)
  const slowMs = 2 * before.p99
  // Those who come behind do not wait until everybody has been answered.
  const spike = offer(unit, policy, times * capacity, time, slowMs)
  await new Promise((wake) => setTimeout(wake, time))
  const after = await calm(calmMs, slowMs)
  const overload = await spike
  await close()
  return {
    policy: policy.name,
    ...{ before, overload, after },
    goodput: overload.inTime / overload.seconds / capacity,
    p99Ratio: overload.p99 / before.p99,
    recoveryMs: after.wellAfterMs,
  }
}

const lineOf = ({
  policy,
  goodput,
  overload,
  before,
  p99Ratio,
  recoveryMs,
  after,
}: OverloadRow): string =>
  [
    policy.padEnd(28),
    `goodput ${(100 * goodput).toFixed(0).padStart(3)} %`,
    `p50 ${overload.p50.toFixed(1)} ms`,
    `p99 ${overload.p99.toFixed(1)} ms (${p99Ratio.toFixed(1)} times ${before.p99.toFixed(1)})`,
    recoveryMs === null
      ? `not well again within ${after.seconds} s`
      : `well again after ${recoveryMs} ms`,
    `shed ${overload.shed}, failed ${overload.failed} of ${overload.offered}`,
  ].join('  ')

async function run(options: Options): Promise<void> {
  const facts = runFacts('npm run bench:overload --')
  print(factsLine(facts))
  await using servers = await BenchServers.open(print)
  const url = await natsUrl(servers)
  const [machineLoad = 0] = loadavg()
  const capacity = await capacityOf(url, options)
  const { work, times, time, calm, fixed } = options
  print(
    `${Math.round(capacity)} commands/s of ${work} µs of work each; ${times} times as many for ${time / 1000} s; load of the machine ${machineLoad.toFixed(1)}`,
  )
  // In time is what takes no longer than several times the unhurried.
  const policies = [noControl(), fixedLimit(fixed), aimdOnLatency(50), dagor(), ours(20), ours(5)]
  const rows: OverloadRow[] = []
  for (const policy of policies) {
    const row = await measure(url, policy, capacity, options)
    rows.push(row)
    print(lineOf(row))
  }
  const settings = { work, times, time, calm, fixed }
  const results: OverloadResults = { ...facts, machineLoad, settings, capacity, rows }
  for (const path of await writeResults(options.results, options.name, results, overloadPage))
    print(path)
}

await runCommand(
  new Command('npm run bench:overload --')
    .description(
      'Several times of what a unit can do: how much of it is done, how long it takes, and when all is well again; with several ways to turn others away, on the same work.',
    )
    .option('--time <ms>', 'time of the overload', whole(100, 120_000), 30_000)
    .option('--calm <ms>', 'time before and after it', whole(100, 120_000), 8000)
    .option('--times <number>', 'of the capacity', whole(2, 100), 10)
    .option('--work <µs>', 'work of each command before it writes', whole(0, 100_000), 500)
    .option('--fixed <number>', 'of the fixed limit', whole(1, 1_000_000), 1000)
    .option('--name <name>', 'name of the result file', 'overload')
    .option(
      '--results <folder>',
      'where it is written',
      fileURLToPath(new URL('./results', import.meta.url)),
    )
    .action(run),
)
