import type { AddCommand } from '../command-line/add-command.ts'

interface Options {
  readonly watch?: boolean
  readonly json?: boolean
  readonly waitingRoom?: string
}

/** Whoever watches must be quick to start again: what serves is loaded by the process that does. */
async function run(files: readonly string[], { watch = false, json = false, ...more }: Options) {
  // Where the program that serves looks it up.
  if (more.waitingRoom !== undefined) process.env.WAITING_ROOM = more.waitingRoom
  if (watch) {
    const { watchApplication } = await import('../start/watch.ts')
    return await watchApplication(files, { json })
  }
  const { serveApplication } = await import('../start/serve-application.ts')
  await serveApplication(files, { json })
}

export const addStart: AddCommand = (program) => {
  program
    .command('start')
    .description(
      'Serves spaces from one process: two processing units of each, log and store on disk, no server needed.',
    )
    .argument('[files...]', 'modules that export spaces (./space.ts unless one is named)')
    .option('--watch', 'start again when a file of the application changes; data stay')
    .option(
      '--waiting-room <lines>',
      'lines to stand in before one comes in, such as ticketing/concert,auction (WAITING_ROOM)',
    )
    .option('--json', 'print where it serves as JSON, in one line')
    .addHelpText(
      'after',
      `
A module exports a space, or a list of them, by default, or spaces by name.
Environment: PORT (8080), ADMIN_PORT (9090), HOST (127.0.0.1), DATA_DIR (.spacegrid), SPACES (all that are found), LOG_LEVEL; the application's own settings.
Ctrl-C stops it; started again on the same DATA_DIR it goes on where it was.`,
    )
    .action(run)
}
