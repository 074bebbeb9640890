import type { Space } from '@spacegrid/grid/core/definition'
import { type LogName, logNameOf } from '@spacegrid/grid/core/log-name'
import type { Report } from '@spacegrid/grid/engine/life/role-event'
import type { Log } from '@spacegrid/grid/engine/ports/log'
import type { Environment } from '@spacegrid/grid/program/environment'
import type { ProcessAdapters } from '@spacegrid/grid/program/process-adapters'
import { runRole } from '@spacegrid/grid/program/role-program'
import { runProgram } from '@spacegrid/grid/program/run-program'
import type { CopyPorts } from './partitions/copy.ts'
import { PartitionedUnit } from './partitions/partitioned-unit.ts'
import { ProcessingUnit } from './processing-unit.ts'
import { tellStrayFaults } from './stray-faults.ts'
import { type AnyUnit, UnitDoors } from './unit-doors.ts'
import { unitLimits } from './unit-limits.ts'

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
  await runRole('processing-unit', [], async (environment, log) => {
    const { UNIT_NAME: name } = environment
    const made = [await makeSpaces(environment)].flat()
    const spaces = new Map(made.map((space) => [space.name, space]))
    tellStrayFaults(log)
    return {
      spaces: [...spaces.keys()],
      calledBy: 'unit',
      names: (logName) =>
        spaces.size === 1 && spaces.has(logName) ? { unit: name } : { unit: name, space: logName },
      where: (space) => `${name} (space ${space})`,
      create: (space, adapters, reportOf): Promise<AnyUnit> =>
        createUnit(name, spaces.get(space) as Space, adapters, reportOf, environment),
      doors: (units, telemetry) => new UnitDoors(units, environment, log, telemetry),
    }
  })
}

async function createUnit(
  name: string,
  space: Space,
  adapters: ProcessAdapters,
  reportOf: (logName: LogName) => Report,
  environment: Environment,
): Promise<AnyUnit> {
  const { partitions = 1 } = space
  const limits = unitLimits(environment, adapters.memory.budgetBytes, partitions)
  if (partitions === 1) {
    const ports = await adapters.portsOf(space.name, 'unit')
    await adapters.declareEvents(space.name, space.readableEvents)
    const openChanges = () => adapters.openChanges(space.name)
    const options = { report: reportOf(space.name), ...limits }
    return new ProcessingUnit(name, space, { ...ports, openChanges }, options)
  }
  const { clock, random, memory } = adapters
  const open = async (partition: number): Promise<CopyPorts> => {
    const logName = logNameOf(space.name, partition)
    const ports = await adapters.portsOf(logName, 'unit', partitions)
    await adapters.declareEvents(logName, space.readableEvents, partitions)
    let opened: Log | undefined
    return {
      ...ports,
      openChanges: async () => {
        opened = await adapters.openChanges(logName, partitions)
        return opened
      },
      close: async () => {
        await Promise.all([ports.log, opened].map((log) => log && adapters.letGo(log)))
      },
    }
  }
  const ports = { messaging: await adapters.messaging(), clock, random, memory, open }
  const { COPIES: copies, ZONE: zone } = environment
  return new PartitionedUnit(name, space, ports, { copies, zone, reportOf, unit: limits })
}
