import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Command, InvalidArgumentError } from 'commander'
import { failureOf } from 'spacegrid/command-line/failure'
import { whole } from 'spacegrid/command-line/option-values'
import { runCommand } from 'spacegrid/command-line/run-command'
import { FaultGrid } from '../support/fault-grid.ts'
import { counted } from './fault-plan.ts'
import { type CycleReport, type KillCyclesSummary, runKillCycles } from './kill-cycles.ts'

interface ChaosOptions {
  readonly cycles: number
  readonly seed: number
  readonly units: number
  readonly copies: number
  readonly shoppers: number
  readonly pauses: number
  readonly keep: boolean
}

/** Findings shown of each kind; all of them would bury the first. */
const shownMax = 20

function share(text: string): number {
  const value = Number(text)
  if (!/^[\d.]+$/.test(text) || !(value >= 0 && value <= 1))
    throw new InvalidArgumentError('It must be a number from 0 to 1.')
  return value
}

const command = new Command('npm run chaos --')
  .description(
    'Kills processes of a real ticketing grid (processing units, pumps, writers, readers, NATS, MongoDB, Redis) with kill -9 at random, under load, and starts them again; then compares every acknowledged command with MongoDB, the warm image and every unit.',
  )
  .option('--cycles <number>', 'cycles of kill and restart', whole(1, 100_000), 200)
  .option(
    '--seed <number>',
    'the same plan again; by default a new one, which is printed',
    whole(0, 2 ** 31),
  )
  .option('--units <number>', 'processing units', whole(1, 16), 3)
  .option('--copies <number>', 'pumps, writers and readers of each', whole(1, 4), 2)
  .option('--shoppers <number>', 'shoppers at the same time', whole(1, 1000), 12)
  .option(
    '--pauses <share>',
    'share of cycles that pause a process, for longer than every timeout, instead of killing it',
    share,
    0,
  )
  .option('--keep', 'keep data and logs also when nothing was found', false)
  .addHelpText(
    'after',
    `
Everything runs on this machine, on free ports, in a temporary folder that is kept when something was found. Two cores do 200 cycles in about six minutes.
Ctrl-C ends the cycles early; the audit follows. Exit code: 0 nothing lost or doubled, 1 something was found or did not come back, 2 wrong options.
The seed fixes who is killed and when, not how the processes interleave.`,
  )
  .action(runAndEnd)

/** Shoppers may still be waiting for a grid that is gone: the process does not wait for them. */
async function runAndEnd(
  options: Omit<ChaosOptions, 'seed'> & { readonly seed?: number },
): Promise<void> {
  const { seed = Math.floor(Math.random() * 2 ** 31) } = options
  const code = await run({ ...options, seed }).catch((error) => {
    throw failureOf(error)
  })
  process.exit(code)
}

async function run(options: ChaosOptions): Promise<number> {
  const { cycles, seed, units, copies, shoppers } = options
  const folder = await mkdtemp(join(tmpdir(), 'spacegrid-chaos-'))
  say(`Seed ${seed}; data and logs in ${folder}`)
  const interrupt = new AbortController()
  // The first signal ends the cycles, and the audit follows; the second one ends the process.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => interrupt.abort())
  const startedAt = performance.now()
  const grid = await FaultGrid.start({ units, copies, folder })
  say(`${grid.cluster.components.length + grid.servers.size} processes run; ${cycles} cycles begin`)
  let passed = false
  try {
    const summary = await runKillCycles(grid, {
      cycles,
      seed,
      shoppers,
      pauseShare: options.pauses,
      signal: interrupt.signal,
      report: (cycle) => say(lineOf(cycle, cycles)),
    })
    passed = tell(summary, (performance.now() - startedAt) / 1000, seed)
  } finally {
    await grid.stop()
    if (passed && !options.keep) await rm(folder, { recursive: true })
    else say(`Data and logs: ${folder}`)
  }
  return passed ? 0 : 1
}

function lineOf({ cycle, fault, victims, tookMs, acknowledged }: CycleReport, cycles: number) {
  const number = `${cycle}`.padStart(`${cycles}`.length)
  const seconds = (tookMs / 1000).toFixed(1)
  return `${number}/${cycles}  ${seconds} s  ${fault} ${victims.join(', ')}; ${acknowledged} commands acknowledged so far`
}

/** Whether all is well. */
function tell(summary: KillCyclesSummary, seconds: number, seed: number): boolean {
  const { cycles, kills, pauses, acknowledged, retried, unanswered, findings } = summary
  const { customers, passedOver } = summary
  const { lost, doubled, wrong } = findings
  const requests = [...retried.values()].reduce((sum, count) => sum + count, 0)
  say('')
  say(
    `${cycles} random ${pauses.size > 0 ? 'kill -9 and SIGSTOP' : 'kill -9'} cycles on the real cluster in ${Math.round(seconds)} s, seed ${seed}`,
  )
  say(`  killed        ${counted(kills)}`)
  if (pauses.size > 0) say(`  paused        ${counted(pauses)}`)
  say(`  acknowledged  ${acknowledged} commands, ${unanswered} never answered`)
  say(`  sent again    ${requests} requests: ${counted(retried)}`)
  say(
    `  passed over   ${passedOver} of ${customers} customers, who do not know what became of a command`,
  )
  for (const [name, found] of Object.entries({ lost, doubled, wrong }))
    for (const line of found.slice(0, shownMax)) say(`  ${name}: ${line}`)
  say(`  lost ${lost.length}, doubled ${doubled.length}, wrong ${wrong.length}`)
  return lost.length + doubled.length + wrong.length + unanswered === 0
}

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}

await runCommand(command)
