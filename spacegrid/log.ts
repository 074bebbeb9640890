import { GridError } from '@spacegrid/grid/core/errors'
import { readEnvironment } from '@spacegrid/grid/program/environment'
import { Command, CommanderError, InvalidArgumentError } from 'commander'
import { LogDesk } from './log/log-desk.ts'
import { recordText } from './log/record-text.ts'

const say = (text: string): void => void process.stdout.write(text)

async function atDesk(space: string, work: (desk: LogDesk) => Promise<void>): Promise<void> {
  const desk = await LogDesk.open(readEnvironment(), space)
  try {
    await work(desk)
  } finally {
    await desk.close()
  }
}

async function show(space: string, position: number): Promise<void> {
  await atDesk(space, async (desk) => say(recordText(await desk.record(position))))
}

async function skip(space: string, position: number): Promise<void> {
  await atDesk(space, async (desk) => {
    const at = await desk.skip(position)
    say(
      `Position ${at} of the log of ${space} says that position ${position} is passed over. Those that stay before it go on within seconds.\n`,
    )
  })
}

function positionOf(text: string): number {
  const number = Number(text)
  if (!Number.isSafeInteger(number) || number < 1)
    throw new InvalidArgumentError('It must be a position: a whole number from 1 on.')
  return number
}

const program = new Command('npm run log --')
  .description('The log of a space: what a record is, and the way past one that nobody can read.')
  .addHelpText(
    'after',
    `
What is no frame of any version (damaged, or somebody else's) is passed over by everybody, without a word from you. Before a whole frame of
another version those that cannot read it stay, answer reads from there, and take no commands. Update them; or, if nobody will ever
read it, skip it: the log then says so, and everybody who meets the record passes over it. What it held is lost.

Looks at NATS_URL and SPACES; else at the cluster of DATA_DIR/cluster.json. Safe while the grid runs.
Exit code: 0 done, 1 refused or not found, 2 wrong usage or configuration.`,
  )
  .exitOverride()

program
  .command('show')
  .description('what the record at a position is')
  .argument('<space>')
  .argument('<position>', 'in the log', positionOf)
  .action(show)
program
  .command('skip')
  .description('lets those that stay before a record of another version pass over it')
  .argument('<space>')
  .argument('<position>', 'in the log', positionOf)
  .addHelpText(
    'after',
    '\nRefused when this version can read the record, when it is no frame at all, and when a unit, pump or store is known to have melded it.',
  )
  .action(skip)

try {
  await program.parseAsync()
} catch (error) {
  if (error instanceof CommanderError) process.exit(error.exitCode === 0 ? 0 : 2)
  const isGrid = error instanceof GridError
  process.stderr.write(`${isGrid ? error.message : ((error as Error).stack ?? error)}\n`)
  process.exit(isGrid && error.code !== 'configuration_invalid' ? 1 : 2)
}
