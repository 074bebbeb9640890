import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { GridError } from '@spacegrid/grid/core/errors'
import { NatsMessaging } from '@spacegrid/grid/drivers/nats/nats-messaging'
import { type Environment, readEnvironment } from '@spacegrid/grid/program/environment'
import { ownHeaders } from '@spacegrid/grid/program/own-credential'
import { findGrid } from '../audit/audit-targets.ts'
import type { AddCommand } from '../command-line/add-command.ts'
import { byWords, Failure } from '../command-line/failure.ts'
import { elsewhereMs, ProgressLine } from '../command-line/progress-line.ts'
import { type Imported, type ImportFile, importFile, importFiles } from '../transfer/import.ts'

interface Options {
  readonly cache?: string
  readonly overwrite?: boolean
  readonly skipInvalid?: boolean
  readonly json?: boolean
}

async function run(
  space: string,
  paths: readonly string[],
  { cache, overwrite = false, skipInvalid = false, json }: Options,
): Promise<void> {
  const line = new ProgressLine({ json, elsewhereMs })
  const environment = readEnvironment()
  try {
    const files = paths.flatMap((path) => filesAt(path, cache))
    const messaging = await openUnits(environment, 'import into')
    try {
      const imported = await importFiles(files, messaging, {
        ...{ space, overwrite, skipInvalid, headers: ownHeaders(environment) },
        progress: (what, count) => line.tell(`${what}: ${count}`),
      })
      line.clear()
      say(json ? `${JSON.stringify(imported, null, 2)}\n` : importText(imported, skipInvalid))
      if (imported.invalidCount > 0) process.exitCode = 1
    } finally {
      await messaging.close()
    }
  } catch (error) {
    line.clear()
    throw byWords(error)
  }
}

/**
 * The way to the units of a grid.
 * @throws GridError `configuration_invalid`, `log_unavailable`
 */
export async function openUnits(environment: Environment, todo: string): Promise<NatsMessaging> {
  const grid = await findGrid(environment)
  if (grid?.nats !== undefined) return await NatsMessaging.open(grid.nats, { name: 'import' })
  throw new GridError(
    'configuration_invalid',
    `There is no grid to ${todo}: entries go through its units. Set NATS_URL, or DATA_DIR to the folder of a cluster that runs (now: ${environment.DATA_DIR})`,
  )
}

/** All of a folder that an export has written, or one file. */
function filesAt(path: string, cache: string | undefined): ImportFile[] {
  try {
    if (!statSync(path).isDirectory()) return [importFile(path, cache)]
    const names = readdirSync(path).filter((name) => name.endsWith('.ndjson'))
    if (names.length > 0) return names.sort().map((name) => importFile(join(path, name), cache))
  } catch (error) {
    throw new Failure(`${path} cannot be read: ${(error as Error).message}`, 2, { cause: error })
  }
  throw new Failure(`${path} has no .ndjson file`, 2)
}

function importText(
  { imported, present, invalid, invalidCount }: Imported,
  skipInvalid: boolean,
): string {
  const wrong = invalid.map(({ file, line, reason }) => `${file}:${line}: ${reason}\n`)
  if (invalidCount > invalid.length) wrong.push(`… and ${invalidCount - invalid.length} more\n`)
  if (invalidCount > 0 && !skipInvalid)
    return `${wrong.join('')}${invalidCount} lines are wrong: nothing was imported (--skip-invalid imports the others)\n`
  const rest = [
    present > 0 ? `, ${present} were there already (--overwrite replaces them)` : '',
    invalidCount > 0 ? `, ${invalidCount} lines were wrong` : '',
  ]
  return `${wrong.join('')}${imported} entries imported${rest.join('')}\n`
}

const say = (text: string): void => void process.stdout.write(text)

export const addImport: AddCommand = (program) => {
  program
    .command('import')
    .description('Puts entries of NDJSON files into a space, through its units and its log.')
    .argument('<space>', 'name of the space')
    .argument('<paths...>', 'files, CACHE.ndjson each, or folders of them')
    .option('--cache <name>', 'the cache, where a file has another name')
    .option('--overwrite', 'in the place of entries that are there (default: those stay)')
    .option('--skip-invalid', 'passes over lines that are wrong, and tells of them')
    .option('--json', 'what was done, as JSON')
    .addHelpText(
      'after',
      `
Each line, {"key": …, "value": {…}}, becomes a transaction of its own, checked by the cache's schema as a command's would be; events are not emitted, and nothing else that
the application would do is done. Without --skip-invalid all lines are looked at first, and nothing is imported if one is wrong. May be given again: what is there stays.

Finds the units by NATS_URL, else by the cluster of DATA_DIR/cluster.json.
Exit code: 0 done, 1 lines were wrong, or it was not done; 2 wrong usage or configuration.`,
    )
    .action(run)
}
