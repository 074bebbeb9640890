import type { Space } from '@spacegrid/grid/core/definition'
import { type LogName, logNameOf } from '@spacegrid/grid/core/log-name'
import type { Report } from '@spacegrid/grid/engine/life/role-event'
import { unitRoles } from '@spacegrid/grid/engine/placement/member'
import type { Log } from '@spacegrid/grid/engine/ports/log'
import type { Environment } from '@spacegrid/grid/program/environment'
import type { ProcessAdapters } from '@spacegrid/grid/program/process-adapters'
import { runRole } from '@spacegrid/grid/program/role-program'
import { runProgram } from '@spacegrid/grid/program/run-program'
import { asApplication, asGrid } from './origin.ts'
import { QueryTurns } from './overload/query-turns.ts'
import type { CopyPorts } from './partitions/copy.ts'
import { PartitionedUnit } from './partitions/partitioned-unit.ts'
import { ProcessingUnit } from './processing-unit.ts'
import { PartitionedQueryUnit } from './query-unit/partitioned-query-unit.ts'
import { QueryUnit } from './query-unit/query-unit.ts'
import { SpareCall } from './spare-call.ts'
import { tellStrayFaults } from './stray-faults.ts'
import { type AnyUnit, UnitDoors } from './unit-doors.ts'
import { unitLimits } from './unit-limits.ts'
import type { UnitPorts } from './unit-ports.ts'
import { unitRoleOf } from './unit-role.ts'

/** One space, or several; it may take settings of its own from the environment. */
export type MakeUnitSpaces = (
  environment: Environment,
) => Space | readonly Space[] | Promise<Space | readonly Space[]>

/**
 * A processing unit as a program, configured by its environment: one or several spaces on NATS,
 * their commands and queries by HTTP (`PORT`, shared with other units on this machine, opened once
 * all are ready) and as NATS services, health and status on `ADMIN_PORT`. Stops gracefully on
 * SIGTERM and SIGINT. With a configuration that is not usable the process ends with one line and
 * code 2, without NATS with code 1.
 */
export async function runProcessingUnit(makeSpaces: MakeUnitSpaces): Promise<void> {
  await runProgram(() => serveSpaces(makeSpaces))
}

/**
 * The same, inside a program that has an ending of its own.
 * @throws GridError `configuration_invalid`, or `log_unavailable` when NATS cannot be reached
 */
export async function serveSpaces(makeSpaces: MakeUnitSpaces): Promise<void> {
  await asGrid(() =>
    runRole('processing-unit', [], async (environment, log) => {
      const { UNIT_NAME: name, ROLE: role } = environment
      const made = [await asApplication(makeSpaces, environment)].flat()
      const spaces = new Map(made.map((space) => [space.name, space]))
      tellStrayFaults(log)
      let queries: QueryTurns | undefined
      const spare = role === 'spare' ? new SpareCall() : undefined
      return {
        ...(role === 'query' ? { role: unitRoles.queries } : {}),
        spaces: [...spaces.keys()],
        calledBy: unitRoleOf(environment),
        names: (logName) =>
          spaces.size === 1 && spaces.has(logName)
            ? { unit: name }
            : { unit: name, space: logName },
        where: (space) => `${name} (space ${space})`,
        create: (space, adapters, reportOf, telemetry): Promise<AnyUnit> => {
          queries ??= new QueryTurns(adapters.clock, adapters.random)
          const { tracing } = adapters
          const shared = { telemetry, queries, ...(tracing ? { tracing } : {}) }
          return createUnit(
            name,
            spaces.get(space) as Space,
            adapters,
            reportOf,
            environment,
            shared,
          )
        },
        doors: (units, telemetry, tracing) =>
          new UnitDoors(units, environment, log, { telemetry, tracing }, spare),
      }
    }),
  )
}

async function createUnit(
  name: string,
  space: Space,
  adapters: ProcessAdapters,
  reportOf: (logName: LogName) => Report,
  environment: Environment,
  shared: Pick<UnitPorts, 'telemetry' | 'queries' | 'tracing'>,
): Promise<AnyUnit> {
  const { partitions = 1 } = space
  const isQueryUnit = environment.ROLE === 'query'
  const calledBy = unitRoleOf(environment)
  const limits = unitLimits(environment, adapters.memory.budgetBytes, partitions)
  if (partitions === 1) {
    const own = await adapters.portsOf(space.name, calledBy)
    const past = () => adapters.pastOf(space.name)
    const openChanges = () => adapters.openChanges(space.name)
    const ports = { ...own, ...shared, past, openChanges }
    const reporting = { report: reportOf(space.name), ...limits }
    if (isQueryUnit) return new QueryUnit(name, space, ports, reporting)
    await adapters.declareEvents(space.name, space.readableEvents)
    return new ProcessingUnit(name, space, ports, reporting)
  }
  const { clock, random, memory } = adapters
  const open = async (partition: number): Promise<CopyPorts> => {
    const logName = logNameOf(space.name, partition)
    const ports = await adapters.portsOf(logName, calledBy, partitions)
    if (!isQueryUnit) await adapters.declareEvents(logName, space.readableEvents, partitions)
    const past = () => adapters.pastOf(logName, partitions)
    let changes: Log | undefined
    return {
      ...{ ...ports, ...shared, past },
      openChanges: async () => {
        changes = await adapters.openChanges(logName, partitions)
        return changes
      },
      close: async () => {
        await Promise.all([ports.log, changes].map((log) => log && adapters.letGo(log)))
      },
    }
  }
  const ports = { messaging: await adapters.messaging(), clock, random, memory, open }
  const { COPIES: copies, ZONE: zone, ROLE: role } = environment
  const isSpare = role === 'spare'
  const Unit = isQueryUnit ? PartitionedQueryUnit : PartitionedUnit
  return new Unit(name, space, ports, { copies, zone, isSpare, reportOf, unit: limits })
}
