import type { Serving } from '@spacegrid/grid/doors/request/serving'
import { SystemClock } from '@spacegrid/grid/drivers/system/system-clock'
import { SystemRandom } from '@spacegrid/grid/drivers/system/system-random'
import type { Environment } from '@spacegrid/grid/program/environment'
import { linePassesOf } from '@spacegrid/grid/program/waiting-room-keys'
import type { Logger } from 'pino'
import { roomOptionsOf } from './room-environment.ts'
import { WaitingRoom } from './waiting-room.ts'

/**
 * The waiting room of a process, as its environment says.
 * @param unit of the space that the lines are kept in
 * @throws GridError `configuration_invalid`
 */
export const createRoom = (unit: Serving, environment: Environment, log: Logger): WaitingRoom =>
  new WaitingRoom(
    unit,
    {
      passes: linePassesOf(environment),
      clock: new SystemClock(),
      random: new SystemRandom(),
      warn: (message, error) => log.warn(error === undefined ? {} : { err: error }, message),
    },
    roomOptionsOf(environment),
  )
