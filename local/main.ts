import { auction } from '@spacegrid/auction/space'
import { readEnvironment } from '@spacegrid/grid/environment'
import { createAdminServer } from '@spacegrid/grid/http/admin-server'
import { createHttpServer } from '@spacegrid/grid/http/http-server'
import { statusOfUnits } from '@spacegrid/grid/http/status-source'
import { stopOnSignals } from '@spacegrid/grid/program/graceful-stop'
import { runProgram } from '@spacegrid/grid/program/run-program'
import { reportTo } from '@spacegrid/grid/program/unit-report'
import { createTicketing } from '@spacegrid/ticketing/space'
import { pino } from 'pino'
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
  const { HOST: host, PORT: port, ADMIN_PORT: adminPort, DATA_DIR: dataDirectory } = environment
  const log = pino({
    level: environment.LOG_LEVEL === 'info' ? 'warn' : environment.LOG_LEVEL,
    transport: prettyOptions,
  })
  const grid = new EmbeddedGrid([createTicketing({ holdMs: environment.HOLD_MS }), auction], {
    dataDirectory,
    report: (unit, event) => reportTo(log, unit)(event),
  })
  grid.start()
  const http = createHttpServer(grid.units, { log })
  const admin = createAdminServer(statusOfUnits('embedded', 'embedded', grid.units), { log })
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
      url: `http://${host}:${addressPort(http.server.address())}`,
      adminPort,
      dataDirectory,
    }),
  )
}

const addressPort = (address: ReturnType<import('node:net').Server['address']>): number =>
  typeof address === 'object' && address !== null ? address.port : 0

await runProgram(main)
