import { existsSync, readdirSync } from 'node:fs'
import { Command, CommanderError, InvalidArgumentError } from 'commander'
import { ProcessCluster, type ProcessRow } from './cluster/process-cluster.ts'

const applications = readdirSync(new URL('../processing-units', import.meta.url)).filter((name) =>
  existsSync(new URL(`../processing-units/${name}/main.ts`, import.meta.url)),
)
const unitsMax = 16

function unitCount(text: string): number {
  const units = Number(text)
  if (!Number.isInteger(units) || units < 1 || units > unitsMax)
    throw new InvalidArgumentError(`It must be a whole number from 1 to ${unitsMax}.`)
  return units
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

async function run(options: { units: number; application: string }): Promise<void> {
  const { NATS_URL: nats, MONGODB_URL: mongodb, REDIS_URL: redis, PORT, DATA_DIR } = process.env
  const port = Number(PORT || 8080)
  const cluster = await ProcessCluster.start({
    ...options,
    port,
    dataDirectory: DATA_DIR || '.spacegrid',
    urls: {
      ...(nats ? { nats } : {}),
      ...(mongodb ? { mongodb } : {}),
      ...(redis ? { redis } : {}),
    },
    say: (line) => process.stderr.write(`${line}\n`),
  })
  process.stdout.write(`${table(cluster.processes)}\n\n`)
  process.stdout.write(
    `${options.application} serves at ${cluster.urls.http} (documentation: ${cluster.urls.http}/docs). Ctrl-C stops all.\n`,
  )
  stopWith(cluster)
}

/** Stops on a signal; says when a component ends by itself, and ends when none is left. */
function stopWith(cluster: ProcessCluster): void {
  let stopping = false
  const stop = async (code: number) => {
    if (stopping) return
    stopping = true
    await cluster.stop()
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
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => void stop(0))
}

const command = new Command('npm run cluster --')
  .description(
    'The grid as separate processes on this machine, with real NATS, MongoDB and Redis (started if their URLs are not set).',
  )
  .option('--units <number>', 'processing units', unitCount, 2)
  .option('--application <name>', `one of ${applications.join(', ')}`, applicationName, 'ticketing')
  .addHelpText(
    'after',
    '\nEnvironment: PORT (8080), DATA_DIR (.spacegrid), NATS_URL, MONGODB_URL, REDIS_URL, LOG_LEVEL.\nStarted again on the same DATA_DIR it goes on where it was.',
  )
  .exitOverride()
  .action(run)

try {
  await command.parseAsync()
} catch (error) {
  if (error instanceof CommanderError) process.exit(error.exitCode === 0 ? 0 : 2)
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
  process.exit(1)
}
