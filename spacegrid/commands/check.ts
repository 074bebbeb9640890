import type { Space } from '@spacegrid/grid/core/definition'
import { GridError } from '@spacegrid/grid/core/errors'
import { readEnvironment } from '@spacegrid/grid/program/environment'
import { type Application, loadApplication } from '../application/load-application.ts'
import { logsMeant } from '../audit/logs-meant.ts'
import { checkStored, type StoredCheck } from '../check/check-stored.ts'
import { checkText } from '../check/check-text.ts'
import type { AddCommand } from '../command-line/add-command.ts'
import { Failure } from '../command-line/failure.ts'
import { ProgressLine } from '../command-line/progress-line.ts'
import { openGridIfAny } from '../recover/recovery-grid.ts'

interface Options {
  readonly full?: boolean
  readonly json?: boolean
}

async function run(
  files: readonly string[],
  { full = false, json = false }: Options,
): Promise<void> {
  const { spaces } = await definitions(files)
  const held = spaces.map(heldBy)
  if (!json) for (const one of held) process.stdout.write(heldText(one))
  const checks = await compared(spaces, full, new ProgressLine({ json }))
  if (json) process.stdout.write(`${JSON.stringify({ spaces: held, checks }, null, 2)}\n`)
  else process.stdout.write(checks ? checks.map(checkText).join('') : nothingStored)
  if (checks?.some(({ holds }) => !holds)) process.exitCode = 1
}

const nothingStored =
  'Compared with nothing stored: no grid is kept here (NATS_URL, or DATA_DIR, says where one is).\n'

/** A definition that is wrong is what is asked for here; a file that is not there is not. */
async function definitions(files: readonly string[]): Promise<Application> {
  try {
    return await loadApplication(files)
  } catch (error) {
    if (error instanceof GridError && error.cause !== undefined) throw new Failure(error.message)
    throw error
  }
}

/** With what the grid here holds; undefined: there is none. */
async function compared(
  spaces: readonly Space[],
  full: boolean,
  line: ProgressLine,
): Promise<StoredCheck[] | undefined> {
  const grid = await openGridIfAny(readEnvironment())
  if (!grid) return undefined
  const checks: StoredCheck[] = []
  try {
    for (const space of spaces)
      for (const logName of logsMeant([space.name], grid.logNames)) {
        const progress = (entries: number) => line.tell(`${logName}: ${entries} entries`)
        const options = { full, progress, logName }
        checks.push(await checkStored(space, await grid.portsOf(logName), options))
      }
    return checks
  } finally {
    line.clear()
    await grid.close()
  }
}

const heldBy = ({ name, caches, commands, queries, projections }: Space) => ({
  space: name,
  caches: caches.map((cache) => cache.name),
  commands: [...commands.keys()],
  queries: [...queries.keys()],
  projections: projections.map((projection) => projection.name),
})

function heldText({ space, ...parts }: ReturnType<typeof heldBy>): string {
  const texts = Object.entries(parts).map(
    ([what, names]) => `${what} ${names.length === 0 ? '-' : names.join(', ')}`,
  )
  return `${space}: ${texts.join('; ')}\n`
}

export const addCheck: AddCommand = (program) => {
  program
    .command('check')
    .description(
      'Loads the definitions of spaces: what they hold, or what is wrong with them and in which line. Compares them with the definition in the log and with what is stored, and says what would happen if units with them were started.',
    )
    .argument('[files...]', 'modules that export spaces (./space.ts unless one is named)')
    .option('--full', 'look at every stored entry (default: at 1,000 of each cache)')
    .option('--json', 'the report as JSON')
    .addHelpText(
      'after',
      `
Looks at the grid of NATS_URL and MONGODB_URL (MONGODB_DB), which may be running; else at the cluster of DATA_DIR/cluster.json; else at
the embedded grid that is kept in DATA_DIR, which must be stopped. Reads only.
Exit code: 0 they can be used, 1 a definition is wrong or units with it would not serve, 2 wrong usage or configuration.`,
    )
    .action(run)
}
