import { flushCompileCache } from 'node:module'
import { type Logger, pino } from 'pino'
import type { LogName } from '../core/log-name.ts'
import { createAdminServer } from '../doors/admin/admin-server.ts'
import { PrometheusTelemetry } from '../doors/admin/prometheus-telemetry.ts'
import { answerStatus } from '../doors/admin/status-service.ts'
import type { StatusSource } from '../doors/admin/status-source.ts'
import { ReadinessWatch } from '../engine/life/readiness-watch.ts'
import type { Report } from '../engine/life/role-event.ts'
import type { MemoryWatch } from '../engine/memory/memory-watch.ts'
import type { PlacementStatus } from '../engine/placement/placement-status.ts'
import type { Messaging } from '../engine/ports/messaging.ts'
import type { Telemetry } from '../engine/ports/telemetry.ts'
import type { Tracing } from '../engine/ports/tracing.ts'
import type { Component } from './component.ts'
import { type Environment, type EnvironmentName, readEnvironment } from './environment.ts'
import { stopOnSignals } from './graceful-stop.ts'
import { openTracing } from './open-tracing.ts'
import { ProcessAdapters } from './process-adapters.ts'
import { reportTo } from './role-log.ts'
import { tellWaiting } from './tell-waiting.ts'

/** What a role is, for the program that runs it on the spaces of one process. */
export interface Role<C extends Component> {
  /** As `/status` and metrics call it. Default: as the program is called. */
  readonly role?: string
  readonly spaces: readonly string[]
  /** As other processes of a space are told of it. */
  readonly calledBy: string
  /** Beside every line of its log that is about a space, or a partition of one. */
  names(logName: LogName): Readonly<Record<string, string>>
  /** How a reason for not being ready says whom it is about. */
  where(logName: LogName): string
  /** @param reportOf what people should know of a log of the space */
  create(
    space: string,
    adapters: ProcessAdapters,
    reportOf: (logName: LogName) => Report,
    telemetry: Telemetry,
  ): Promise<C> | C
  /** The public doors of a role that has any. */
  doors?(components: readonly C[], telemetry: Telemetry, tracing: Tracing | undefined): Doors
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
    role: called = role,
    spaces,
    calledBy,
    names,
    where,
    create,
    doors: openDoors,
  } = await describe(environment, log)
  const tracing = await openTracing(environment, called)
  const adapters = new ProcessAdapters(environment, log, tracing)
  const awaited = tellWaiting(log, environment)
  const components = new Map<string, C>()
  const watches = new Map<string, MemoryWatch>()
  const telemetry = new PrometheusTelemetry()
  const reportOf = (logName: LogName) => reportTo(log, names(logName))
  for (const space of spaces) {
    components.set(space, await create(space, adapters, reportOf, telemetry))
    watches.set(space, await adapters.memoryOf(space, calledBy))
  }
  const messaging = await adapters.messaging()
  awaited()
  // For the next process, where NODE_COMPILE_CACHE says so: this one may be killed, and would leave
  // nothing. Now, for later there are requests that would wait.
  flushCompileCache()
  for (const watch of watches.values()) watch.start()
  for (const [space, component] of components) {
    component.start()
    new ReadinessWatch(adapters.clock, component, reportOf(space)).start()
  }
  const doors = openDoors?.([...components.values()], telemetry, tracing)
  const notReady = () => [
    ...adapters.unfit(),
    ...reasonsOf(components, where),
    // Ready means that requests can be sent, so whoever waits for it must not find a door closed.
    ...(doors?.notReady() ?? []),
  ]
  const placement = placementOf(components)
  const spacesNow = () => figuresOf(components, watches)
  const status = { unit: name, role: called, notReady, spaces: spacesNow, placement }
  const admin = createAdminServer(status, {
    ...{ log, telemetry, token: environment.ADMIN_TOKEN },
  })
  await admin.listen({ host, port })
  const statusAnswers = answerStatus(messaging, status, { log, telemetry })
  log.info({ role: called, spaces: spaces.join(','), adminPort: port }, 'started')
  stopOnSignals({
    stop: async () => {
      log.info('stopping')
      await doors?.close()
      await Promise.all([...components.values()].map((component) => component.stop()))
      await Promise.all([...watches.values()].map((watch) => watch.stop()))
      await statusAnswers.stop()
      await admin.close()
      await adapters.close()
      await tracing?.close()
    },
  })
  await doors?.open(messaging)
}

const reasonsOf = (
  components: ReadonlyMap<string, Component>,
  where: (logName: LogName) => string,
): string[] =>
  [...components].flatMap(([logName, component]) => {
    const { ready, reason } = component.readiness()
    return ready ? [] : [`${where(logName)}: ${reason ?? 'not ready'}`]
  })

/** undefined: none of the spaces is divided among units. */
function placementOf(
  components: ReadonlyMap<string, Component>,
): (() => Readonly<Record<string, PlacementStatus>>) | undefined {
  if (![...components.values()].some((component) => component.placement)) return undefined
  return () =>
    Object.fromEntries(
      [...components].flatMap(([space, component]) => {
        const placement = component.placement?.()
        return placement ? [[space, placement] as const] : []
      }),
    )
}

const figuresOf = (
  components: ReadonlyMap<string, Component>,
  watches: ReadonlyMap<string, MemoryWatch>,
): ReturnType<StatusSource['spaces']> =>
  Object.fromEntries(
    [...components].flatMap(([space, component]) => {
      const memory = watches.get(space)?.status()
      const parts = component.parts ?? new Map([[space, component]])
      return [...parts].map(([logName, part]) => [
        logName,
        { ...part.status(), ...(memory ? { memory } : {}) },
      ])
    }),
  )
