import { readFile, writeFile } from 'node:fs/promises'
import { GridError, Rejection } from '@spacegrid/grid/core/errors'
import { readEnvironment } from '@spacegrid/grid/program/environment'
import type { Command } from 'commander'
import type { AddCommand } from '../command-line/add-command.ts'
import { Failure } from '../command-line/failure.ts'
import { whole } from '../command-line/option-values.ts'
import { QuarantineDesk } from '../quarantine/quarantine-desk.ts'
import { entryText, nameOf, tableText, valueText } from '../quarantine/quarantine-text.ts'

interface SpaceOption {
  readonly space?: string
}

const say = (text: string): void => void process.stdout.write(text)

/** Nothing that was asked for is wrong, but it could not be had. */
const notDone = (text: string): void => {
  process.stderr.write(`${text}\n`)
  process.exitCode = 1
}

async function atDesk(
  { space }: SpaceOption,
  work: (desk: QuarantineDesk) => Promise<void>,
): Promise<void> {
  const desk = await QuarantineDesk.open(readEnvironment(), space)
  try {
    await work(desk)
  } catch (error) {
    if (!(error instanceof GridError)) throw error
    throw new Failure(messageOf(error), error.code === 'configuration_invalid' ? 2 : 1)
  } finally {
    await desk.close()
  }
}

async function list(options: SpaceOption & { readonly json?: boolean }): Promise<void> {
  await atDesk(options, async (desk) => {
    const entries = await desk.list()
    if (options.json) say(`${JSON.stringify({ entries }, null, 2)}\n`)
    else if (entries.length > 0) say(tableText(entries))
    else say(`Nothing is in quarantine (looked in ${desk.logNames.join(', ')}).\n`)
  })
}

async function show(
  cache: string,
  key: string,
  options: SpaceOption & { readonly output?: string; readonly json?: boolean },
): Promise<void> {
  await atDesk(options, async (desk) => {
    const entry = await desk.find(cache, key)
    const value = await desk.valueOf(entry)
    if (options.json) return say(`${JSON.stringify({ ...entry, value }, null, 2)}\n`)
    if (options.output === undefined) return say(entryText(entry, value))
    await writeFile(options.output, `${valueText(value)}\n`)
    say(`The value of ${nameOf(entry)} is in ${options.output}.\n`)
  })
}

async function fix(
  cache: string,
  key: string,
  options: SpaceOption & { readonly file: string; readonly wait: number },
): Promise<void> {
  const value = await readValue(options.file)
  await atDesk(options, async (desk) => {
    const entry = await desk.find(cache, key)
    const position = await desk.correct(entry, value)
    say(`${nameOf(entry)} has its new value in the space, at log position ${position}.\n`)
    const refused = await desk.persisted(entry, position, options.wait * 1000)
    if (refused) notDone(`MongoDB refuses this value too: ${refused.reason}`)
    else say('MongoDB has taken it.\n')
  })
}

async function replay(
  cache: string | undefined,
  key: string | undefined,
  options: SpaceOption & { readonly all?: boolean },
  command: Command,
): Promise<void> {
  if (options.all ? cache !== undefined : key === undefined)
    command.error('error: say which entry (CACHE KEY), or --all')
  await atDesk(options, async (desk) => {
    const waiting = options.all
      ? await desk.list()
      : [await desk.find(cache as string, key as string)]
    const { released, refused } = await desk.replay(waiting)
    const count = (number: number) => `${number} ${number === 1 ? 'entry' : 'entries'}`
    say(`${count(released.length)} stored and out of quarantine.\n`)
    if (refused.length > 0)
      notDone(`${count(refused.length)} still refused:\n${tableText(refused).trimEnd()}`)
  })
}

async function readValue(file: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(file, 'utf8'))
  } catch (cause) {
    const reason = (cause as Error).message
    throw new Failure(`${file} cannot be read as JSON: ${reason}`, 2, { cause })
  }
}

function messageOf(error: GridError): string {
  const { reason } = error.details
  if (error instanceof Rejection || error.code === 'rejected')
    return reason === 'entry_changed'
      ? 'The entry has changed since it was refused: look at it again (show), then fix what is there now.'
      : error.message
  if (error.code === 'no_responder')
    return `No processing unit answers (${error.message}): a correction needs one that is ready.`
  return error.message
}

const spaceOption = [
  '--space <name>',
  'the space, or one partition of it: ticketing.7 (default: all of the grid)',
] as const

export const addQuarantine: AddCommand = (program) => {
  const quarantine = program
    .command('quarantine')
    .description(
      'Entries that MongoDB refuses for what they are: look at them, repair, store them.',
    )
    .addHelpText(
      'after',
      `
An entry in quarantine is as it should be in the space and in the log; only its document in MongoDB is older, or missing. Either
  repair the cause in MongoDB (a validator, a unique index), then: replay CACHE KEY, or replay --all
  or correct the value:  show CACHE KEY --output value.json, edit it, then: fix CACHE KEY --file value.json
A later version that MongoDB takes, and a deletion, end a quarantine by themselves.

Looks at MONGODB_URL (MONGODB_DB) and NATS_URL (for fix); else at the cluster of DATA_DIR/cluster.json. Safe while the grid runs.
Exit code: 0 done, 1 still refused or not found, 2 wrong usage or configuration.`,
    )
  quarantine
    .command('list')
    .description('what is in quarantine')
    .option(...spaceOption)
    .option('--json', 'as JSON')
    .action(list)
  quarantine
    .command('show')
    .description('one entry: why it is refused, since when, and its value')
    .argument('<cache>')
    .argument('<key>')
    .option(...spaceOption)
    .option('--output <file>', 'writes the value there, as JSON')
    .option('--json', 'the entry and its value as JSON')
    .action(show)
  quarantine
    .command('fix')
    .description('gives an entry another value, in the space: every replica and MongoDB get it')
    .argument('<cache>')
    .argument('<key>')
    .requiredOption('--file <file>', 'the value, as JSON; it must fit the schema of its cache')
    .option(...spaceOption)
    .option('--wait <seconds>', 'for the data writer', whole(0), 30)
    .addHelpText(
      'after',
      '\nRefused when the entry has changed since, and when the value does not fit. No events are emitted.',
    )
    .action(fix)
  quarantine
    .command('replay')
    .description('tries to store entries again, as they are')
    .argument('[cache]')
    .argument('[key]')
    .option('--all', 'all that are in quarantine')
    .option(...spaceOption)
    .action(replay)
}
