import type { Space } from '@spacegrid/grid/core/definition'
import { partitionsMax } from '@spacegrid/grid/core/partition'
import { partitionsText } from '@spacegrid/grid/core/repartition'
import { readEnvironment } from '@spacegrid/grid/program/environment'
import { spacesText } from '@spacegrid/grid/program/named-spaces'
import type { Command } from 'commander'
import { loadApplication } from '../application/load-application.ts'
import type { AddCommand } from '../command-line/add-command.ts'
import { keptAlive } from '../command-line/kept-alive.ts'
import { whole } from '../command-line/option-values.ts'
import { elsewhereMs, ProgressLine } from '../command-line/progress-line.ts'
import { Refused } from '../recover/refused.ts'
import { planData, planText } from '../repartition/move-text.ts'
import { openSpaceMove } from '../repartition/open-space-move.ts'
import type { SpaceMove } from '../repartition/space-move.ts'

interface Options {
  readonly partitions: number
  readonly space?: string
  readonly dryRun?: boolean
  readonly yes?: boolean
  readonly json?: boolean
}

async function run(files: readonly string[], options: Options, command: Command): Promise<void> {
  const { spaces } = await loadApplication(files)
  const space = spaceMeant(spaces, options.space, command)
  const moved = await openSpaceMove(space.name, readEnvironment())
  await keptAlive(() => move(space, options, moved).finally(() => moved.close()))
}

function spaceMeant(spaces: readonly Space[], name: string | undefined, command: Command): Space {
  const [first, second] = spaces
  if (name === undefined && first && !second) return first
  const found = spaces.find((space) => space.name === name)
  if (found) return found
  const names = spaces.map((space) => space.name).join(', ')
  return command.error(
    name === undefined
      ? `error: say which space: --space (there are ${names})`
      : `error: there is no space ${name} in the files, only ${names}`,
  )
}

async function move(space: Space, options: Options, moved: SpaceMove): Promise<void> {
  const { partitions: to, json, dryRun, yes } = options
  const line = new ProgressLine({ json, elsewhereMs })
  const begun = performance.now()
  const seconds = () => Math.round((performance.now() - begun) / 100) / 10
  const progress = (what: string, count: number) => line.tell(`${what}: ${count} (${seconds()} s)`)
  const tell = (text: string, data: object) => {
    line.clear()
    process.stdout.write(json ? `${JSON.stringify(data, null, 2)}\n` : text)
  }
  const plan = await moved.plan(space, to, progress)
  if (!plan) {
    const is = { space: space.name, to, done: true, nothingToDo: true }
    return tell(`Nothing to do: ${space.name} has ${partitionsText(to)}.\n`, is)
  }
  const text = planText(plan)
  if (dryRun || !yes) {
    tell(text, planData(plan))
    if (dryRun) return
    throw new Refused('Nothing has been done. With --yes it is.')
  }
  line.clear()
  if (!json) process.stdout.write(text)
  await moved.carryOut(plan, progress)
  const named = spacesText([{ name: space.name, partitions: to }])
  const then =
    moved.kind === 'embedded'
      ? `Set partitions to ${to} in its definition, and start it`
      : `Set partitions to ${to} in its definition, SPACES=${named} for data pump, writer and reader, and start them and the units`
  tell(
    `Done in ${seconds()} s: ${space.name} has ${partitionsText(to)}; every entry was read again. ${then}.\n`,
    { ...planData(plan), done: true, seconds: seconds() },
  )
}

export const addRepartition: AddCommand = (program) => {
  program
    .command('repartition')
    .description('Moves a stopped space to another number of partitions; nothing is lost.')
    .argument('[files...]', 'modules that export the space (./space.ts unless one is named)')
    .requiredOption(
      '--partitions <n>',
      `how many it will have, 1 to ${partitionsMax}`,
      whole(1, partitionsMax),
    )
    .option('--space <name>', 'which one, if the files have several')
    .option('--dry-run', 'says what would be done, entries in each partition included')
    .option('--yes', 'does it')
    .option('--json', 'what was found and done, as JSON')
    .addHelpText(
      'after',
      `
Stop units, data pump, data writer and data reader first, in this order, when MongoDB has all of the log; refuses while anything of the space runs,
while MongoDB is behind a log, and while commands across partitions or quarantine hold something. NATS and MongoDB have to run. While it works,
nothing of the space starts. May be killed at any point: run again with the same number it goes on, and ends the same.
An embedded grid (npx spacegrid start) is stopped first; what is not stored yet is stored then.

Finds the grid by NATS_URL, MONGODB_URL (MONGODB_DB) and REDIS_URL; else the cluster or the servers of DATA_DIR (npx spacegrid servers up); else
the embedded grid of DATA_DIR.
Exit code: 0 done (or shown, with --dry-run), 1 refused, or not done, 2 wrong usage or configuration.`,
    )
    .action(run)
}
