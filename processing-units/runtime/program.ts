import type { Space } from '@spacegrid/grid/core/definition'
import { createAdminServer } from '@spacegrid/grid/doors/admin/admin-server'
import { statusOfUnits } from '@spacegrid/grid/doors/admin/status-source'
import { createHttpServer } from '@spacegrid/grid/doors/http/http-server'
import { serveAdministration } from '@spacegrid/grid/doors/nats/administration-service'
import { serveSpace } from '@spacegrid/grid/doors/nats/space-services'
import { JetStreamLog } from '@spacegrid/grid/drivers/nats/jetstream-log'
import { NatsMessaging } from '@spacegrid/grid/drivers/nats/nats-messaging'
import { SystemClock } from '@spacegrid/grid/drivers/system/system-clock'
import { SystemMemory } from '@spacegrid/grid/drivers/system/system-memory'
import { SystemRandom } from '@spacegrid/grid/drivers/system/system-random'
import { ReadinessWatch } from '@spacegrid/grid/engine/life/readiness-watch'
import { MemoryWatch } from '@spacegrid/grid/engine/memory/memory-watch'
import type { Subscription } from '@spacegrid/grid/engine/ports/messaging'
import { streams, subjects } from '@spacegrid/grid/engine/wire/subjects'
import { type Environment, readEnvironment } from '@spacegrid/grid/program/environment'
import { reportFitness } from '@spacegrid/grid/program/fitness-report'
import { stopOnSignals } from '@spacegrid/grid/program/graceful-stop'
import { tellRefused } from '@spacegrid/grid/program/refused-report'
import { reportTo } from '@spacegrid/grid/program/role-log'
import { runProgram } from '@spacegrid/grid/program/run-program'
import { tellWaiting } from '@spacegrid/grid/program/tell-waiting'
import { type Logger, pino } from 'pino'
import { ProcessingUnit } from './processing-unit.ts'
import { spaceNotices } from './space-notices.ts'
import { tellStrayFaults } from './stray-faults.ts'
import { unitLimits } from './unit-limits.ts'

const readyPollMs = 20

/** One space, or several; it may take settings of its own from the environment. */
export type MakeUnitSpaces = (
  environment: Environment,
) => Space | readonly Space[] | Promise<Space | readonly Space[]>

const isList = (made: Space | readonly Space[]): made is readonly Space[] => Array.isArray(made)

/**
 * A processing unit as a program, configured by its environment: one or several spaces on NATS, their commands and queries by HTTP (`PORT`, shared
 * with other units on this machine, opened once all are ready) and as NATS services, health and status on `ADMIN_PORT`. Stops gracefully on SIGTERM
 * and SIGINT. With a configuration that is not usable the process ends with one line and code 2, without NATS with code 1.
 */
export async function runProcessingUnit(makeSpaces: MakeUnitSpaces): Promise<void> {
  await runProgram(() => serveSpaces(makeSpaces))
}

/**
 * The same, inside a program that has an ending of its own.
 * @throws GridError `configuration_invalid`, or `log_unavailable` when NATS cannot be reached
 */
export async function serveSpaces(makeSpaces: MakeUnitSpaces): Promise<void> {
  const environment = readEnvironment(['NATS_URL'])
  const { UNIT_NAME: name, HOST: host } = environment
  const made = await makeSpaces(environment)
  const spaces = isList(made) ? made : [made]
  const log = pino({ name, level: environment.LOG_LEVEL })
  tellStrayFaults(log)
  const awaited = tellWaiting(log, environment)
  const [messaging, ...logs] = await Promise.all([
    openMessaging(environment, log),
    ...spaces.map((space) => openLog(environment, space, log)),
  ])
  awaited()
  const report = reportTo(log, { unit: name })
  const clock = new SystemClock()
  const random = new SystemRandom()
  const memory = new SystemMemory(environment.MEMORY_MAX)
  const served = spaces.map((space, at) => {
    const watch = new MemoryWatch(space.name, name, 'unit', { memory, messaging, clock, random })
    const unit = new ProcessingUnit(
      name,
      space,
      { log: logs[at] as JetStreamLog, messaging, clock, random, memory: watch },
      { report, ...unitLimits(environment, memory.budgetBytes) },
    )
    return { watch, unit }
  })
  const units = served.map(({ unit }) => unit)
  for (const { watch, unit } of served) {
    watch.start()
    unit.start()
    new ReadinessWatch(clock, unit, report).start()
  }
  const undeclaredReadable = environment.NODE_ENV !== 'production'
  const http = createHttpServer(units, {
    log,
    title: spaces.map((space) => space.name).join(', '),
    bodyBytesMax: environment.BODY_BYTES_MAX,
    requestTimeoutMs: environment.REQUEST_TIMEOUT_MS,
    undeclaredReadable,
  })
  const status = statusOfUnits(name, 'processing-unit', units)
  const doorOpen = () => (http.server.listening ? [] : ['the public port is not open'])
  // Ready means that requests can be sent, so whoever waits for it must not find the port closed.
  const admin = createAdminServer(
    {
      ...status,
      notReady: () => [
        ...logs.flatMap(({ unfit }) => unfit ?? []),
        ...status.notReady(),
        ...doorOpen(),
      ],
    },
    { log },
  )
  await admin.listen({ host, port: environment.ADMIN_PORT })
  const services: Subscription[] = []
  let stopping = false
  stopOnSignals({
    stop: async () => {
      log.info('stopping')
      stopping = true
      await Promise.all(services.map((service) => service.stop()))
      await http.close()
      await Promise.all(units.map((unit) => unit.stop()))
      await Promise.all(served.map(({ watch }) => watch.stop()))
      await admin.close()
      await messaging.close()
      await Promise.all(logs.map((one) => one.close()))
    },
  })
  // Units that share the port answer meanwhile: no request may end up here before it can be answered.
  while (!units.every((unit) => unit.readiness().ready || unit.staysAndReads))
    await new Promise((wake) => setTimeout(wake, readyPollMs))
  if (stopping) return
  // fastify hands the options on to Node, though its type does not know this one.
  const sharedPort = { host, port: environment.PORT, reusePort: true }
  await http.listen(sharedPort)
  for (const unit of units) {
    services.push(await serveSpace(messaging, unit, { log }))
    services.push(await serveAdministration(messaging, unit, log))
  }
  log.info(
    {
      space: spaces.map((space) => space.name).join(','),
      port: environment.PORT,
      adminPort: environment.ADMIN_PORT,
    },
    'listening',
  )
  // Trying the patterns takes a moment: not before requests are answered.
  for (const space of spaces)
    for (const notice of spaceNotices(space, undeclaredReadable)) log.warn(notice)
}

function openMessaging(environment: Environment, log: Logger): Promise<NatsMessaging> {
  const { NATS_URL = '', UNIT_NAME: name } = environment
  return NatsMessaging.open(NATS_URL, { name: `${name} messaging`, onFault: tellRefused(log) })
}

function openLog(environment: Environment, space: Space, log: Logger): Promise<JetStreamLog> {
  const { NATS_URL = '', UNIT_NAME: name } = environment
  const stream = streams.log(space.name)
  return JetStreamLog.open(NATS_URL, {
    stream,
    subject: subjects.log(space.name),
    replicas: environment.STREAM_REPLICAS,
    maxBytes: environment.STREAM_BYTES_MAX,
    name: `${name} log`,
    fitness: reportFitness(log, stream),
  })
}
