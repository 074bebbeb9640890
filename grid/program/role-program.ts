import { type Logger, pino } from 'pino'
import type { LogName } from '../core/log-name.ts'
import { createAdminServer } from '../doors/admin/admin-server.ts'
import { PrometheusTelemetry } from '../doors/admin/prometheus-telemetry.ts'
import type { StatusSource } from '../doors/admin/status-source.ts'
import { ReadinessWatch } from '../engine/life/readiness-watch.ts'
import type { Report } from '../engine/life/role-event.ts'
import type { MemoryWatch } from '../engine/memory/memory-watch.ts'
import type { Messaging } from '../engine/ports/messaging.ts'
import type { Telemetry } from '../engine/ports/telemetry.ts'
import type { Component } from './component.ts'
import { type Environment, type EnvironmentName, readEnvironment } from './environment.ts'
import { stopOnSignals } from './graceful-stop.ts'
import { ProcessAdapters, type RolePorts } from './process-adapters.ts'
import { reportTo } from './role-log.ts'
import { tellWaiting } from './tell-waiting.ts'

/** What a role is, for the program that runs it on the spaces of one process. */
export interface Role<C extends Component> {
  readonly spaces: readonly string[]
  /** As other processes of a space are told of it. */
  readonly calledBy: string
  /** Beside every line of its log that is about a space. */
  names(logName: LogName): Readonly<Record<string, string>>
  /** How a reason for not being ready says whom it is about. */
  where(logName: LogName): string
  create(
    logName: LogName,
    ports: RolePorts,
    report: Report,
    adapters: ProcessAdapters,
  ): Promise<C> | C
  /** The public doors of a role that has any. */
  doors?(components: readonly C[], telemetry: Telemetry): Doors
}

/** The doors that requests come through. */
export interface Doors {
  /** Why requests cannot be sent yet. */
  notReady(): readonly string[]
  /** Opens them, once the components serve, unless the program stops before. */
  open(messaging: Messaging): Promise<void>
  /** Answers what is in flight, and takes nothing more. */
  close(): Promise<void>
}

/**
 * A role as a program, configured by its environment: one component for each space, health, status
 * and metrics on `ADMIN_PORT`, and its doors if it has any. Stops gracefully on SIGTERM and SIGINT.
 * @param required variables that the program cannot do without
 * @throws GridError `configuration_invalid`, or `log_unavailable` when NATS cannot be reached at
 * the start
 */
export async function runRole<C extends Component>(
  role: string,
  required: readonly EnvironmentName[],
  describe: (environment: Environment, log: Logger) => Role<C> | Promise<Role<C>>,
): Promise<void> {
  const environment = readEnvironment(['NATS_URL', ...required])
  const { UNIT_NAME: name, HOST: host, ADMIN_PORT: port } = environment
  const log = pino({ name, level: environment.LOG_LEVEL })
  const {
    spaces,
    calledBy,
    names,
    where,
    create,
    doors: openDoors,
  } = await describe(environment, log)
  const adapters = new ProcessAdapters(environment, log)
  const awaited = tellWaiting(log, environment)
  const components = new Map<string, C>()
  const watches = new Map<string, MemoryWatch>()
  let messaging: Messaging | undefined
  for (const logName of spaces) {
    const ports = await adapters.portsOf(logName, calledBy)
    messaging = ports.messaging
    components.set(logName, await create(logName, ports, reportTo(log, names(logName)), adapters))
    watches.set(logName, ports.memory)
  }
  awaited()
  for (const watch of watches.values()) watch.start()
  for (const [logName, component] of components) {
    component.start()
    new ReadinessWatch(adapters.clock, component, reportTo(log, names(logName))).start()
  }
  const telemetry = new PrometheusTelemetry()
  const doors = openDoors?.([...components.values()], telemetry)
  const notReady = () => [
    ...adapters.unfit(),
    ...reasonsOf(components, where),
    // Ready means that requests can be sent, so whoever waits for it must not find a door closed.
    ...(doors?.notReady() ?? []),
  ]
  const status = { unit: name, role, notReady, spaces: () => figuresOf(components, watches) }
  const admin = createAdminServer(status, { log, telemetry })
  await admin.listen({ host, port })
  log.info({ role, spaces: spaces.join(','), adminPort: port }, 'started')
  stopOnSignals({
    stop: async () => {
      log.info('stopping')
      await doors?.close()
      await Promise.all([...components.values()].map((component) => component.stop()))
      await Promise.all([...watches.values()].map((watch) => watch.stop()))
      await admin.close()
      await adapters.close()
    },
  })
  if (doors && messaging) await doors.open(messaging)
}

const reasonsOf = (
  components: ReadonlyMap<string, Component>,
  where: (logName: LogName) => string,
): string[] =>
  [...components].flatMap(([logName, component]) => {
    const { ready, reason } = component.readiness()
    return ready ? [] : [`${where(logName)}: ${reason ?? 'not ready'}`]
  })

const figuresOf = (
  components: ReadonlyMap<string, Component>,
  watches: ReadonlyMap<string, MemoryWatch>,
): ReturnType<StatusSource['spaces']> =>
  Object.fromEntries(
    [...components].map(([logName, component]) => {
      const memory = watches.get(logName)?.status()
      return [logName, { ...component.status(), ...(memory ? { memory } : {}) }]
    }),
  )
