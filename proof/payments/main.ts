import { Command } from 'commander'
import { failureOf } from 'spacegrid/command-line/failure'
import { whole } from 'spacegrid/command-line/option-values'
import { runCommand } from 'spacegrid/command-line/run-command'
import { counted } from '../chaos/fault-plan.ts'
import { inKeptFolder } from '../support/kept-folder.ts'
import { type OrdersSummary, runOrders } from './run-orders.ts'

interface Options {
  readonly orders: number
  readonly seed?: number
  readonly units: number
  readonly buyers: number
  readonly kills: number
  readonly keep: boolean
}

const shownMax = 20

const command = new Command('npm run orders --')
  .description(
    'Orders of tickets through a process on a real cluster (payment over NATS, then a ticket in another space, or compensation) while every process is killed with kill -9 at random: units, pump, writer, reader, NATS, MongoDB, Redis and the payment service. At the end each order has been issued once or compensated once.',
  )
  .option('--orders <number>', 'orders', whole(1, 1_000_000), 10_000)
  .option('--seed <number>', 'who is killed and when; by default a new one', whole(0, 2 ** 31))
  .option('--units <number>', 'processing units', whole(1, 16), 3)
  .option('--buyers <number>', 'buyers at the same time', whole(1, 1000), 24)
  .option(
    '--kills <number>',
    'cycles of kill and restart at most; 0: none',
    whole(0, 100_000),
    1000,
  )
  .option('--keep', 'keep data and logs also when nothing was found', false)
  .addHelpText(
    'after',
    `
Everything runs on this machine, on free ports, in a temporary folder that is kept when something was found.
Exit code: 0 each order was issued once or compensated once, 1 something was found, 2 wrong options.`,
  )
  .action(async (options: Options) => {
    const code = await run(options).catch((error) => {
      throw failureOf(error)
    })
    process.exit(code)
  })

async function run({ kills: killsMax, keep, ...options }: Options): Promise<number> {
  const { seed = Math.floor(Math.random() * 2 ** 31) } = options
  const isRight = await inKeptFolder({ what: 'orders', keep, say }, async (folder) => {
    say(`Seed ${seed}; data and logs in ${folder}`)
    const summary = await runOrders({ ...options, seed, killsMax, folder, say })
    tell(summary, seed)
    return summary.wrong.length === 0 && summary.unanswered === 0
  })
  return isRight ? 0 : 1
}

function tell(summary: OrdersSummary, seed: number): void {
  const { acknowledged, unanswered, issued, compensated, wrong, kills, seconds } = summary
  say('')
  say(`${acknowledged} orders in ${Math.round(seconds)} s, seed ${seed}`)
  say(`  killed       ${counted(kills)}`)
  say(`  issued       ${issued} once, ${compensated} compensated once`)
  say(`  the last was done ${Math.round(summary.drainSeconds)} s after the last order`)
  for (const line of wrong.slice(0, shownMax)) say(`  wrong: ${line}`)
  say(`  wrong ${wrong.length}, unanswered ${unanswered}`)
}

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}

await runCommand(command)
