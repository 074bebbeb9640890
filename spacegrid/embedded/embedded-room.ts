import type { Space } from '@spacegrid/grid/core/definition'
import { GridError } from '@spacegrid/grid/core/errors'
import { partsOfLine } from '@spacegrid/grid/core/waiting-room'
import type { StatusSource } from '@spacegrid/grid/doors/admin/status-source'
import { serveLines } from '@spacegrid/grid/doors/nats/line-services'
import { SystemClock } from '@spacegrid/grid/drivers/system/system-clock'
import type { Subscription } from '@spacegrid/grid/engine/ports/messaging'
import type { Environment } from '@spacegrid/grid/program/environment'
import { type GuardedSpaces, guardOf, linesOf } from '@spacegrid/grid/program/waiting-room-keys'
import { createRoom } from '@spacegrid/waiting-room/create-room'
import { roomSpace } from '@spacegrid/waiting-room/space'
import type { WaitingRoom } from '@spacegrid/waiting-room/waiting-room'
import type { Logger } from 'pino'
import type { EmbeddedGrid } from './embedded-grid.ts'

/**
 * What of an embedded grid is behind a waiting room; undefined: nothing.
 * @throws GridError `configuration_invalid`
 */
export function embeddedGuard(
  spaces: readonly Space[],
  environment: Environment,
): GuardedSpaces | undefined {
  const missing = linesOf(environment).find((line) => {
    return !spaces.some(({ name }) => name === partsOfLine(line).space)
  })
  if (missing !== undefined)
    throw new GridError(
      'configuration_invalid',
      `WAITING_ROOM names ${missing}, but the spaces here are ${spaces.map(({ name }) => name).join(', ')}`,
    )
  return guardOf(spaces, environment)
}

/** The waiting room of an embedded grid: its lines are in one more space of it. */
export class EmbeddedRoom {
  readonly room: WaitingRoom
  readonly #grid: EmbeddedGrid
  readonly #log: Logger
  readonly #guarded: GuardedSpaces
  readonly #services: Subscription[] = []

  constructor(grid: EmbeddedGrid, guarded: GuardedSpaces, environment: Environment, log: Logger) {
    const unit = grid.serving.find(({ space }) => space.name === roomSpace.name)
    if (!unit) throw new TypeError('the grid does not have the space of the lines')
    this.room = createRoom(unit, environment, log)
    this.#grid = grid
    this.#guarded = guarded
    this.#log = log
  }

  async start(): Promise<void> {
    const ports = this.#grid.ports.get(roomSpace.name)
    if (!ports) throw new TypeError('the grid does not have the space of the lines')
    this.room.start()
    this.#services.push(
      await serveLines(ports.messaging, this.room, this.#log),
      this.#guarded.reports.tell(ports.messaging, new SystemClock()),
    )
  }

  async stop(): Promise<void> {
    await Promise.all(this.#services.map((service) => service.stop()))
    await this.room.stop()
  }

  /** What the grid says of itself, and how its lines stand. */
  statusOf(source: StatusSource): StatusSource {
    return {
      ...source,
      spaces: () => {
        const spaces = source.spaces()
        const waitingRoom = this.room.status()
        return { ...spaces, [roomSpace.name]: { ...spaces[roomSpace.name], waitingRoom } }
      },
    }
  }
}
