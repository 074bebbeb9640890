import { loadavg } from 'node:os'
import { Command } from 'commander'
import { failureOf } from 'spacegrid/command-line/failure'
import { runCommand } from 'spacegrid/command-line/run-command'
import { inKeptFolder } from '../support/kept-folder.ts'
import { watchSpike } from './watch-spike.ts'

interface Options {
  readonly picture: string | undefined
  readonly keep: boolean
}

const say = (line: string): void => {
  process.stdout.write(`${line}\n`)
}

const command = new Command('npm run monitoring --')
  .description(
    'A cluster of ticketing and a real Prometheus with the files of monitoring/: a spike of users, then the data writer is killed (kill -9). Prints what the alert says and how long it took; it must end when the writer is back, and nothing else may fire. Needs prometheus on PATH.',
  )
  .option('--picture <file>', 'draw the dashboard during the spike, as PNG')
  .option('--keep', 'keep data and logs also when all is well', false)
  .action(async ({ picture, keep }: Options) => {
    const isGood = await inKeptFolder({ what: 'monitoring', keep, say }, async (folder) => {
      say(`Data and logs in ${folder}; the machine's load is ${loadavg()[0]?.toFixed(1)}`)
      return await watchSpike({ folder, picture, say })
    }).catch((error) => {
      throw failureOf(error)
    })
    process.exit(isGood ? 0 : 1)
  })

await runCommand(command)
