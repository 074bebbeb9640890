import { SystemClock } from '@spacegrid/grid/drivers/system/system-clock'
import { readEnvironment } from '@spacegrid/grid/program/environment'
import type { Command } from 'commander'
import { logsMeant } from '../audit/logs-meant.ts'
import { backUp } from '../backup/backup.ts'
import { backupData, backupText, verifiedText } from '../backup/backup-text.ts'
import { openedBackup } from '../backup/opened-backup.ts'
import { verify } from '../backup/verify.ts'
import type { AddCommand } from '../command-line/add-command.ts'
import { byWords, Failure } from '../command-line/failure.ts'
import { keptAlive } from '../command-line/kept-alive.ts'
import { elsewhereMs, ProgressLine } from '../command-line/progress-line.ts'
import type { Progress } from '../recover/exact-copies.ts'
import { openGrid } from '../recover/recovery-grid.ts'

interface Options {
  readonly out?: string
  readonly verify?: string
  readonly to?: string
  readonly space?: readonly string[]
  readonly full?: boolean
  readonly json?: boolean
}

async function run(options: Options, command: Command): Promise<void> {
  const { out, verify: looked } = options
  if ((out === undefined) === (looked === undefined))
    command.error(
      'error: say where to: --out FOLDER; or which one is to be looked at: --verify FOLDER',
    )
  const line = new ProgressLine({ json: options.json, elsewhereMs })
  const progress: Progress = (what, count) => line.tell(`${what}: ${count}`)
  if (out !== undefined) await make(out, options, line, progress)
  else if (looked !== undefined) await look(looked, options, line, progress)
}

async function make(
  folder: string,
  { space, full = false, json }: Options,
  line: ProgressLine,
  progress: Progress,
): Promise<void> {
  const grid = await openGrid(readEnvironment(), 'back up')
  try {
    const logNames = logsMeant(space, grid.logNames)
    if (logNames.length === 0) throw new Failure('There is no space to back up')
    const done = await backUp(grid, logNames, { folder, full, progress })
    line.clear()
    say(json ? `${JSON.stringify(backupData(done), null, 2)}\n` : backupText(done, folder))
  } catch (error) {
    throw byWords(error)
  } finally {
    await grid.close()
  }
}

async function look(
  folder: string,
  { space, to, json }: Options,
  line: ProgressLine,
  progress: Progress,
): Promise<void> {
  const clock = new SystemClock()
  try {
    const points = await openedBackup(folder, space, to, clock)
    const verified = await verify(folder, points, clock, progress)
    line.clear()
    say(json ? `${JSON.stringify({ logs: verified }, null, 2)}\n` : verifiedText(verified))
  } catch (error) {
    line.clear()
    throw byWords(error)
  }
}

const say = (text: string): void => void process.stdout.write(text)

export const addBackup: AddCommand = (program) => {
  program
    .command('backup')
    .description(
      'Copies spaces into a folder while the grid runs: to be restored at any moment from then on.',
    )
    .option('--out <folder>', 'where to; what is there already is added to')
    .option('--space <name...>', 'spaces to back up, or partitions (default: those of the grid)')
    .option(
      '--full',
      'takes a new snapshot although the log alone would do: restoring is quicker then',
    )
    .option('--verify <folder>', 'makes what is there in memory, log by log, and compares digests')
    .option(
      '--to <moment>',
      'with --verify: as of a position, or a time (default: the last backup)',
    )
    .option('--json', 'what was done, as JSON')
    .addHelpText(
      'after',
      `
A backup is a snapshot of each log, from a unit, a pump or the store, what had left memory, and the log from there on. The next one into the
same folder adds what the log has brought since; where the log has been trimmed meanwhile (TRIM_DELAY_MS, PAST_MS) it takes a new snapshot,
and what lies between cannot be restored. Interrupted it counts as if it had not been begun.

Finds the grid by NATS_URL, MONGODB_URL (MONGODB_DB); else the cluster or the servers of DATA_DIR; else the embedded grid's files in DATA_DIR, which
must be stopped. --verify needs as much memory as a unit has for one log.
Exit code: 0 done, 1 not done, or it is not what it was; 2 wrong usage or configuration.`,
    )
    .action((options: Options, command: Command) => keptAlive(() => run(options, command)))
}
