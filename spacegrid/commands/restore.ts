import { spaceOf } from '@spacegrid/grid/core/log-name'
import { SystemClock } from '@spacegrid/grid/drivers/system/system-clock'
import { toTagged } from '@spacegrid/grid/engine/wire/tagged-json'
import { readEnvironment } from '@spacegrid/grid/program/environment'
import type { Command } from 'commander'
import { restoredText } from '../backup/backup-text.ts'
import { openedBackup } from '../backup/opened-backup.ts'
import { restore } from '../backup/restore.ts'
import type { AddCommand } from '../command-line/add-command.ts'
import { byWords, Failure } from '../command-line/failure.ts'
import { keptAlive } from '../command-line/kept-alive.ts'
import { elsewhereMs, ProgressLine } from '../command-line/progress-line.ts'
import type { Progress } from '../recover/exact-copies.ts'
import { openGrid } from '../recover/recovery-grid.ts'
import { entryOfBackup, entryOfPast, putEntry } from '../transfer/single-entry.ts'
import { openUnits } from './import.ts'

interface Options {
  readonly from?: string
  readonly key?: string
  readonly to?: string
  readonly as?: string
  readonly space?: readonly string[]
  readonly overwrite?: boolean
  readonly json?: boolean
}

async function run(
  { from: folder, key, to, as, space, overwrite = false, json }: Options,
  command: Command,
): Promise<void> {
  if (key !== undefined) return await runOfKey(key, { folder, to, as, space, json }, command)
  if (folder === undefined) command.error('error: say from which backup: --from FOLDER')
  const line = new ProgressLine({ json, elsewhereMs })
  const progress: Progress = (what, count) => line.tell(`${what}: ${count}`)
  try {
    const points = await openedBackup(folder, space, to, new SystemClock())
    const spaces = new Set(points.map(({ run }) => spaceOf(run.log)))
    if (as !== undefined && spaces.size > 1)
      command.error(
        `error: --as names one space: say which, --space (there are ${[...spaces].join(', ')})`,
      )
    if (as !== undefined && !/^[a-zA-Z][a-zA-Z0-9_]*$/.test(as))
      command.error('error: --as must be the name of a space: letters, digits and _')
    const grid = await openGrid(readEnvironment(), 'restore into', { orNew: true })
    try {
      const restored = await restore(grid, points, { folder, as, overwrite, progress })
      line.clear()
      say(json ? `${JSON.stringify({ logs: restored }, null, 2)}\n` : restoredText(restored))
      const different = restored.flatMap((it) => it.different)
      if (different.length === 0) return
      process.stderr.write(
        `${different.length} values come back otherwise than they were written: ${different.slice(0, 20).join(', ')}\n`,
      )
      process.exitCode = 1
    } finally {
      await grid.close()
    }
  } catch (error) {
    line.clear()
    throw byWords(error)
  }
}

type KeyOptions = {
  readonly [Name in 'to' | 'as' | 'space' | 'json']: Options[Name] | undefined
} & { readonly folder: string | undefined }

/** One entry, through a unit, as an operator's correction is. */
async function runOfKey(
  name: string,
  { folder, to, as, space, json }: KeyOptions,
  command: Command,
): Promise<void> {
  const slash = name.indexOf('/')
  const [cache, key] = [name.slice(0, slash), name.slice(slash + 1)]
  if (slash < 1 || key === '') command.error('error: --key is CACHE/KEY: orders/order-9')
  if (space?.length !== 1) command.error('error: say of which space: --space NAME')
  if (folder === undefined && to === undefined) command.error('error: say as of when: --to MOMENT')
  const [wanted = ''] = space ?? []
  const environment = readEnvironment()
  try {
    const found =
      folder === undefined
        ? await entryOfPast(environment, wanted, { cache, key }, to)
        : await entryOfBackup(folder, wanted, { cache, key }, to)
    if (!found) throw new Failure(`${wanted} had no entry ${name} then`)
    const messaging = await openUnits(environment, 'restore an entry into')
    try {
      const at = await putEntry(messaging, as ?? wanted, { cache, key }, found.value, environment)
      const { log, position } = found
      const data = { log, position, entry: name, value: toTagged(found.value), at }
      if (json) say(`${JSON.stringify(data, null, 2)}\n`)
      else say(`${name} is what it was at position ${position} of ${log}: since position ${at}\n`)
    } finally {
      await messaging.close()
    }
  } catch (error) {
    throw byWords(error)
  }
}

const say = (text: string): void => void process.stdout.write(text)

export const addRestore: AddCommand = (program) => {
  program
    .command('restore')
    .description('Makes spaces again what they were at any moment of a backup.')
    .option('--from <folder>', 'a backup that npx spacegrid backup has made')
    .option(
      '--key <entry>',
      'only this entry, orders/order-9, into the grid that runs: of the backup, or, without --from, of what the grid keeps of its past',
    )
    .option(
      '--to <moment>',
      'a position that an answer has named (1234, 0.1200-1.88), or a time with its zone (default: the last backup)',
    )
    .option('--space <name...>', 'spaces to restore (default: all of the backup)')
    .option(
      '--as <name>',
      'another name for the space: its application must define one of that name',
    )
    .option('--overwrite', 'in the place of what is there, which is lost')
    .option('--json', 'what was done, as JSON')
    .addHelpText(
      'after',
      `
Needs NATS and MongoDB, empty or without these spaces, and no unit, pump, writer or reader of them: start those afterwards. Writes the store,
reads all of it again, compares its digest with what the grid had said of itself at that position, and gives it a new log. Interrupted it can
be begun anew. Needs as much memory as a unit has for one log.

Finds the grid by NATS_URL, MONGODB_URL (MONGODB_DB) and REDIS_URL; else the cluster or the servers of DATA_DIR; else the embedded grid in DATA_DIR.
Exit code: 0 done, 1 refused, or not done; 2 wrong usage or configuration.`,
    )
    .action((options: Options, command: Command) => keptAlive(() => run(options, command)))
}
