import { isGridError } from '@spacegrid/grid/core/errors'
import { folderFault, useFolder } from '@spacegrid/grid/drivers/system/usable-folder'
import { readEnvironment } from '@spacegrid/grid/program/environment'
import { Argument, Command, CommanderError } from 'commander'
import { type ServerName, serverNames } from './servers/server-name.ts'
import {
  type KnownServer,
  knownServers,
  startServers,
  stopServers,
} from './servers/start-servers.ts'

const urlVariables: Record<ServerName, string> = {
  nats: 'NATS_URL',
  mongodb: 'MONGODB_URL',
  redis: 'REDIS_URL',
}

/** Progress goes to standard error: standard output is for what a shell can evaluate. */
function say(line: string): void {
  process.stderr.write(`${line}\n`)
}

/** Whatever is wrong with a file in the data directory names the variable. */
async function inDataDirectory(work: (dataDirectory: string) => Promise<void>): Promise<void> {
  const { DATA_DIR: dataDirectory } = readEnvironment()
  try {
    await work(dataDirectory)
  } catch (error) {
    throw folderFault('DATA_DIR', dataDirectory, error) ?? error
  }
}

async function up(dataDirectory: string, names: ServerName[]): Promise<void> {
  useFolder('DATA_DIR', dataDirectory)
  const servers = await startServers({
    dataDirectory,
    which: names.length === 0 ? serverNames : names,
    say,
  })
  for (const [name, server] of servers) {
    process.stdout.write(`export ${urlVariables[name]}='${server.url}'\n`)
  }
}

async function down(dataDirectory: string, names: ServerName[]): Promise<void> {
  const stopped = await stopServers(dataDirectory, names.length === 0 ? serverNames : names)
  say(stopped.length === 0 ? 'None was running.' : `Stopped ${stopped.join(', ')}.`)
}

async function status(dataDirectory: string): Promise<void> {
  const known = await knownServers(dataDirectory)
  if (known.length === 0) {
    say('None was ever started here: npm run servers -- up')
    return
  }
  const rows = [['SERVER', 'STATE', 'PID', 'PORT', 'URL'], ...known.map(rowOf)]
  const widths = [8, 9, 9, 7, 0]
  for (const row of rows) {
    const cells = row.map((cell, column) => cell.padEnd(widths[column] ?? 0))
    process.stdout.write(`${cells.join('').trimEnd()}\n`)
  }
}

function rowOf({ record, running }: KnownServer): string[] {
  const { name, pid, port, url } = record
  return running === undefined
    ? [name, 'stopped', '-', String(port), '-']
    : [name, 'running', String(pid), String(port), url]
}

const names = () => new Argument('[names...]', 'which servers; all by default').choices(serverNames)

const program = new Command('npm run servers --')
  .description('The local NATS, MongoDB and Redis. Their data and logs are in DATA_DIR/servers.')
  .showSuggestionAfterError(false)
  .configureOutput({ outputError: () => {} })
  .exitOverride()
program
  .command('up')
  .description('starts those that do not run and prints their URLs for the shell')
  .addArgument(names())
  .action((names) => inDataDirectory((dataDirectory) => up(dataDirectory, names)))
program
  .command('down')
  .description('stops them; data stay')
  .addArgument(names())
  .action((names) => inDataDirectory((dataDirectory) => down(dataDirectory, names)))
program
  .command('status')
  .description('says which run, and where')
  .action(() => inDataDirectory(status))

try {
  await program.parseAsync()
} catch (error) {
  if (!(error instanceof CommanderError)) {
    say((error as Error).message)
    process.exitCode = isGridError(error, 'configuration_invalid') ? 2 : 1
  } else if (error.exitCode !== 0) {
    // No command at all shows the help, whose code says so instead of a message.
    if (error.code !== 'commander.help') say(error.message.replace(/^error: /, ''))
    process.exitCode = 2
  }
}
