import { once } from 'node:events'
import { type LogName, spaceOf } from '@spacegrid/grid/core/log-name'
import { SystemClock } from '@spacegrid/grid/drivers/system/system-clock'
import { readEnvironment } from '@spacegrid/grid/program/environment'
import type { Command } from 'commander'
import { logsMeant } from '../audit/logs-meant.ts'
import { stateAt } from '../backup/backed-up-state.ts'
import { openedBackup } from '../backup/opened-backup.ts'
import type { AddCommand } from '../command-line/add-command.ts'
import { byWords } from '../command-line/failure.ts'
import { keptAlive } from '../command-line/kept-alive.ts'
import { elsewhereMs, ProgressLine } from '../command-line/progress-line.ts'
import { openGrid } from '../recover/recovery-grid.ts'
import { ExportFolder, exportedLine, isExported } from '../transfer/export-lines.ts'
import { backedUpSource, type ExportSource, storedSource } from '../transfer/exported-entries.ts'

interface Options {
  readonly out?: string
  readonly cache?: readonly string[]
  readonly archived?: boolean
  readonly backup?: string
  readonly to?: string
  readonly json?: boolean
}

/** Gives what there is of each log to a use, one after the other. */
type Sources = (use: (source: ExportSource) => Promise<void>) => Promise<void>

async function run(space: string, options: Options, command: Command): Promise<void> {
  const { out, cache: caches, backup, to, json } = options
  if (out === undefined && caches?.length !== 1)
    command.error(
      'error: say where to, --out FOLDER; or one cache for standard output, --cache NAME',
    )
  if (to !== undefined && backup === undefined) command.error('error: --to is of a --backup')
  const line = new ProgressLine({ json, elsewhereMs })
  const folder = out === undefined ? undefined : new ExportFolder(out)
  const positions: Record<LogName, number> = {}
  let count = 0
  try {
    const sources = backup === undefined ? ofGrid(space, options) : ofBackup(backup, space, options)
    await sources(async (source) => {
      positions[source.log] = source.position
      for await (const piece of source.entries()) {
        const entries = piece.filter(({ cache }) => isExported(cache, caches))
        if (folder) await folder.add(entries)
        else await write(entries.map(exportedLine).join(''))
        count += entries.length
        line.tell(`${source.log}: ${count}`)
      }
    })
    for (const name of caches ?? []) await folder?.begin(name)
  } catch (error) {
    throw byWords(error)
  } finally {
    line.clear()
    await folder?.close()
  }
  if (!folder) return
  const counts = Object.fromEntries(folder.counts)
  if (json) await write(`${JSON.stringify({ positions, entries: counts }, null, 2)}\n`)
  else await write(exportText(counts, positions, String(out)))
}

const ofGrid =
  (space: string, { archived = false }: Options): Sources =>
  async (use) => {
    const grid = await openGrid(readEnvironment(), 'export')
    try {
      const logs = logsMeant([space], grid.logNames)
      for (const log of logs) {
        const { store } = await grid.portsOf(log)
        const source = await storedSource(store, log, archived)
        await use(source).finally(() => source.close())
      }
    } finally {
      await grid.close()
    }
  }

const ofBackup =
  (folder: string, space: string, { to, archived = false }: Options): Sources =>
  async (use) => {
    const clock = new SystemClock()
    for (const { run, position } of await openedBackup(folder, [spaceOf(space)], to, clock)) {
      const made = await stateAt(folder, run, position, clock, () => undefined)
      await use(backedUpSource(run.log, made.state, archived ? made.archived() : undefined))
    }
  }

function exportText(
  counts: Readonly<Record<string, number>>,
  positions: Readonly<Record<LogName, number>>,
  folder: string,
): string {
  const lines = Object.entries(counts).map(
    ([cache, count]) => `${folder}/${cache}.ndjson: ${count} entries\n`,
  )
  const at = Object.entries(positions).map(([log, position]) => `${log} at position ${position}`)
  return `${lines.join('')}${at.join(', ')}\n`
}

/** As fast as whoever reads it takes it. */
async function write(text: string): Promise<void> {
  if (!process.stdout.write(text)) await once(process.stdout, 'drain')
}

export const addExport: AddCommand = (program) => {
  program
    .command('export')
    .description('Writes the entries of a space as NDJSON, a file for each cache.')
    .argument('<space>', 'or a partition of one: ticketing.7')
    .option('--out <folder>', 'where to: CACHE.ndjson for each cache')
    .option('--cache <name...>', 'only these caches; without --out one, to standard output')
    .option('--archived', 'what has left memory too')
    .option('--backup <folder>', 'what a backup has, not what the store has')
    .option('--to <moment>', 'with --backup: as of a position, or a time')
    .option('--json', 'says as JSON what was written')
    .addHelpText(
      'after',
      `
A line is {"key": …, "value": {…}}; "archived": true of what had left memory. A date is {"$date": "2026-…"}, an array of numbers {"$numbers": [kind, base64]}, and
names that begin with $ have another one before them. What the store holds is of one position of each log (told at the end); a divided space's partitions are
of moments of their own, but not in a backup. npx spacegrid import reads it.

Finds the grid by NATS_URL, MONGODB_URL (MONGODB_DB); else the cluster or the servers of DATA_DIR; else the embedded grid's files in DATA_DIR, which must be stopped.
Exit code: 0 done, 1 not done, 2 wrong usage or configuration.`,
    )
    .action((space: string, options: Options, command: Command) =>
      keptAlive(() => run(space, options, command)),
    )
}
