import { auction } from '@spacegrid/auction/space'
import { GridError, type Space } from '@spacegrid/grid'
import { createAdminServer } from '@spacegrid/grid/doors/admin/admin-server'
import { statusOfUnits } from '@spacegrid/grid/doors/admin/status-source'
import { createHttpServer } from '@spacegrid/grid/doors/http/http-server'
import { httpUrl } from '@spacegrid/grid/doors/http/http-url'
import { SystemMemory } from '@spacegrid/grid/drivers/system/system-memory'
import { useFolder } from '@spacegrid/grid/drivers/system/usable-folder'
import { type Environment, readEnvironment } from '@spacegrid/grid/program/environment'
import { stopOnSignals } from '@spacegrid/grid/program/graceful-stop'
import { reportTo } from '@spacegrid/grid/program/role-log'
import { runProgram } from '@spacegrid/grid/program/run-program'
import { spaceNotices } from '@spacegrid/runtime/space-notices'
import { tellStrayFaults } from '@spacegrid/runtime/stray-faults'
import { unitLimits } from '@spacegrid/runtime/unit-limits'
import { createTicketing } from '@spacegrid/ticketing/space'
import { Command, CommanderError } from 'commander'
import { pino } from 'pino'
import { auditEmbedded } from './audit/audit-embedded.ts'
import { EmbeddedGrid } from './embedded-grid.ts'
import { welcome } from './welcome.ts'

const readyPollMs = 10
/** People read this program's log as lines; whoever wants JSON sets LOG_LEVEL and reads the components' own. */
const prettyOptions = {
  target: 'pino-pretty',
  options: { colorize: process.stdout.isTTY, ignore: 'pid,hostname,kind,unit', singleLine: true },
}

/** The embedded grid: everything in this process, no server needed. */
async function main(): Promise<void> {
  const environment = readEnvironment()
  checkEmbedded(environment)
  const { HOST: host, PORT: port, ADMIN_PORT: adminPort, DATA_DIR: dataDirectory } = environment
  useFolder('DATA_DIR', dataDirectory)
  const log = pino({
    level: environment.LOG_LEVEL === 'info' ? 'warn' : environment.LOG_LEVEL,
    transport: prettyOptions,
  })
  const memory = new SystemMemory(environment.MEMORY_MAX)
  tellStrayFaults(log)
  const grid = new EmbeddedGrid(spacesOf(environment), {
    dataDirectory,
    streamBytesMax: environment.STREAM_BYTES_MAX,
    trimDelayMs: environment.TRIM_DELAY_MS,
    auditIntervalMs: environment.AUDIT_INTERVAL_MS,
    memory,
    unit: unitLimits(environment, memory.budgetBytes),
    tell: (who, event) => {
      // Whoever has read that something is not ready wants to read that it is again.
      const isEnd = event.kind === 'readiness' && event.level === 'info'
      reportTo(
        log,
        {},
      )({ ...event, level: isEnd ? 'warn' : event.level, message: `${who}: ${event.message}` })
    },
  })
  grid.start()
  const undeclaredReadable = environment.NODE_ENV !== 'production'
  const http = createHttpServer(grid.units, {
    log,
    undeclaredReadable,
    bodyBytesMax: environment.BODY_BYTES_MAX,
    requestTimeoutMs: environment.REQUEST_TIMEOUT_MS,
  })
  const admin = createAdminServer(statusOfUnits('embedded', 'embedded', grid.units), {
    log,
    audit: (request) => auditEmbedded(grid, request),
  })
  await http.listen({ host, port })
  await admin.listen({ host, port: adminPort })
  stopOnSignals({
    stop: async () => {
      await http.close()
      await grid.stop()
      await admin.close()
    },
  })
  while (!grid.readiness().ready) await new Promise((wake) => setTimeout(wake, readyPollMs))
  process.stdout.write(
    welcome({
      spaces: [...new Set(grid.units.map((unit) => unit.space.name))],
      url: httpUrl(host, addressPort(http.server.address())),
      adminUrl: httpUrl(host, addressPort(admin.server.address())),
      dataDirectory,
    }),
  )
  for (const space of new Set(grid.units.map((unit) => unit.space)))
    for (const notice of spaceNotices(space, undeclaredReadable)) log.warn(notice)
}

/** Somebody who names servers does not expect a grid that uses none of them. */
function checkEmbedded(environment: Environment): void {
  for (const name of ['NATS_URL', 'MONGODB_URL', 'REDIS_URL'] as const)
    if (environment[name] !== undefined)
      throw new GridError(
        'configuration_invalid',
        `${name} is set, but npm start is the embedded grid, which uses no server: unset it, or use npm run cluster`,
      )
}

function spacesOf({ SPACES, HOLD_MS }: Environment): Space[] {
  const known = new Map(
    [createTicketing({ holdMs: HOLD_MS }), auction].map((space) => [space.name, space]),
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

const addressPort = (address: ReturnType<import('node:net').Server['address']>): number =>
  typeof address === 'object' && address !== null ? address.port : 0

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
  .action(main)

try {
  await runProgram(async () => void (await command.parseAsync()))
} catch (error) {
  if (error instanceof CommanderError) process.exit(error.exitCode === 0 ? 0 : 2)
  throw error
}
