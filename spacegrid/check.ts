import { GridError } from '@spacegrid/grid/core/errors'
import { readEnvironment } from '@spacegrid/grid/program/environment'
import { Command, CommanderError } from 'commander'
import { checkStored, type StoredCheck } from './check/check-stored.ts'
import { checkText } from './check/check-text.ts'
import { spacesOf } from './check/spaces-of.ts'
import { openGrid } from './recover/recovery-grid.ts'

interface Options {
  readonly full?: boolean
  readonly json?: boolean
}

const progressMs = 500

async function run(files: readonly string[], { full = false, json }: Options): Promise<void> {
  const spaces = await spacesOf(files)
  const grid = await openGrid(readEnvironment())
  const checks: StoredCheck[] = []
  let toldAt = Date.now()
  const isTold = process.stderr.isTTY && !json
  try {
    for (const space of spaces) {
      const progress = (entries: number) => {
        const now = Date.now()
        if (!isTold || now - toldAt < progressMs) return
        toldAt = now
        process.stderr.write(`\r\u001b[K${space.name}: ${entries} entries`)
      }
      const ports = await grid.portsOf(space.name)
      checks.push(await checkStored(space, ports, { full, progress }))
    }
  } finally {
    await grid.close()
  }
  if (isTold) process.stderr.write('\r\u001b[K')
  process.stdout.write(
    json ? `${JSON.stringify({ checks }, null, 2)}\n` : checks.map(checkText).join(''),
  )
  process.exitCode = checks.every(({ holds }) => holds) ? 0 : 1
}

const command = new Command('npm run check:space --')
  .description(
    'Compares the definition of a space with the one in the log and with what is stored, and says what would happen if units with it were started.',
  )
  .argument('<files...>', 'modules that export spaces')
  .option('--full', 'look at every stored entry (default: at 1,000 of each cache)')
  .option('--json', 'the report as JSON')
  .addHelpText(
    'after',
    `
Looks at the grid of NATS_URL and MONGODB_URL (MONGODB_DB), which may be running; else at the cluster of DATA_DIR/cluster.json; else at
the embedded grid that is kept in DATA_DIR, which must be stopped. Reads only.
Exit code: 0 the definition fits, 1 units with it would not serve, 2 wrong usage or configuration.`,
  )
  .exitOverride()
  .action(run)

try {
  await command.parseAsync()
} catch (error) {
  if (error instanceof CommanderError) process.exit(error.exitCode === 0 ? 0 : 2)
  process.stderr.write(`${error instanceof GridError ? error.message : (error as Error).stack}\n`)
  process.exit(2)
}
