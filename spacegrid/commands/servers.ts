import { isGridError } from '@spacegrid/grid/core/errors'
import { folderFault, useFolder } from '@spacegrid/grid/drivers/system/usable-folder'
import { readEnvironment } from '@spacegrid/grid/program/environment'
import { Argument } from 'commander'
import type { AddCommand } from '../command-line/add-command.ts'
import { failureOf } from '../command-line/failure.ts'
import { type ServerName, serverNames } from '../servers/server-name.ts'
import {
  type KnownServer,
  keysOfServers,
  knownServers,
  startServers,
  stopServers,
} from '../servers/start-servers.ts'

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
    const fault = folderFault('DATA_DIR', dataDirectory, error) ?? error
    throw isGridError(fault) ? fault : failureOf(fault)
  }
}

interface Options {
  readonly json?: boolean
}

async function up(dataDirectory: string, names: ServerName[], { json }: Options): Promise<void> {
  useFolder('DATA_DIR', dataDirectory)
  const servers = await startServers({
    dataDirectory,
    which: names.length === 0 ? serverNames : names,
    keys: await keysOfServers(dataDirectory),
    say,
  })
  if (json) {
    const urls = Object.fromEntries([...servers].map(([name, { url }]) => [name, url]))
    process.stdout.write(`${JSON.stringify({ urls })}\n`)
    return
  }
  for (const [name, server] of servers) {
    process.stdout.write(`export ${urlVariables[name]}='${server.url}'\n`)
  }
}

async function down(dataDirectory: string, names: ServerName[]): Promise<void> {
  const stopped = await stopServers(dataDirectory, names.length === 0 ? serverNames : names)
  say(stopped.length === 0 ? 'None was running.' : `Stopped ${stopped.join(', ')}.`)
}

async function status(dataDirectory: string, { json }: Options): Promise<void> {
  const known = await knownServers(dataDirectory)
  if (json) {
    const servers = known.map(({ record: { name, pid, port, url }, running }) =>
      running === undefined
        ? { name, running: false, port }
        : { name, running: true, pid, port, url },
    )
    process.stdout.write(`${JSON.stringify({ servers }, null, 2)}\n`)
    return
  }
  if (known.length === 0) {
    say('None was ever started here: npx spacegrid servers up')
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

export const addServers: AddCommand = (program) => {
  const servers = program
    .command('servers')
    .description('The local NATS, MongoDB and Redis. Their data and logs are in DATA_DIR/servers.')
  servers
    .command('up')
    .description('starts those that do not run and prints their URLs for the shell')
    .addArgument(names())
    .option('--json', 'prints the URLs as JSON')
    .action((names, options) =>
      inDataDirectory((dataDirectory) => up(dataDirectory, names, options)),
    )
  servers
    .command('down')
    .description('stops them; data stay')
    .addArgument(names())
    .action((names) => inDataDirectory((dataDirectory) => down(dataDirectory, names)))
  servers
    .command('status')
    .description('says which run, and where')
    .option('--json', 'as JSON')
    .action((options) => inDataDirectory((dataDirectory) => status(dataDirectory, options)))
}
