import { GridError } from '@spacegrid/grid/core/errors'
import type { Environment } from '@spacegrid/grid/program/environment'
import { linesOf } from '@spacegrid/grid/program/waiting-room-keys'
import { lanesNamed, type RoomOptions } from './room-options.ts'

const linesMax = 100
const dayMs = 86_400_000

/**
 * What the environment says of the waiting room.
 * @throws GridError `configuration_invalid`
 */
export function roomOptionsOf(environment: Environment): RoomOptions {
  const lines = linesOf(environment)
  if (lines.length > linesMax)
    throw new GridError(
      'configuration_invalid',
      `WAITING_ROOM names ${lines.length} lines: allowed are ${linesMax} at most`,
    )
  const { lanes, problem } = lanesNamed(environment.WAITING_ROOM_LANES)
  if (problem !== undefined)
    throw new GridError('configuration_invalid', `WAITING_ROOM_LANES: ${problem}`)
  return {
    lines,
    lanes,
    insideFirst: environment.WAITING_ROOM_INSIDE,
    insideMax: environment.WAITING_ROOM_INSIDE_MAX,
    visitMs: environment.WAITING_ROOM_VISIT_MS,
    claimMs: Math.min(environment.WAITING_ROOM_CLAIM_MS, environment.WAITING_ROOM_VISIT_MS),
    ticketMs: dayMs,
    target: environment.WAITING_ROOM_TARGET,
  }
}
