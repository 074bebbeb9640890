import type { Server } from 'node:net'
import { Console } from '@spacegrid/console/console'
import type { Space } from '@spacegrid/grid/core/definition'
import { GridError } from '@spacegrid/grid/core/errors'
import { createAdminServer } from '@spacegrid/grid/doors/admin/admin-server'
import { PrometheusTelemetry } from '@spacegrid/grid/doors/admin/prometheus-telemetry'
import { statusOfUnits } from '@spacegrid/grid/doors/admin/status-source'
import { createHttpServer } from '@spacegrid/grid/doors/http/http-server'
import { httpUrl } from '@spacegrid/grid/doors/http/http-url'
import { addLineRoutes } from '@spacegrid/grid/doors/http/line-routes'
import { rotationsOf } from '@spacegrid/grid/doors/http/unit-rotation'
import { RequestPipeline } from '@spacegrid/grid/doors/request/request-pipeline'
import { SystemClock } from '@spacegrid/grid/drivers/system/system-clock'
import { SystemMemory } from '@spacegrid/grid/drivers/system/system-memory'
import { useFolder } from '@spacegrid/grid/drivers/system/usable-folder'
import { accessOf, asksWhoAsks } from '@spacegrid/grid/program/access-of'
import { type Environment, readEnvironment } from '@spacegrid/grid/program/environment'
import { stopOnSignals } from '@spacegrid/grid/program/graceful-stop'
import { explains, httpOptionsOf, tlsOf } from '@spacegrid/grid/program/http-options'
import { requestLogOf } from '@spacegrid/grid/program/request-log'
import { reportTo } from '@spacegrid/grid/program/role-log'
import { runProgram } from '@spacegrid/grid/program/run-program'
import { changesBytes, logBytes } from '@spacegrid/grid/program/stream-bytes'
import { asApplication, asGrid } from '@spacegrid/runtime/origin'
import { spaceNotices } from '@spacegrid/runtime/space-notices'
import { tellStrayFaults } from '@spacegrid/runtime/stray-faults'
import { unitLimits } from '@spacegrid/runtime/unit-limits'
import { roomSpace } from '@spacegrid/waiting-room/space'
import { pino } from 'pino'
import { auditEmbedded } from '../audit/audit-embedded.ts'
import { EmbeddedDriver, EmbeddedSource, embeddedLooking } from '../console/embedded-console.ts'
import { LoadSpike } from '../console/load-spike.ts'
import { EmbeddedGrid } from './embedded-grid.ts'
import { EmbeddedRoom, embeddedGuard } from './embedded-room.ts'

const readyPollMs = 10
/** People read this program's log as lines; whoever wants JSON reads the components' own. */
const prettyOptions = {
  target: 'pino-pretty',
  options: { colorize: process.stdout.isTTY, ignore: 'pid,hostname,kind,unit', singleLine: true },
}

export type MakeSpaces = (environment: Environment) => readonly Space[] | Promise<readonly Space[]>

/** Where an embedded grid serves, once it is ready. */
export interface EmbeddedPlace {
  readonly spaces: readonly string[]
  readonly url: string
  readonly adminUrl: string
  readonly dataDirectory: string
  /** Whether callers are asked who they are. */
  readonly asksWhoAsks: boolean
}

/**
 * The embedded grid as a program, configured by its environment: everything in this process, no
 * server needed. Two processing units of each space serve by HTTP on `PORT`, health and status on
 * `ADMIN_PORT`; what they keep is under `DATA_DIR`, one process at a time, and survives any kill.
 * Stops gracefully on SIGTERM and SIGINT. With a configuration that is not usable the process ends
 * with one line and code 2.
 *
 * @param makeSpaces may read settings of its own: see `spacegrid/settings`
 * @param ready told once requests are answered. Default: one line on standard output
 */
export async function runEmbeddedGrid(
  makeSpaces: MakeSpaces,
  ready: (place: EmbeddedPlace) => void = tellPlace,
): Promise<void> {
  await runProgram(() => serveEmbedded(makeSpaces, ready))
}

/**
 * The same, inside a program that has an ending of its own.
 * @throws GridError `configuration_invalid`
 */
export async function serveEmbedded(
  makeSpaces: MakeSpaces,
  ready: (place: EmbeddedPlace) => void,
): Promise<void> {
  await asGrid(() => serve(makeSpaces, ready))
}

async function serve(makeSpaces: MakeSpaces, ready: (place: EmbeddedPlace) => void): Promise<void> {
  const environment = readEnvironment()
  checkEmbedded(environment)
  const { HOST: host, PORT: port, ADMIN_PORT: adminPort, DATA_DIR: dataDirectory } = environment
  const spaces = await asApplication(makeSpaces, environment)
  useFolder('DATA_DIR', dataDirectory)
  const guarded = embeddedGuard(spaces, environment)
  const log = pino({
    level: environment.LOG_LEVEL === 'info' ? 'warn' : environment.LOG_LEVEL,
    transport: prettyOptions,
  })
  const memory = new SystemMemory(environment.MEMORY_MAX)
  tellStrayFaults(log)
  const report = reportTo(log, {})
  const telemetry = new PrometheusTelemetry()
  const grid = new EmbeddedGrid(guarded ? [...spaces, roomSpace] : spaces, {
    dataDirectory,
    streamBytesMax: logBytes(environment).bytesMax,
    changesBytesMax: changesBytes(environment).bytesMax,
    trimDelayMs: environment.TRIM_DELAY_MS,
    pastMs: environment.PAST_MS,
    pastBytesMax: environment.PAST_BYTES_MAX,
    auditIntervalMs: environment.AUDIT_INTERVAL_MS,
    memory,
    unit: unitLimits(environment, memory.budgetBytes),
    telemetry,
    tell: (who, event) => {
      // Whoever has read that something is not ready wants to read that it is again.
      const isEnd = event.kind === 'readiness' && event.level === 'info'
      const level = isEnd ? 'warn' : event.level
      report({ ...event, level, message: `${who}: ${event.message}` })
    },
  })
  const undeclaredReadable = environment.NODE_ENV !== 'production'
  const waiting = guarded && new EmbeddedRoom(grid, guarded, environment, log)
  const rotations = rotationsOf(
    // Lines are asked for by the routes of the waiting room alone.
    grid.serving.filter((unit) => unit.space.name !== roomSpace.name),
  )
  const isSecure = tlsOf(environment) !== undefined
  const url = () => httpUrl(host, addressPort(http.server.address()), isSecure)
  const spike = LoadSpike.of(
    url,
    spaces.map(({ name }) => name),
  )
  const gridConsole = new Console({
    source: new EmbeddedSource(grid, telemetry, waiting?.room),
    clock: new SystemClock(),
    log,
    access: { token: environment.CONSOLE_TOKEN, host },
    kind: 'embedded',
    driver: new EmbeddedDriver(grid, rotations),
    ...(spike ? { spike } : {}),
    looking: embeddedLooking(grid),
  })
  const http = createHttpServer(rotations, {
    log,
    pages: gridConsole.answer,
    pipeline: new RequestPipeline({
      ...{ telemetry, requestLog: requestLogOf(log), explains: explains(environment) },
      access: accessOf(spaces, environment, log, telemetry),
      waitingRoom: guarded?.guard,
    }),
    ...httpOptionsOf(environment),
    ...(waiting ? { addRoutes: (app) => addLineRoutes(app, waiting.room) } : {}),
  })
  const source = statusOfUnits('embedded', 'embedded', grid.serving)
  const admin = createAdminServer(waiting?.statusOf(source) ?? source, {
    log,
    telemetry,
    token: environment.ADMIN_TOKEN,
    audit: (request) => auditEmbedded(grid, request),
    reactions: (space, asked) => askOutboxOf(grid, space, asked),
  })
  // Last: who joins asks again only after a while, and what is made above takes the whole thread.
  grid.start()
  await waiting?.start()
  await http.listen({ host, port })
  await admin.listen({ host, port: adminPort })
  stopOnSignals({
    stop: async () => {
      spike?.close()
      gridConsole.close()
      await http.close()
      await waiting?.stop()
      await grid.stop()
      await admin.close()
    },
  })
  while (!grid.readiness().ready) await new Promise((wake) => setTimeout(wake, readyPollMs))
  ready({
    spaces: spaces.map(({ name }) => name),
    url: url(),
    adminUrl: httpUrl(host, addressPort(admin.server.address())),
    dataDirectory,
    asksWhoAsks: asksWhoAsks(environment),
  })
  for (const space of spaces)
    for (const notice of spaceNotices(space, undeclaredReadable)) log.warn(notice)
}

function askOutboxOf(grid: EmbeddedGrid, space: string, asked: object): Promise<unknown> {
  const unit = grid.serving.find((one) => one.space.name === space && one.readiness().ready)
  if (unit) return unit.askOutbox(asked)
  const known = [...new Set(grid.serving.map((one) => one.space.name))]
  throw known.includes(space)
    ? new GridError('not_ready', `No unit of space ${space} is ready`, { retryAfterMs: 1000 })
    : new GridError('unknown_space', `There is no space ${space} here`, { details: { known } })
}

/** Somebody who names servers, or what they keep, expects no grid that uses none of them. */
function checkEmbedded(environment: Environment): void {
  if (environment.ROLE !== 'unit')
    throw new GridError(
      'configuration_invalid',
      `ROLE=${environment.ROLE}, but npx spacegrid start is the embedded grid, in which one process does everything: unset it, or use npx spacegrid cluster --query-units`,
    )
  for (const name of ['NATS_URL', 'MONGODB_URL', 'REDIS_URL', 'EVENTS_BYTES_MAX'] as const)
    if (environment[name])
      throw new GridError(
        'configuration_invalid',
        `${name} is set, but npx spacegrid start is the embedded grid, which uses no server: unset it, or use npx spacegrid cluster`,
      )
}

const addressPort = (address: ReturnType<Server['address']>): number =>
  typeof address === 'object' && address !== null ? address.port : 0

function tellPlace({ spaces, url, adminUrl, dataDirectory }: EmbeddedPlace): void {
  process.stdout.write(
    `${spaces.join(' and ')} at ${url}, status at ${adminUrl}/status, data in ${dataDirectory}\n`,
  )
}
