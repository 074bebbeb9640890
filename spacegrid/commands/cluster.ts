import { join } from 'node:path'
import { GridError, isGridError } from '@spacegrid/grid/core/errors'
import { partitionsMax } from '@spacegrid/grid/core/partition'
import { DirectoryLock } from '@spacegrid/grid/drivers/embedded/directory-lock'
import { folderFault, useFolder } from '@spacegrid/grid/drivers/system/usable-folder'
import { readEnvironment } from '@spacegrid/grid/program/environment'
import { Option } from 'commander'
import { loadApplication } from '../application/load-application.ts'
import type { ClusterApplication } from '../cluster/cluster-options.ts'
import { ProcessCluster, type ProcessRow } from '../cluster/process-cluster.ts'
import type { AddCommand } from '../command-line/add-command.ts'
import { failureOf } from '../command-line/failure.ts'
import { whole } from '../command-line/option-values.ts'
import { driveFor } from '../console/cluster-driving.ts'
import { findFreePort } from '../servers/free-port.ts'

const stopSignals = ['SIGINT', 'SIGTERM'] as const

interface Options {
  readonly units: number
  readonly queryUnits: number
  readonly waitingRoom?: string
  readonly waitingRooms: number
  readonly copies: number
  readonly partitions?: number
  readonly application?: string
  readonly console: boolean
  readonly elastic?: boolean
  readonly secure?: boolean
  readonly spares: number
  readonly json?: boolean
}

async function run(files: readonly string[], options: Options): Promise<void> {
  if (options.spares > 0 && !options.elastic)
    throw new GridError('configuration_invalid', '--spares: only with --elastic is one called up')
  // Where the components look it up.
  if (options.waitingRoom !== undefined) process.env.WAITING_ROOM = options.waitingRoom
  const environment = readEnvironment()
  const {
    NATS_URL: nats,
    MONGODB_URL: mongodb,
    REDIS_URL: redis,
    DATA_DIR: dataDirectory,
  } = environment
  const application = await applicationOf(files, options)
  // Two clusters on one folder would overwrite each other's logs and cluster.json. The lock ends
  // with this process.
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
    units: options.units,
    queryUnits: options.queryUnits,
    waitingRooms: environment.WAITING_ROOM === undefined ? 0 : options.waitingRooms,
    copies: options.copies,
    console: options.console,
    elastic: options.elastic === true,
    secure: options.secure === true,
    spares: options.spares,
    application,
    signal: start.signal,
    port: environment.PORT === 0 ? await findFreePort() : environment.PORT,
    dataDirectory,
    // Nobody else reaches the loopback address: what stands there before the units is a proxy of
    // this machine.
    environment: { TRUSTED_PROXIES: environment.TRUSTED_PROXIES ?? 'loopback' },
    urls: {
      ...(nats ? { nats } : {}),
      ...(mongodb ? { mongodb } : {}),
      ...(redis ? { redis } : {}),
    },
    say: (line) => process.stderr.write(`${line}\n`),
  }).catch((error) => {
    const fault = folderFault('DATA_DIR', dataDirectory, error) ?? error
    throw isGridError(fault) ? fault : failureOf(fault)
  })
  process.stdout.write(options.json ? json(cluster) : text(cluster, application))
  for (const signal of stopSignals) process.off(signal, giveUp)
  driveFor(cluster)
  stopWith(cluster, lock)
}

/** An application of `processing-units/` by its name, where no file is named. */
async function applicationOf(
  files: readonly string[],
  { application, partitions }: Options,
): Promise<ClusterApplication> {
  const named =
    files.length === 0 && application !== undefined
      ? [join('processing-units', application, 'space.ts')]
      : files
  // Where applications look it up, here as in the components.
  if (partitions !== undefined) process.env.PARTITIONS = String(partitions)
  const loaded = await loadApplication(named)
  const counts = loaded.spaces.map((space) => [space.name, space.partitions ?? 1] as const)
  const other = counts.find(([, count]) => partitions !== undefined && count !== partitions)
  if (other)
    throw new GridError(
      'configuration_invalid',
      `--partitions ${partitions}: the application does not divide space ${other[0]} by its setting PARTITIONS (it has ${other[1]})`,
    )
  return {
    files: loaded.files,
    spaces: counts.map(([name]) => name),
    partitions: Object.fromEntries(counts),
  }
}

const json = ({ urls, processes }: ProcessCluster): string =>
  `${JSON.stringify({ urls, processes })}\n`

const text = ({ urls, processes }: ProcessCluster, { spaces }: ClusterApplication): string =>
  `${table(processes)}\n\n${spaces.join(' and ')} ${spaces.length === 1 ? 'serves' : 'serve'} at ${urls.http} (documentation: ${urls.http}/docs)${urls.queries === undefined ? '' : `, query units at ${urls.queries}`}${urls.waitingRoom === undefined ? '' : `, the waiting room at ${urls.waitingRoom}/waiting-room/`}.${urls.console === undefined ? '' : ` Console: ${urls.console}.`} Ctrl-C stops all.\n`

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
    if (!cluster.speaksOf(component))
      void component.gone.then(() => {
        if (stopping || component.isStopping) return
        const { name, logFile } = component.settings
        process.stderr.write(
          `${name} (${component.pid}) ended: ${component.ended}; its log: ${logFile}\n`,
        )
        if (cluster.components.every(({ ended }) => ended !== undefined)) void stop(1)
      })
  for (const signal of stopSignals) process.on(signal, () => void stop(0))
}

export const addCluster: AddCommand = (program) => {
  program
    .command('cluster')
    .description(
      'The grid as separate processes on this machine, with real NATS, MongoDB and Redis (started if their URLs are not set).',
    )
    .argument('[files...]', 'modules that export spaces (./space.ts unless one is named)')
    .option('--units <number>', 'processing units', whole(1, 16), 2)
    .option(
      '--query-units <number>',
      'units that take no commands (ROLE=query), on the next port: queries are scaled apart',
      whole(0, 16),
      0,
    )
    .option(
      '--waiting-room <lines>',
      'lines to stand in before one comes in, such as ticketing/concert,auction (WAITING_ROOM)',
    )
    .option(
      '--waiting-rooms <number>',
      'processes that give places in them, on a port of their own',
      whole(1, 8),
      1,
    )
    .option(
      '--copies <number>',
      'pumps, writers and readers of each: more than 1 stand by',
      whole(1, 4),
      1,
    )
    .option(
      '--partitions <number>',
      'partitions of each space (PARTITIONS for the application, which has to have that setting)',
      whole(1, partitionsMax),
    )
    .option('--no-console', 'without a console')
    .option(
      '--elastic',
      'a deployment manager adds units before they are missed and takes them away again: from --units (or UNITS_MIN) to UNITS_MAX',
    )
    .option(
      '--spares <number>',
      'units of an elastic cluster that stand by warm: called up, they serve at once',
      whole(0, 16),
      0,
    )
    .option(
      '--secure',
      'closed: NATS lets each role do what it has to, TLS and passwords for all servers; the keys are under DATA_DIR/keys',
    )
    .addOption(
      new Option('--application <name>', 'processing-units/NAME/space.ts, where no file is named'),
    )
    .option('--json', 'print addresses and processes as JSON, in one line')
    .addHelpText(
      'after',
      `
Environment: PORT (8080), DATA_DIR (.spacegrid), NATS_URL, MONGODB_URL, REDIS_URL, LOG_LEVEL; the application's own settings.
Where everything is: DATA_DIR/cluster.json, once all are ready; logs: DATA_DIR/logs. Started again on the same DATA_DIR it goes on where it was.`,
    )
    .action(run)
}
