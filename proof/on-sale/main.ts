import { Command } from 'commander'
import { failureOf } from 'spacegrid/command-line/failure'
import { whole } from 'spacegrid/command-line/option-values'
import { runCommand } from 'spacegrid/command-line/run-command'
import { inKeptFolder } from '../support/kept-folder.ts'
import type { EstimatesJudged } from './judge-sale.ts'
import { runSale, type SaleOptions, type SaleSummary } from './run-sale.ts'

type Options = Omit<SaleOptions, 'folder' | 'say'> & {
  readonly keep: boolean
  readonly json: boolean
}

const command = new Command('npm run on-sale --')
  .description(
    'An on-sale with a waiting room on a real cluster: visitors join over HTTP, are told how long it takes, come in, and buy a seat each while there are any, while every process (rooms, units, pump, writer, reader, NATS, MongoDB, Redis) is killed with kill -9 once. At the end the order of the line was kept, nobody was let in twice or lost, no seat was sold twice; and how good the estimates were.',
  )
  .option('--visitors <number>', 'visitors', whole(1, 1_000_000), 5000)
  .option('--seats <number>', 'seats', whole(1, 100_000), 2000)
  .option('--rate <number>', 'visitors who come in a second', whole(1, 100_000), 100)
  .option('--think-ms <number>', 'thought before each of the two commands', whole(0, 600_000), 1000)
  .option('--inside <number>', 'visitors inside at the beginning', whole(1, 100_000), 100)
  .option(
    '--inside-max <number>',
    'visitors inside at most, as where something else than the grid is the limit',
    whole(1, 100_000),
    10_000,
  )
  .option('--units <number>', 'processing units', whole(1, 16), 2)
  .option('--rooms <number>', 'waiting rooms', whole(1, 8), 2)
  .option('--no-kills', 'nobody is killed')
  .option('--kill-pause-ms <number>', 'between two of them', whole(0, 600_000), 0)
  .option('--keep', 'keep data and logs also when nothing was found', false)
  .option('--json', 'print the result as JSON, in one line', false)
  .addHelpText(
    'after',
    `
Everything runs on this machine, on free ports, in a temporary folder that is kept when something was found.
Exit code: 0 the line was as it should be, 1 something was found, 2 wrong options.`,
  )
  .action(async (options: Options) => {
    const code = await run(options).catch((error) => {
      throw failureOf(error)
    })
    process.exit(code)
  })

async function run({ keep, json, ...options }: Options): Promise<number> {
  const isRight = await inKeptFolder({ what: 'on-sale', keep, say }, async (folder) => {
    say(`Data and logs in ${folder}`)
    const summary = await runSale({ ...options, folder, say })
    if (json) process.stdout.write(`${JSON.stringify(summary)}\n`)
    else tell(summary)
    return summary.wrong.length === 0
  })
  return isRight ? 0 : 1
}

function tell(summary: SaleSummary): void {
  const { visitors, bought, sold, seats, seconds, killed, estimates, settled, wrong } = summary
  const lines = [
    '',
    `${visitors} visitors in ${Math.round(seconds)} s; killed and restarted: ${killed.length === 0 ? 'nobody' : killed.join(', ')}`,
    `  bought       ${bought} of ${seats} seats; sold ${sold}`,
    `  order        ${summary.overtaken} overtaken, ${summary.beforeThose} before those who came earlier, ${summary.doubled} with somebody else's place`,
    `  estimates    ${estimateLine(estimates)}`,
    `  once settled ${estimateLine(settled)}`,
    ...wrong.map((line) => `  wrong: ${line}`),
  ]
  process.stdout.write(`${lines.join('\n')}\n`)
}

const estimateLine = ({ count, within20, inInterval }: EstimatesJudged): string =>
  count === 0
    ? 'nobody waited for 10 s'
    : `${count} of waits of 10 s and more; ${percent(within20)} within 20 %, ${percent(inInterval)} in the interval`

const percent = (part: number): string => `${Math.round(part * 1000) / 10} %`

function say(line: string): void {
  process.stderr.write(`${line}\n`)
}

await runCommand(command)
