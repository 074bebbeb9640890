import type { Space } from '@spacegrid/grid/core/definition'
import { createAdminServer } from '@spacegrid/grid/doors/admin/admin-server'
import { PrometheusTelemetry } from '@spacegrid/grid/doors/admin/prometheus-telemetry'
import { statusOfUnits } from '@spacegrid/grid/doors/admin/status-source'
import { createHttpServer } from '@spacegrid/grid/doors/http/http-server'
import { serveAdministration } from '@spacegrid/grid/doors/nats/administration-service'
import { serveSpace } from '@spacegrid/grid/doors/nats/space-services'
import { RequestPipeline } from '@spacegrid/grid/doors/request/request-pipeline'
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
import { pino } from 'pino'
import { ProcessingUnit } from './processing-unit.ts'
import { spaceNotices } from './space-notices.ts'
import { tellStrayFaults } from './stray-faults.ts'
import { unitLimits } from './unit-limits.ts'

const readyPollMs = 20

/**
 * A processing unit as a program, configured by its environment: one space on NATS, its commands and queries by HTTP (`PORT`, shared with other units
 * on this machine, opened once the unit is ready) and as NATS services, health and status on `ADMIN_PORT`. Stops gracefully on SIGTERM and SIGINT.
 * With a configuration that is not usable the process ends with one line and code 2, without NATS with code 1.
 */
export async function runProcessingUnit(
  makeSpace: (environment: Environment) => Space,
): Promise<void> {
  await runProgram(() => serve(makeSpace))
}

async function serve(makeSpace: (environment: Environment) => Space): Promise<void> {
  const environment = readEnvironment(['NATS_URL'])
  const { NATS_URL = '', UNIT_NAME: name, HOST: host } = environment
  const space = makeSpace(environment)
  const log = pino({ name, level: environment.LOG_LEVEL })
  tellStrayFaults(log)
  const clock = new SystemClock()
  const awaited = tellWaiting(log, environment)
  const [spaceLog, messaging] = await Promise.all([
    JetStreamLog.open(NATS_URL, {
      stream: streams.log(space.name),
      subject: subjects.log(space.name),
      replicas: environment.STREAM_REPLICAS,
      maxBytes: environment.STREAM_BYTES_MAX,
      name: `${name} log`,
      fitness: reportFitness(log, streams.log(space.name)),
    }),
    NatsMessaging.open(NATS_URL, { name: `${name} messaging`, onFault: tellRefused(log) }),
  ])
  awaited()
  const report = reportTo(log, { unit: name })
  const random = new SystemRandom()
  const memory = new SystemMemory(environment.MEMORY_MAX)
  const watch = new MemoryWatch(space.name, name, 'unit', { memory, messaging, clock, random })
  const unit = new ProcessingUnit(
    name,
    space,
    { log: spaceLog, messaging, clock, random, memory: watch },
    { report, ...unitLimits(environment, memory.budgetBytes) },
  )
  watch.start()
  unit.start()
  new ReadinessWatch(clock, unit, report).start()
  const undeclaredReadable = environment.NODE_ENV !== 'production'
  const telemetry = new PrometheusTelemetry()
  const pipeline = new RequestPipeline({ telemetry })
  const http = createHttpServer([unit], {
    log,
    pipeline,
    title: space.name,
    bodyBytesMax: environment.BODY_BYTES_MAX,
    requestTimeoutMs: environment.REQUEST_TIMEOUT_MS,
    undeclaredReadable,
  })
  const status = statusOfUnits(name, 'processing-unit', [unit])
  const doorOpen = () => (http.server.listening ? [] : ['the public port is not open'])
  // Ready means that requests can be sent, so whoever waits for it must not find the port closed.
  const admin = createAdminServer(
    {
      ...status,
      notReady: () => [
        ...(spaceLog.unfit === undefined ? [] : [spaceLog.unfit]),
        ...status.notReady(),
        ...doorOpen(),
      ],
    },
    { log, telemetry },
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
      await unit.stop()
      await watch.stop()
      await admin.close()
      await messaging.close()
      await spaceLog.close()
    },
  })
  // Units that share the port answer meanwhile: no request may end up here before it can be answered.
  while (!unit.readiness().ready && !unit.staysAndReads)
    await new Promise((wake) => setTimeout(wake, readyPollMs))
  if (stopping) return
  // fastify hands the options on to Node, though its type does not know this one.
  const sharedPort = { host, port: environment.PORT, reusePort: true }
  await http.listen(sharedPort)
  services.push(await serveSpace(messaging, unit, { log, pipeline }))
  services.push(await serveAdministration(messaging, unit, log))
  log.info(
    { space: space.name, port: environment.PORT, adminPort: environment.ADMIN_PORT },
    'listening',
  )
  // Trying the patterns takes a moment: not before requests are answered.
  for (const notice of spaceNotices(space, undeclaredReadable)) log.warn(notice)
}
