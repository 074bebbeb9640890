import { auction } from '@spacegrid/auction/space'
import type { Space } from '@spacegrid/grid/core/definition'
import { GridError } from '@spacegrid/grid/core/errors'
import type { Environment } from '@spacegrid/grid/program/environment'
import { runProgram } from '@spacegrid/grid/program/run-program'
import { readTicketingSettings } from '@spacegrid/ticketing/settings'
import { createTicketing } from '@spacegrid/ticketing/space'
import { Command, CommanderError } from 'commander'
import { runEmbeddedGrid } from './embedded/serve-embedded.ts'
import { welcome } from './welcome.ts'

function spacesOf({ SPACES }: Environment): Space[] {
  const known = new Map<string, Space>(
    [createTicketing(readTicketingSettings()), auction].map((space) => [space.name, space]),
  )
  return SPACES.split(',').map((name) => {
    const space = known.get(name)
    if (space) return space
    throw new GridError(
      'configuration_invalid',
      `SPACES=${JSON.stringify(SPACES)}: allowed are ${[...known.keys()].join(', ')}`,
    )
  })
}

const command = new Command('npm start --')
  .description(
    'The grid in one process: two processing units of each application, log and store on disk, no server needed.',
  )
  .addHelpText(
    'after',
    `
Environment: PORT (8080), ADMIN_PORT (9090), HOST (127.0.0.1), DATA_DIR (.spacegrid), SPACES (ticketing,auction), HOLD_MS, LOG_LEVEL; all of it: docs/operations.md.
Ctrl-C stops it; started again on the same DATA_DIR it goes on where it was.`,
  )
  .allowExcessArguments(false)
  .exitOverride()
  .action(() => runEmbeddedGrid(spacesOf, (place) => void process.stdout.write(welcome(place))))

try {
  await runProgram(async () => void (await command.parseAsync()))
} catch (error) {
  if (error instanceof CommanderError) process.exit(error.exitCode === 0 ? 0 : 2)
  throw error
}
