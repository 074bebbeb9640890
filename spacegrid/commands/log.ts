import type { LogName } from '@spacegrid/grid/core/log-name'
import { readEnvironment } from '@spacegrid/grid/program/environment'
import type { AddCommand } from '../command-line/add-command.ts'
import { whole } from '../command-line/option-values.ts'
import { historyData, historyText } from '../log/history-text.ts'
import { LogDesk } from '../log/log-desk.ts'
import { recordData, recordText } from '../log/record-text.ts'

const say = (text: string): void => void process.stdout.write(text)

async function atDesk(logName: LogName, work: (desk: LogDesk) => Promise<void>): Promise<void> {
  const desk = await LogDesk.open(readEnvironment(), logName)
  try {
    await work(desk)
  } finally {
    await desk.close()
  }
}

async function show(
  logName: LogName,
  position: number,
  { json }: { readonly json?: boolean },
): Promise<void> {
  await atDesk(logName, async (desk) => {
    const record = await desk.record(position)
    say(json ? `${JSON.stringify(recordData(record), null, 2)}\n` : recordText(record))
  })
}

interface HistoryOptions {
  readonly limit: number
  readonly cursor?: string
  readonly json?: boolean
}

async function history(
  logName: LogName,
  cache: string,
  key: string,
  { json, ...asked }: HistoryOptions,
): Promise<void> {
  await atDesk(logName, async (desk) => {
    const page = await desk.history(cache, key, asked)
    say(json ? `${JSON.stringify(historyData(page), null, 2)}\n` : historyText(page))
  })
}

async function skip(logName: LogName, position: number): Promise<void> {
  await atDesk(logName, async (desk) => {
    const at = await desk.skip(position)
    say(
      `Position ${at} of the log of ${logName} says that position ${position} is passed over. Those that stay before it go on within seconds.\n`,
    )
  })
}

export const addLog: AddCommand = (program) => {
  const log = program
    .command('log')
    .description(
      'The log of a space: what a record is, what has become of an entry, and the way past a record that nobody can read.',
    )
    .addHelpText(
      'after',
      `
What is no frame of any version (damaged, or somebody else's) is passed over by everybody, without a word from you. Before a whole frame of
another version those that cannot read it stay, answer reads from there, and take no commands. Update them; or, if nobody will ever
read it, skip it: the log then says so, and everybody who meets the record passes over it. What it held is lost.

Looks at NATS_URL; else at the cluster of DATA_DIR/cluster.json. Safe while the grid runs.
Exit code: 0 done, 1 refused or not found, 2 wrong usage or configuration.`,
    )
  log
    .command('show')
    .description('what the record at a position is')
    .argument('<space>', 'or a partition of one: ticketing.7')
    .argument('<position>', 'in the log', whole(1))
    .option('--json', 'as JSON')
    .action(show)
  log
    .command('history')
    .description('what has become of an entry, the newest first: by whom, from what to what')
    .argument('<space>', 'or a partition of one: ticketing.7')
    .argument('<cache>', 'of the space')
    .argument('<key>', 'of the entry, whether it is there or not')
    .option('--limit <count>', 'changes of one page, 1 to 100', whole(1), 20)
    .option('--cursor <cursor>', 'the page behind the one that has ended with it')
    .option('--json', 'as JSON')
    .addHelpText(
      'after',
      '\nReaches back as far as PAST_MS says, or to the beginning of a log that has never been trimmed. Melds the log again, here: as much memory as a unit has.',
    )
    .action(history)
  log
    .command('skip')
    .description('lets those that stay before a record of another version pass over it')
    .argument('<space>', 'or a partition of one: ticketing.7')
    .argument('<position>', 'in the log', whole(1))
    .addHelpText(
      'after',
      '\nRefused when this version can read the record, when it is no frame at all, and when a unit, pump or store is known to have melded it.',
    )
    .action(skip)
}
