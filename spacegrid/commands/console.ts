import { runConsole } from '@spacegrid/console/program'
import { namedSpaces } from '@spacegrid/grid/program/named-spaces'
import { Option } from 'commander'
import type { AddCommand } from '../command-line/add-command.ts'
import { LoadSpike } from '../console/load-spike.ts'
import { ParentDriver } from '../console/parent-driver.ts'
import { isLoopback } from '../load/loopback.ts'

/** Load is for this machine's own grid only; units are ended by whoever has started them. */
async function run({ driven = false }: { readonly driven?: boolean }): Promise<void> {
  await runConsole(({ SPACES, GRID_URL }) => {
    const spaces = namedSpaces(SPACES ?? '').map(({ name }) => name)
    const spike = isLoopback(new URL(GRID_URL)) ? LoadSpike.of(() => GRID_URL, spaces) : undefined
    return { ...(spike ? { spike } : {}), ...(driven ? { driver: new ParentDriver() } : {}) }
  })
}

export const addConsole: AddCommand = (program) => {
  program
    .command('console')
    .description('A page that shows the grid living: units, flow, load, alarms; and what to try.')
    .addHelpText(
      'after',
      `
Environment: NATS_URL; GRID_URL (http://127.0.0.1:8080), CONSOLE_PORT (8090), HOST (127.0.0.1), CONSOLE_TOKEN or CONSOLE_TOKEN_FILE (open to this machine where HOST is a loopback address, else closed), SPACES (those that load can be made of); ADMIN_PORT (9090), LOG_LEVEL. SIGTERM stops it in good order.`,
    )
    // The cluster that starts it does what it asks for.
    .addOption(new Option('--driven').hideHelp())
    .action(run)
}
