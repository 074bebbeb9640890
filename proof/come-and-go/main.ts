import { loadavg } from 'node:os'
import { Command } from 'commander'
import { failureOf } from 'spacegrid/command-line/failure'
import { whole } from 'spacegrid/command-line/option-values'
import { runCommand } from 'spacegrid/command-line/run-command'
import { inKeptFolder } from '../support/kept-folder.ts'
import { type ComeAndGoStep, type ExplainedOutage, runComeAndGo } from './come-and-go.ts'
import type { Usual } from './partition-probes.ts'

interface Options {
  readonly units: number
  readonly partitions: number
  readonly events: number
  readonly rate: number
  readonly keep: boolean
}

const answeredMsMax = 3000
const movedMax = 1.2

const command = new Command('npm run come-and-go --')
  .description(
    'A ticketing cluster, divided into partitions with two copies of each, under load on several events: two units are killed (kill -9) one after the other, one is added, one stopped in good order. Tells how long partitions did not answer and how much moved; then the load accounts for all it was told, and every copy is compared.',
  )
  .option('--units <number>', 'processing units at first', whole(4, 16), 4)
  .option('--partitions <number>', 'of the space', whole(2, 1024), 16)
  .option('--events <number>', 'on sale at once', whole(1, 1000), 20)
  .option('--rate <number>', 'users who come each second', whole(1, 10_000), 20)
  .option('--keep', 'keep data and logs also when all is well', false)
  .addHelpText(
    'after',
    `
Everything runs on this machine, on free ports, in a temporary folder that is kept when something was found.
Exit code: 0 audit clean, every partition answered within ${answeredMsMax / 1000} s of each kill, at most ${movedMax} times what had to move has moved; 1 otherwise; 2 wrong options.`,
  )
  .action(async ({ keep, ...options }: Options) => {
    const isGood = await inKeptFolder({ what: 'come-and-go', keep, say }, async (folder) => {
      say(`Data and logs in ${folder}`)
      const { steps, wrong } = await runComeAndGo({ ...options, folder, told: tell })
      for (const line of wrong) say(`  wrong: ${line}`)
      say(wrong.length === 0 ? 'Audit clean, nothing acknowledged is lost.' : 'Audit failed.')
      return wrong.length === 0 && steps.every(isMet)
    }).catch((error) => {
      throw failureOf(error)
    })
    // Connections to units that are gone may still be open.
    process.exit(isGood ? 0 : 1)
  })

const isMet = ({ answeredMs = 0, moved, fair }: ComeAndGoStep): boolean =>
  answeredMs <= answeredMsMax && moved <= movedMax * fair

function tell(step: ComeAndGoStep): void {
  const { what, answeredMs, usual, processors, outages, moved, fair } = step
  const ratio = (moved / fair).toFixed(2)
  const answered =
    answeredMs === undefined ? '' : `all partitions answer after ${Math.round(answeredMs)} ms; `
  const verdict = isMet(step) ? 'met    ' : 'NOT MET'
  const load = `the machine's load is ${loadavg()[0]?.toFixed(1)}`
  say(
    `${verdict} ${what}: ${answered}${moved} copies moved, ${fair.toFixed(1)} had to (${ratio}); ${load}`,
  )
  if (usual) say(`        ${usualText(usual)}`)
  for (const line of processors) say(`        until then ${line}`)
  if (outages.length > 0) say(`        each after: ${outages.map(briefly).join(', ')}`)
  for (const outage of outages) if (outage.seen.length > 0) tellAll(outage)
}

function usualText({ medianMs, longestMs }: Usual): string {
  const text = `before, an answer took ${Math.round(medianMs)} ms (median), ${Math.round(longestMs)} ms at the longest`
  if (longestMs < answeredMsMax) return text
  return `${text}: the machine is too busy for this load, and how long it takes after a kill says nothing of the kill`
}

const briefly = ({ partition, answeredMs }: ExplainedOutage): string =>
  `${partition} ${Math.round(answeredMs)} ms`

function tellAll({ partition, answeredMs, attempts, seen }: ExplainedOutage): void {
  say(`        partition ${partition}, ${Math.round(answeredMs)} ms:`)
  for (const { sentAt, endedAt, came } of attempts)
    say(`          asked from ${Math.round(sentAt)} to ${Math.round(endedAt)} ms: ${came}`)
  for (const line of seen) say(`          ${line}`)
}

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}

await runCommand(command)
