import type { LogName } from '@spacegrid/grid/core/log-name'
import { readEnvironment } from '@spacegrid/grid/program/environment'
import { Option } from 'commander'
import { findGrid } from '../audit/audit-targets.ts'
import { logsMeant } from '../audit/logs-meant.ts'
import { openManifest } from '../backup/opened-backup.ts'
import type { AddCommand } from '../command-line/add-command.ts'
import { keptAlive } from '../command-line/kept-alive.ts'
import { whole } from '../command-line/option-values.ts'
import { explanationText } from '../log/explanation-text.ts'
import { historyData, historyText } from '../log/history-text.ts'
import { LogDesk } from '../log/log-desk.ts'
import { type Listed, type ListingFilter, listedText } from '../log/log-listing.ts'
import { recordData, recordText } from '../log/record-text.ts'

const say = (text: string): void => void process.stdout.write(text)

interface DeskOptions {
  readonly backup?: string
}

async function atDesk<T>(
  logName: LogName,
  { backup }: DeskOptions,
  work: (desk: LogDesk) => Promise<T>,
  position?: number,
): Promise<T> {
  const environment = readEnvironment()
  const desk =
    backup === undefined
      ? await LogDesk.open(environment, logName)
      : LogDesk.ofBackup(backup, logName, position)
  return await keptAlive(() => work(desk).finally(() => desk.close()))
}

interface ShowOptions extends DeskOptions, ListingFilter {
  readonly from?: number
  readonly to?: number
  readonly limit: number
  readonly json?: boolean
}

async function show(
  name: string,
  position: number | undefined,
  options: ShowOptions,
): Promise<void> {
  if (position === undefined) return await list(name, options)
  await atDesk(
    name,
    options,
    async (desk) => {
      const record = await desk.record(position)
      say(options.json ? `${JSON.stringify(recordData(record), null, 2)}\n` : recordText(record))
    },
    position,
  )
}

/** Of a divided space the logs of all partitions, in the order of their time. */
async function list(
  name: string,
  { from, to, limit, json, ...options }: ShowOptions,
): Promise<void> {
  const lines: Listed[] = []
  for (const logName of await logsOf(name, options))
    await atDesk(logName, options, async (desk) => {
      const { first, last } = await desk.bounds()
      const [begin, end] = [Math.max(first, from ?? first), Math.min(last, to ?? last)]
      if (begin > end) return
      const own: Listed[] = []
      const until = new AbortController()
      const take = (found: readonly Listed[], at: number) => {
        own.push(...found)
        if (at >= end || own.length >= limit) until.abort()
      }
      await desk.list(begin, options, take, until.signal)
      lines.push(...own)
    })
  lines.sort((one, other) => one.time - other.time || one.position - other.position)
  for (const line of lines.slice(0, limit)) tell(line, json)
  if (lines.length >= limit)
    process.stderr.write(`No more than ${limit} are shown: --limit, or --from behind them\n`)
}

interface TailOptions extends DeskOptions, ListingFilter {
  readonly follow?: boolean
  readonly records: number
  readonly json?: boolean
}

async function tail(name: string, { follow, records, json, ...options }: TailOptions) {
  const until = new AbortController()
  process.once('SIGINT', () => until.abort())
  process.once('SIGTERM', () => until.abort())
  const one = (logName: LogName) =>
    atDesk(logName, options, async (desk) => {
      const { first, last } = await desk.bounds()
      const isOver = new AbortController()
      const signal = AbortSignal.any([until.signal, isOver.signal])
      if (!follow && last < first) return
      const take = (found: readonly Listed[], at: number) => {
        for (const line of found) tell(line, json)
        if (!follow && at >= last) isOver.abort()
      }
      await desk.list(Math.max(first, last + 1 - records), options, take, signal)
    })
  await Promise.all((await logsOf(name, options)).map(one))
}

async function explain(
  logName: LogName,
  position: number,
  { json, ...options }: DeskOptions & { readonly json?: boolean },
): Promise<void> {
  await atDesk(
    logName,
    options,
    async (desk) => {
      const record = await desk.record(position)
      const explained = await desk.explain(position)
      say(
        json
          ? `${JSON.stringify({ record: recordData(record), ...explained }, null, 2)}\n`
          : explanationText(record, explained),
      )
    },
    position,
  )
}

/** What a name means: one log, or all of a divided space. */
async function logsOf(name: string, { backup }: DeskOptions): Promise<readonly LogName[]> {
  const known =
    backup === undefined
      ? ((await findGrid(readEnvironment()))?.logNames ?? [])
      : openManifest(backup).runs.map(({ log }) => log)
  return logsMeant([name], [...new Set(known)])
}

const tell = (line: Listed, json: boolean | undefined): void =>
  say(json ? `${JSON.stringify(line)}\n` : listedText(line))

interface HistoryOptions extends DeskOptions {
  readonly limit: number
  readonly cursor?: string
  readonly json?: boolean
}

async function history(
  logName: LogName,
  cache: string,
  key: string,
  { json, limit, cursor, ...options }: HistoryOptions,
): Promise<void> {
  await atDesk(logName, options, async (desk) => {
    const page = await desk.history(cache, key, {
      limit,
      ...(cursor === undefined ? {} : { cursor }),
    })
    say(json ? `${JSON.stringify(historyData(page), null, 2)}\n` : historyText(page))
  })
}

async function skip(logName: LogName, position: number): Promise<void> {
  await atDesk(logName, {}, async (desk) => {
    const at = await desk.skip(position)
    say(
      `Position ${at} of the log of ${logName} says that position ${position} is passed over. Those that stay before it go on within seconds.\n`,
    )
  })
}

const reachText =
  '\nReaches back as far as PAST_MS says, or to the beginning of a log that has never been trimmed, or of a backup. Melds the log again, here: as much memory as a unit has.'

const ofBackup = () =>
  new Option('--backup <folder>', 'looks at what npx spacegrid backup has written, not at the grid')

export const addLog: AddCommand = (program) => {
  const log = program
    .command('log')
    .description(
      'The log of a space: what is in it, what became of a record or an entry, and the way past a record that nobody can read.',
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
    .description(
      'what the record at a position is; without one, what records ask for, line by line',
    )
    .argument('<space>', 'or a partition of one: ticketing.7')
    .argument('[position]', 'in the log', whole(1))
    .option('--from <position>', 'the first record that is listed', whole(1))
    .option('--to <position>', 'the last one', whole(1))
    .option('--key <entry>', 'only what reads or writes it: orders/order-9')
    .option('--command <name>', 'only what this command has sent')
    .option('--attempt <id>', 'only what belongs to this command across partitions')
    .option('--limit <count>', 'lines at most', whole(1), 1000)
    .addOption(ofBackup())
    .option('--json', 'as JSON; of a list one line for each')
    .action(show)
  log
    .command('tail')
    .description('what the last records ask for, and with --follow those that come')
    .argument('<space>', 'or a partition of one: ticketing.7')
    .option('--follow', 'goes on until it is stopped')
    .option('--records <count>', 'records of each log to begin with', whole(1), 10)
    .option('--key <entry>', 'only what reads or writes it: orders/order-9')
    .option('--command <name>', 'only what this command has sent')
    .option('--attempt <id>', 'only what belongs to this command across partitions')
    .addOption(ofBackup())
    .option('--json', 'one line of JSON for each')
    .action(tail)
  log
    .command('explain')
    .description('what became of a record: who sent what, read what, changed what, and why not')
    .argument('<space>', 'or a partition of one: ticketing.7')
    .argument('<position>', 'in the log', whole(1))
    .addOption(ofBackup())
    .option('--json', 'as JSON')
    .addHelpText('after', reachText)
    .action(explain)
  log
    .command('history')
    .description('what has become of an entry, the newest first: by whom, from what to what')
    .argument('<space>', 'or a partition of one: ticketing.7')
    .argument('<cache>', 'of the space')
    .argument('<key>', 'of the entry, whether it is there or not')
    .option('--limit <count>', 'changes of one page, 1 to 100', whole(1), 20)
    .option('--cursor <cursor>', 'the page behind the one that has ended with it')
    .option('--json', 'as JSON')
    .addOption(ofBackup())
    .addHelpText('after', reachText)
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
