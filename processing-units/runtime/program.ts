import type { Space } from '@spacegrid/grid/core/definition'
import type { Environment } from '@spacegrid/grid/program/environment'
import { runRole } from '@spacegrid/grid/program/role-program'
import { runProgram } from '@spacegrid/grid/program/run-program'
import { ProcessingUnit } from './processing-unit.ts'
import { tellStrayFaults } from './stray-faults.ts'
import { UnitDoors } from './unit-doors.ts'
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
      names: (space) => (spaces.size === 1 ? { unit: name } : { unit: name, space }),
      where: (space) => `${name} (space ${space})`,
      create: async (space, adapters, reportOf) =>
        new ProcessingUnit(
          name,
          spaces.get(space) as Space,
          await adapters.portsOf(space, 'unit'),
          {
            report: reportOf(space),
            ...unitLimits(environment, adapters.memory.budgetBytes),
          },
        ),
      doors: (units, telemetry) => new UnitDoors(units, environment, log, telemetry),
    }
  })
}
