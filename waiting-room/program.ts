import { unitRoles } from '@spacegrid/grid/engine/placement/member'
import { runRole } from '@spacegrid/grid/program/role-program'
import { runProgram } from '@spacegrid/grid/program/run-program'
import { asGrid } from '@spacegrid/runtime/origin'
import { tellStrayFaults } from '@spacegrid/runtime/stray-faults'
import { unitLimits } from '@spacegrid/runtime/unit-limits'
import { RoomDoors } from './room-doors.ts'
import { RoomUnit } from './room-unit.ts'
import { roomSpace } from './space.ts'

/**
 * The waiting room as a program, configured by its environment: gives places in the lines that
 * `WAITING_ROOM` names, by HTTP (`PORT`, shared with other waiting rooms on this machine) and as a
 * NATS service, and lets in who is next. Its lines are in a space of the grid (`waitingRoom`), for
 * which pump, writer and reader work as for any other. Any number of them work side by side.
 */
export async function runWaitingRoom(): Promise<void> {
  await runProgram(() =>
    asGrid(() =>
      runRole('waiting-room', ['WAITING_ROOM'], (environment, log) => {
        tellStrayFaults(log)
        const { UNIT_NAME: name } = environment
        return {
          spaces: [roomSpace.name],
          calledBy: unitRoles.commands,
          names: () => ({ unit: name }),
          where: (space) => `${name} (space ${space})`,
          create: async (space, adapters, reportOf, telemetry) => {
            const ports = await adapters.portsOf(space, unitRoles.commands)
            const limits = unitLimits(environment, adapters.memory.budgetBytes)
            return new RoomUnit(
              name,
              roomSpace,
              { ...ports, telemetry, openChanges: () => adapters.openChanges(space) },
              { report: reportOf(space), ...limits },
            )
          },
          doors: ([unit], telemetry) =>
            new RoomDoors(unit as RoomUnit, environment, log, telemetry),
        }
      }),
    ),
  )
}
