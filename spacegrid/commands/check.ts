import type { Space } from '@spacegrid/grid/core/definition'
import { GridError } from '@spacegrid/grid/core/errors'
import { type Application, loadApplication } from '../application/load-application.ts'
import type { AddCommand } from '../command-line/add-command.ts'
import { Failure } from '../command-line/failure.ts'

async function run(files: readonly string[], { json }: { json?: boolean }): Promise<void> {
  const { spaces } = await definitions(files)
  const held = spaces.map(heldBy)
  if (json) process.stdout.write(`${JSON.stringify({ spaces: held }, null, 2)}\n`)
  else
    for (const { space, ...parts } of held)
      process.stdout.write(
        `${space}: ${Object.entries(parts)
          .map(([what, names]) => `${what} ${names.length === 0 ? '-' : names.join(', ')}`)
          .join('; ')}\n`,
      )
}

/** A definition that is wrong is what is asked for here; a file that is not there is not. */
async function definitions(files: readonly string[]): Promise<Application> {
  try {
    return await loadApplication(files)
  } catch (error) {
    if (error instanceof GridError && error.cause !== undefined) throw new Failure(error.message)
    throw error
  }
}

const heldBy = ({ name, caches, commands, queries, projections }: Space) => ({
  space: name,
  caches: caches.map((cache) => cache.name),
  commands: [...commands.keys()],
  queries: [...queries.keys()],
  projections: projections.map((projection) => projection.name),
})

export const addCheck: AddCommand = (program) => {
  program
    .command('check')
    .description(
      'Loads the definitions of spaces: what they hold, or what is wrong with them and in which line.',
    )
    .argument('[files...]', 'modules that export spaces (./space.ts unless one is named)')
    .option('--json', 'what they hold as JSON')
    .addHelpText(
      'after',
      '\nExit code: 0 they can be used, 1 a definition is wrong, 2 wrong usage, or no such file.',
    )
    .action(run)
}
