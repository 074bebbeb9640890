import { Command } from 'commander'
import { failureOf } from 'spacegrid/command-line/failure'
import { whole } from 'spacegrid/command-line/option-values'
import { runCommand } from 'spacegrid/command-line/run-command'
import { counted } from '../chaos/fault-plan.ts'
import { inKeptFolder } from '../support/kept-folder.ts'
import { runTransfers, type TransferSummary } from './transfer-run.ts'

interface Options {
  readonly transfers: number
  readonly minutes: number
  readonly cycle: number
  readonly units: number
  readonly partitions: number
  readonly copies: number
  readonly tellers: number
  readonly accounts: number
  readonly hot: number
  readonly seed?: number
  readonly keep: boolean
}

/** Findings shown of each kind; all of them would bury the first. */
const shownMax = 20

const command = new Command('npm run transfers --')
  .description(
    'Transfers across the partitions of a real cluster while processes of it (units, pumps, writers, readers, NATS, MongoDB, Redis) are killed (kill -9) and paused (SIGSTOP) at random; then looks whether each was done once, on both sides, in MongoDB and in every copy, and the sum is what it was.',
  )
  .option('--transfers <number>', 'how many', whole(1, 10_000_000), 20_000)
  .option('--minutes <number>', 'ends earlier when they are over', whole(1, 1440), 25)
  .option('--cycle <seconds>', 'from one fault to the next at the most', whole(1, 600), 4)
  .option('--units <number>', 'processing units', whole(2, 16), 4)
  .option('--partitions <number>', 'of the space', whole(2, 1024), 8)
  .option('--copies <number>', 'pumps, writers and readers of each', whole(1, 4), 2)
  .option('--tellers <number>', 'that ask at the same time', whole(1, 1000), 64)
  .option('--accounts <number>', 'between which it is transferred', whole(16, 100_000), 1000)
  .option(
    '--hot <percent>',
    'of the transfers that have to do with one of four accounts: they wait for each other',
    whole(0, 100),
    5,
  )
  .option(
    '--seed <number>',
    'the same plan of faults and the same transfers again; by default a new one, which is printed',
    whole(0, 2 ** 31),
  )
  .option('--keep', 'keep data and logs also when nothing was found', false)
  .addHelpText(
    'after',
    `
Everything runs on this machine, on free ports, in a temporary folder that is kept when something was found.
Ctrl-C ends the transfers early; what was done by then is judged. Exit code: 0 each once and the sum as it was, 1 something else was found or did not come back, 2 wrong options.
The seed does not fix how the processes interleave.`,
  )
  .action(runAndEnd)

/** Connections to a grid that is gone may still be open: the process does not wait for them. */
async function runAndEnd(options: Options): Promise<void> {
  const isGood = await run(options).catch((error) => {
    throw failureOf(error)
  })
  process.exit(isGood ? 0 : 1)
}

async function run(options: Options): Promise<boolean> {
  const {
    minutes,
    cycle,
    keep,
    hot,
    seed = Math.floor(Math.random() * 2 ** 31),
    ...sizes
  } = options
  const interrupt = new AbortController()
  // The first signal ends the transfers, and the verdict follows; the second one ends the process.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => interrupt.abort())
  return await inKeptFolder({ what: 'transfers', keep, say }, async (folder) => {
    say(`Seed ${seed}; data and logs in ${folder}`)
    const startedAt = performance.now()
    const summary = await runTransfers({
      ...{
        ...sizes,
        hotShare: hot / 100,
        seed,
        folder,
        msMax: minutes * 60_000,
        cycleMsMax: cycle * 1000,
        signal: interrupt.signal,
      },
      told: ({ fault, victims }, acknowledged) => {
        const seconds = ((performance.now() - startedAt) / 1000).toFixed(1)
        say(`${seconds} s  ${fault} ${victims.join(', ')}; ${acknowledged} transfers acknowledged`)
      },
    })
    return tell(summary, options, seed)
  })
}

/** Whether all is well. */
function tell(summary: TransferSummary, options: Options, seed: number): boolean {
  const { acknowledged, refused, unknown, seconds, silenceMsMax, sum, findings } = summary
  const { lost, doubled, wrong } = findings
  const { tellers, units, partitions } = options
  say('')
  say(
    `${acknowledged} transfers across ${partitions} partitions of ${units} units by ${tellers} tellers in ${Math.round(seconds)} s, seed ${seed}`,
  )
  say(`  killed        ${counted(summary.kills)}`)
  say(`  paused        ${counted(summary.pauses)}`)
  say(`  refused       ${refused}; ${unknown} of which nobody knows what they came to`)
  say(`  sent again    ${counted(summary.retried)}`)
  say(
    `  silence       ${(silenceMsMax / 1000).toFixed(1)} s at the longest, in which none was answered`,
  )
  say(`  sum           ${sum.opened} at first; ${sum.units} in units, ${sum.mongodb} in MongoDB`)
  for (const [name, found] of Object.entries({ lost, doubled, wrong }))
    for (const line of found.slice(0, shownMax)) say(`  ${name}: ${line}`)
  say(`  lost ${lost.length}, doubled ${doubled.length}, wrong ${wrong.length}`)
  return lost.length + doubled.length + wrong.length === 0
}

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}

await runCommand(command)
