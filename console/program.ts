import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { createServer as createSecureServer, type Server as SecureServer } from 'node:https'
import { createAdminServer } from '@spacegrid/grid/doors/admin/admin-server'
import { followTlsFiles, tlsOptionsOf } from '@spacegrid/grid/doors/http/tls-files'
import { type Environment, readEnvironment } from '@spacegrid/grid/program/environment'
import { stopOnSignals } from '@spacegrid/grid/program/graceful-stop'
import { tlsOf } from '@spacegrid/grid/program/http-options'
import { ownHeaders } from '@spacegrid/grid/program/own-credential'
import { ProcessAdapters } from '@spacegrid/grid/program/process-adapters'
import { runProgram } from '@spacegrid/grid/program/run-program'
import { tellWaiting } from '@spacegrid/grid/program/tell-waiting'
import { pino } from 'pino'
import { Console } from './console.ts'
import type { Driver, Spike } from './control.ts'
import { gridLooking } from './grid-looking.ts'
import { StatusCollector } from './status-collector.ts'

const connectionsMax = 2000

/** What a console can do beyond looking, as far as whoever starts it lets it. */
export interface ConsoleMeans {
  readonly driver?: Driver
  readonly spike?: Spike & { close(): void }
}

/**
 * The console as a process of its own, configured by its environment: its page on `CONSOLE_PORT`,
 * the grid found by `NATS_URL`, visitors' clicks passed on to `GRID_URL`, health on `ADMIN_PORT`.
 * Stops gracefully on SIGTERM and SIGINT. With a configuration that is not usable the process ends
 * with one line and code 2, without NATS with code 1.
 */
export async function runConsole(
  means: (environment: Environment) => ConsoleMeans = () => ({}),
): Promise<void> {
  await runProgram(() => serveConsole(means))
}

async function serveConsole(means: (environment: Environment) => ConsoleMeans): Promise<void> {
  const environment = readEnvironment(['NATS_URL'])
  const { UNIT_NAME: name, HOST: host, CONSOLE_PORT: port, ADMIN_PORT: adminPort } = environment
  const log = pino({ name, level: environment.LOG_LEVEL })
  const adapters = new ProcessAdapters(environment, log)
  const awaited = tellWaiting(log, environment)
  const messaging = await adapters.messaging()
  awaited()
  const { driver, spike } = means(environment)
  const { clock } = adapters
  const asker = randomBytes(12).toString('hex')
  const gridConsole = new Console({
    source: new StatusCollector(messaging, asker, () => clock.monotonic()),
    clock,
    log,
    access: { token: environment.CONSOLE_TOKEN, host },
    kind: 'grid',
    gridUrl: new URL(environment.GRID_URL),
    gridHeaders: ownHeaders(environment),
    ...(driver ? { driver } : {}),
    ...(spike ? { spike } : {}),
    looking: gridLooking(messaging, ownHeaders(environment)),
  })
  const tls = tlsOf(environment)
  const server = tls
    ? createSecureServer(tlsOptionsOf(tls), gridConsole.answer)
    : createServer(gridConsole.answer)
  const endRenewal = tls && followTlsFiles(server as SecureServer, tls, log)
  server.maxConnections = connectionsMax
  const status = { unit: name, role: 'console', notReady: () => [], spaces: () => ({}) }
  const admin = createAdminServer(status, { log, token: environment.ADMIN_TOKEN })
  // Rejects with what is wrong with the address.
  await once(server.listen(port, host), 'listening')
  await admin.listen({ host, port: adminPort })
  if (gridConsole.mode === 'closed')
    log.warn('HOST is no loopback address and CONSOLE_TOKEN is not set: the console is closed')
  log.info({ port, adminPort, grid: environment.GRID_URL, access: gridConsole.mode }, 'started')
  stopOnSignals({
    stop: async () => {
      log.info('stopping')
      spike?.close()
      gridConsole.close()
      endRenewal?.()
      const closed = new Promise((resolve) => server.close(resolve))
      server.closeAllConnections()
      await closed
      await admin.close()
      await adapters.close()
    },
  })
}
