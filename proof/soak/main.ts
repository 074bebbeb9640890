import { loadavg } from 'node:os'
import { Command } from 'commander'
import { failureOf } from 'spacegrid/command-line/failure'
import { whole } from 'spacegrid/command-line/option-values'
import { runCommand } from 'spacegrid/command-line/run-command'
import { inKeptFolder } from '../support/kept-folder.ts'
import { runSoak } from './soak.ts'
import type { Trend } from './trend.ts'

interface Options {
  readonly minutes: number
  readonly replaceSeconds: number
  readonly rate: number
  readonly units: number
  readonly seed: number
  readonly keep: boolean
}

const command = new Command('npm run soak --')
  .description(
    'A cluster under a steady, mixed load, in which a unit is replaced every few minutes, killed (kill -9) and stopped in turn. Memory, heaps, open files, lag and disk of what stays must not grow; then every copy is compared.',
  )
  .option('--minutes <number>', 'how long', whole(1, 10_000), 60)
  .option('--replace-seconds <number>', 'from one replacement to the next', whole(5, 86_400), 180)
  .option('--rate <number>', 'requests each second', whole(1, 10_000), 100)
  .option('--units <number>', 'processing units', whole(2, 16), 3)
  .option('--seed <number>', 'of the load', whole(0, 2 ** 31), Math.floor(Math.random() * 2 ** 31))
  .option('--keep', 'keep data and logs also when all is well', false)
  .addHelpText(
    'after',
    `
Judged is the second half of the time: the median of the slopes between any two points, and whether its direction is no chance.
Everything runs on this machine (Linux), on free ports, in a temporary folder that is kept when something was found.
Exit code: 0 nothing grows, and every copy is equal; 1 otherwise; 2 wrong options.`,
  )
  .action(async ({ minutes, keep, ...options }: Options) => {
    const isGood = await inKeptFolder({ what: 'soak', keep, say }, async (folder) => {
      say(`Data and logs in ${folder}; seed ${options.seed}`)
      const summary = await runSoak({ ...options, seconds: 60 * minutes, folder, told: say })
      const { trends, replaced, answered, wrong } = summary
      for (const trend of trends) say(rowOf(trend))
      const statuses = [...answered]
        .sort()
        .map(([status, count]) => `${count} × ${status || 'none'}`)
      say(`Units killed ${replaced.killed} times, stopped ${replaced.stopped} times`)
      say(`Answers: ${statuses.join(', ')}; the machine's load is ${loadavg()[0]?.toFixed(1)}`)
      for (const line of wrong) say(`  wrong: ${line}`)
      const growing = trends.filter(({ grows }) => grows)
      say(growing.length === 0 ? 'Nothing grows.' : `${growing.length} figures grow.`)
      return growing.length === 0 && wrong.length === 0
    }).catch((error) => {
      throw failureOf(error)
    })
    // Connections to units that are gone may still be open.
    process.exit(isGood ? 0 : 1)
  })

const isBytes = (what: string) => /^(?:memory|heap|disk)/.test(what)

function rowOf({ what, usual, growth, allowed, sureness, grows }: Trend): string {
  const text = (value: number) =>
    isBytes(what) ? `${(value / 2 ** 20).toFixed(1)} MB` : value.toFixed(1)
  const grown = `${growth < 0 ? '' : '+'}${text(growth)}`
  return `${grows ? 'GROWS' : 'flat '} ${what.padEnd(34)} ${text(usual).padStart(10)} ${grown.padStart(10)} of ${text(allowed)} allowed (${sureness.toFixed(1)} σ)`
}

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}

await runCommand(command)
