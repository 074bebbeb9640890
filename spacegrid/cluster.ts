import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { GridError } from '@spacegrid/grid/core/errors'
import { DirectoryLock } from '@spacegrid/grid/drivers/embedded/directory-lock'
import { folderFault, useFolder } from '@spacegrid/grid/drivers/system/usable-folder'
import { readEnvironment } from '@spacegrid/grid/program/environment'
import { runProgram } from '@spacegrid/grid/program/run-program'
import { Command, CommanderError, InvalidArgumentError } from 'commander'
import { ProcessCluster, type ProcessRow } from './cluster/process-cluster.ts'
import { findFreePort } from './servers/free-port.ts'

const applications = readdirSync(new URL('../processing-units', import.meta.url)).filter((name) =>
  existsSync(new URL(`../processing-units/${name}/main.ts`, import.meta.url)),
)
const stopSignals = ['SIGINT', 'SIGTERM'] as const
const unitsMax = 16
const copiesMax = 4

function unitCount(text: string): number {
  const units = Number(text)
  if (!Number.isInteger(units) || units < 1 || units > unitsMax)
    throw new InvalidArgumentError(`It must be a whole number from 1 to ${unitsMax}.`)
  return units
}

function copyCount(text: string): number {
  const copies = Number(text)
  if (!Number.isInteger(copies) || copies < 1 || copies > copiesMax)
    throw new InvalidArgumentError(`It must be a whole number from 1 to ${copiesMax}.`)
  return copies
}

function applicationName(text: string): string {
  if (!applications.includes(text))
    throw new InvalidArgumentError(`It must be one of ${applications.join(', ')}.`)
  return text
}

function table(rows: readonly ProcessRow[]): string {
  const cells = [
    ['ROLE', 'NAME', 'PID', 'PORT', 'ADMIN'],
    ...rows.map(({ role, name, pid, port, adminPort }) => [
      role,
      name,
      String(pid),
      String(port || '-'),
      String(adminPort || '-'),
    ]),
  ]
  const widths = [0, 1, 2, 3, 4].map((column) =>
    Math.max(...cells.map((row) => (row[column] ?? '').length)),
  )
  return cells
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

interface ClusterChoice {
  units: number
  copies: number
  application: string
}

async function run(options: ClusterChoice): Promise<void> {
  const environment = readEnvironment()
  const {
    NATS_URL: nats,
    MONGODB_URL: mongodb,
    REDIS_URL: redis,
    DATA_DIR: dataDirectory,
  } = environment
  // Two clusters on one folder would overwrite each other's logs and cluster.json. The lock ends with this process.
  const folder = join(dataDirectory, 'cluster')
  useFolder('DATA_DIR', dataDirectory)
  useFolder('DATA_DIR', folder)
  const lock = new DirectoryLock(folder)
  const start = new AbortController()
  // Of a Ctrl-C both the terminal and npm tell.
  const giveUp = () => {
    if (start.signal.aborted) return
    process.stderr.write('Stopping what has been started\n')
    start.abort(new GridError('stopping', 'Stopped before it was ready'))
  }
  for (const signal of stopSignals) process.on(signal, giveUp)
  const cluster = await ProcessCluster.start({
    ...options,
    signal: start.signal,
    port: environment.PORT === 0 ? await findFreePort() : environment.PORT,
    dataDirectory,
    urls: {
      ...(nats ? { nats } : {}),
      ...(mongodb ? { mongodb } : {}),
      ...(redis ? { redis } : {}),
    },
    say: (line) => process.stderr.write(`${line}\n`),
  }).catch((error) => {
    throw folderFault('DATA_DIR', dataDirectory, error) ?? error
  })
  process.stdout.write(`${table(cluster.processes)}\n\n`)
  process.stdout.write(
    `${options.application} serves at ${cluster.urls.http} (documentation: ${cluster.urls.http}/docs). Ctrl-C stops all.\n`,
  )
  for (const signal of stopSignals) process.off(signal, giveUp)
  stopWith(cluster, lock)
}

/** Stops on a signal; says when a component ends by itself, and ends when none is left. */
function stopWith(cluster: ProcessCluster, lock: DirectoryLock): void {
  let stopping = false
  const stop = async (code: number) => {
    if (stopping) return
    stopping = true
    await cluster.stop()
    lock.release()
    process.exit(code)
  }
  for (const component of cluster.components)
    void component.gone.then(() => {
      if (stopping) return
      const { name, logFile } = component.settings
      process.stderr.write(
        `${name} (${component.pid}) ended: ${component.ended}; its log: ${logFile}\n`,
      )
      if (cluster.components.every(({ ended }) => ended !== undefined)) void stop(1)
    })
  for (const signal of stopSignals) process.on(signal, () => void stop(0))
}

const command = new Command('npm run cluster --')
  .description(
    'The grid as separate processes on this machine, with real NATS, MongoDB and Redis (started if their URLs are not set).',
  )
  .option('--units <number>', 'processing units', unitCount, 2)
  .option(
    '--copies <number>',
    'pumps, writers and readers of each: more than 1 stand by',
    copyCount,
    1,
  )
  .option('--application <name>', `one of ${applications.join(', ')}`, applicationName, 'ticketing')
  .addHelpText(
    'after',
    '\nEnvironment: PORT (8080), DATA_DIR (.spacegrid), NATS_URL, MONGODB_URL, REDIS_URL, LOG_LEVEL.\nStarted again on the same DATA_DIR it goes on where it was.',
  )
  .exitOverride()
  .action(run)

try {
  await runProgram(async () => void (await command.parseAsync()))
} catch (error) {
  if (error instanceof CommanderError) process.exit(error.exitCode === 0 ? 0 : 2)
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
  process.exit(1)
}
