import { serveSpaces } from '@spacegrid/runtime/program'
import { loadApplication } from '../application/load-application.ts'
import type { AddCommand } from '../command-line/add-command.ts'

export const addUnit: AddCommand = (program) => {
  program
    .command('unit')
    .description(
      'A processing unit: holds its spaces in memory and serves them. As many as are wanted, added and removed at will.',
    )
    .argument('[files...]', 'modules that export spaces (./space.ts unless one is named)')
    .addHelpText(
      'after',
      `
Environment: NATS_URL; ROLE (unit; query: takes no commands and writes nothing, queries are scaled apart by it); PORT (8080, which units on one machine share), ADMIN_PORT (9090), HOST (127.0.0.1), LOG_LEVEL; the application's own settings.
SIGTERM stops it in good order.`,
    )
    .action((files: string[]) => serveSpaces(async () => (await loadApplication(files)).spaces))
}
