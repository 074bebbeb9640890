import type { Space } from '@spacegrid/grid/core/definition'
import type { Environment } from '@spacegrid/grid/program/environment'
import type { Progress } from '../recover/exact-copies.ts'
import { carryOut } from './move.ts'
import { type MovePlan, planMove } from './move-plan.ts'
import { type MovePorts, type MoveServers, openMovePorts } from './move-ports.ts'
import type { SpaceMove } from './space-move.ts'

/** A space whose logs are on NATS, and which MongoDB holds. */
export class ServersMove implements SpaceMove {
  readonly kind = 'servers'
  readonly #ports: MovePorts

  /** @throws GridError `configuration_invalid`, `log_unavailable` */
  static async open(
    space: string,
    servers: MoveServers,
    environment: Environment,
  ): Promise<ServersMove> {
    return new ServersMove(await openMovePorts(space, servers, environment))
  }

  private constructor(ports: MovePorts) {
    this.#ports = ports
  }

  plan(definition: Space, to: number, progress: Progress): Promise<MovePlan | undefined> {
    return planMove(definition, to, this.#ports, progress)
  }

  carryOut(plan: MovePlan, progress: Progress): Promise<void> {
    return carryOut(plan, this.#ports, progress)
  }

  close(): Promise<void> {
    return this.#ports.close()
  }
}
