import { roomSpaceName } from '@spacegrid/grid/core/waiting-room'
import { createAdminServer } from '@spacegrid/grid/doors/admin/admin-server'
import { PrometheusTelemetry } from '@spacegrid/grid/doors/admin/prometheus-telemetry'
import { answerStatus } from '@spacegrid/grid/doors/admin/status-service'
import { IdleCores } from '@spacegrid/grid/drivers/system/idle-cores'
import type { Clock } from '@spacegrid/grid/engine/ports/clock'
import {
  type Environment,
  type EnvironmentName,
  readEnvironment,
} from '@spacegrid/grid/program/environment'
import { stopOnSignals } from '@spacegrid/grid/program/graceful-stop'
import { type NamedSpace, namedSpaces } from '@spacegrid/grid/program/named-spaces'
import { ProcessAdapters } from '@spacegrid/grid/program/process-adapters'
import { reportTo } from '@spacegrid/grid/program/role-log'
import { runProgram } from '@spacegrid/grid/program/run-program'
import { readSchedule } from '@spacegrid/grid/program/scaling-schedule'
import { tellWaiting } from '@spacegrid/grid/program/tell-waiting'
import { pino } from 'pino'
import type { DeciderSettings } from './decide/decider.ts'
import { DeploymentManager } from './deployment-manager.ts'
import { ClusterDriver, parentChannel } from './drivers/cluster-driver.ts'
import type { Driver } from './drivers/driver.ts'
import { openDocker, openKubernetes } from './drivers/open-driver.ts'
import { scalingBucket, scalingKeys } from './scaling-keys.ts'

const role = 'deployment-manager'

/**
 * The deployment manager as a program, configured by its environment: it adds and removes the units
 * that serve the spaces of `SPACES`, by `SCALING_DRIVER`. A second one stands by.
 *
 * @param spaces as `SPACES` has it, where that is not set. Left out: it must be set
 */
export async function runDeploymentManager(spaces?: string): Promise<void> {
  await runProgram(() => manage(spaces))
}

async function manage(spacesDefault: string | undefined): Promise<void> {
  const needed: EnvironmentName[] = spacesDefault === undefined ? ['SPACES'] : []
  const environment = readEnvironment(['NATS_URL', 'SCALING_DRIVER', ...needed])
  const { UNIT_NAME: name, HOST: host, ADMIN_PORT: port } = environment
  const named = namedSpaces(environment.SPACES ?? spacesDefault ?? '')
  // What pump, writer and reader work for besides.
  const spaces = named.filter((space) => space.name !== roomSpaceName)
  const log = pino({ name, level: environment.LOG_LEVEL })
  const adapters = new ProcessAdapters(environment, log)
  const { clock, random } = adapters
  const driver = await driverOf(environment, clock)
  const answered = tellWaiting(log, environment)
  const messaging = await adapters.messaging()
  answered()
  const keys = scalingKeys(spaces.map((space) => space.name))
  const cores = new IdleCores()
  const manager = new DeploymentManager(
    name,
    {
      ...{ messaging, clock, random, driver, idleCores: () => cores.look() },
      lease: await adapters.cell(scalingBucket, keys.lease),
      journal: await adapters.cell(scalingBucket, keys.journal),
    },
    { ...settingsOf(environment), spaces, report: reportTo(log, {}) },
  )
  const notReady = () => {
    const { ready, reason = 'not ready' } = manager.readiness()
    return ready ? [] : [reason]
  }
  const source = { unit: name, role, notReady, spaces: () => ({}), scaling: () => manager.status() }
  const admin = createAdminServer(source, {
    ...{ log, telemetry: new PrometheusTelemetry(), token: environment.ADMIN_TOKEN },
  })
  await admin.listen({ host, port })
  const statusAnswers = answerStatus(messaging, source, { log })
  manager.start()
  log.info({ role, spaces: namesOf(spaces), driver: driver.name, adminPort: port }, 'started')
  stopOnSignals({
    stop: async () => {
      log.info('stopping')
      await manager.stop()
      await driver.close()
      await statusAnswers.stop()
      await admin.close()
      await adapters.close()
    },
  })
}

const namesOf = (spaces: readonly NamedSpace[]): string => spaces.map(({ name }) => name).join(',')

const settingsOf = (environment: Environment): DeciderSettings => ({
  unitsMin: environment.UNITS_MIN,
  unitsMax: environment.UNITS_MAX,
  busyMax: environment.UNIT_BUSY_PERCENT / 100,
  queueDelayMs: environment.QUEUE_DELAY_MS,
  scaleInAfterMs: environment.SCALE_IN_AFTER_MS,
  unitHoursMax: environment.UNIT_HOURS_MAX,
  idleCoresMin: environment.IDLE_CORES_MIN,
  schedule: readSchedule(environment.SCALING_SCHEDULE ?? '') ?? [],
})

/**
 * Clients of Docker and Kubernetes are loaded by those who use them only.
 * @throws GridError `configuration_invalid`
 */
async function driverOf(environment: Environment, clock: Clock): Promise<Driver> {
  switch (environment.SCALING_DRIVER) {
    case 'docker':
      return await openDocker(environment)
    case 'kubernetes':
      return await openKubernetes(environment)
    default:
      return new ClusterDriver(parentChannel(), clock)
  }
}
