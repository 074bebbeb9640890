import type { Driver, Looking, UnitAction } from '@spacegrid/console/control'
import type { Source } from '@spacegrid/console/heard'
import { GridError } from '@spacegrid/grid/core/errors'
import { spaceOf } from '@spacegrid/grid/core/log-name'
import {
  type ProcessTold,
  processFigures,
  requestsOf,
} from '@spacegrid/grid/doors/admin/process-told'
import type { PrometheusTelemetry } from '@spacegrid/grid/doors/admin/prometheus-telemetry'
import type { UnitRotations } from '@spacegrid/grid/doors/http/unit-rotation'
import { look } from '@spacegrid/runtime/look'
import { roomSpace } from '@spacegrid/waiting-room/space'
import type { WaitingRoom } from '@spacegrid/waiting-room/waiting-room'
import type { EmbeddedGrid, EmbeddedUnit } from '../embedded/embedded-grid.ts'

/** Units of one space in one process: each holds all of it, and they share one event loop. */
const unitsPerSpaceMax = 8
const readyMsMax = 30_000
const readyPollMs = 20

/** The parts of an embedded grid as a console hears of them: each as if it were a process. */
export class EmbeddedSource implements Source {
  readonly isComplete = true
  readonly #grid: EmbeddedGrid
  readonly #telemetry: PrometheusTelemetry
  readonly #room: Pick<WaitingRoom, 'status'> | undefined

  /** @param room of the grid, if it has lines */
  constructor(
    grid: EmbeddedGrid,
    telemetry: PrometheusTelemetry,
    room?: Pick<WaitingRoom, 'status'>,
  ) {
    this.#grid = grid
    this.#telemetry = telemetry
    this.#room = room
  }

  start(): void {
    // They are asked when somebody wants to know.
  }

  async stop(): Promise<void> {
    // Nothing goes on.
  }

  async processes(): Promise<readonly ProcessTold[]> {
    // All units count into one set of figures, so that is told by the process that they are in.
    const requests = await requestsOf(this.#telemetry)
    const whole: ProcessTold = {
      ...{ unit: 'embedded', role: 'process', ready: true, reasons: [], wishes: [], spaces: {} },
      ...{ requests, process: processFigures() },
    }
    return [...this.#grid.serving.map((unit) => this.#unit(unit)), ...this.#roles(), whole]
  }

  /** Units that keep lines are waiting rooms, as they are in a grid. */
  #unit(unit: EmbeddedUnit): ProcessTold {
    const told = unitTold(unit)
    if (!this.#room || unit.space.name !== roomSpace.name) return told
    const figures = { ...told.spaces[roomSpace.name], waitingRoom: this.#room.status() }
    return { ...told, role: 'waiting-room', spaces: { [roomSpace.name]: figures } }
  }

  #roles(): ProcessTold[] {
    const byName = Map.groupBy(
      this.#grid.roles,
      ({ role, logName }) => `${spaceOf(logName)}-${role}`,
    )
    return [...byName].map(([unit, parts]) => {
      const reasons = parts.flatMap(({ component }) => component.readiness().reason ?? [])
      return {
        ...{ unit, role: parts[0]?.role ?? '', ready: reasons.length === 0, reasons, wishes: [] },
        spaces: Object.fromEntries(
          parts.map(({ logName, component }) => [logName, component.status()]),
        ),
      }
    })
  }
}

function unitTold(unit: EmbeddedUnit): ProcessTold {
  const { ready, reason } = unit.readiness()
  const parts = 'parts' in unit ? unit.parts : new Map([[unit.space.name, unit]])
  const placement = 'placement' in unit ? { [unit.space.name]: unit.placement() } : undefined
  return {
    ...{ unit: unit.name, role: 'processing-unit', ready, wishes: [] },
    reasons: reason === undefined ? [] : [reason],
    spaces: Object.fromEntries([...parts].map(([log, part]) => [log, part.status()])),
    ...(placement ? { placement } : {}),
  }
}

/** Adds units to an embedded grid, and stops them: they are objects of one process. */
export class EmbeddedDriver implements Driver {
  readonly about =
    'All units share this process: they can be added and stopped. Killed is the process as a whole (kill -9), and nothing is lost; npx spacegrid cluster has units that can be killed one by one.'
  readonly #grid: EmbeddedGrid
  readonly #rotations: UnitRotations

  constructor(grid: EmbeddedGrid, rotations: UnitRotations) {
    this.#grid = grid
    this.#rotations = rotations
  }

  get add(): true | string {
    const counts = [...this.#rotations.keys()].map((space) => this.#of(space).length)
    return Math.min(...counts) < unitsPerSpaceMax
      ? true
      : `${unitsPerSpaceMax} units of a space are the most in one process`
  }

  units(): Readonly<Record<string, readonly UnitAction[]>> {
    // Of what is no application's, waiting lines, nothing is added or stopped.
    const served = this.#grid.serving.filter(({ space }) => this.#rotations.has(space.name))
    return Object.fromEntries(
      served.map(({ name, space }) => [
        name,
        // Somebody has to serve the space.
        this.#of(space.name).length > 1 ? ['stop'] : [],
      ]),
    )
  }

  /** One of the space that has the fewest. */
  async addUnit(): Promise<string> {
    const { add } = this
    if (add !== true) throw new GridError('rejected', add)
    const [space] = [...this.#rotations.values()]
      .map((rotation) => rotation.space)
      .sort((one, other) => this.#of(one.name).length - this.#of(other.name).length)
    if (!space) throw new GridError('rejected', 'No space is served here')
    const unit = this.#grid.addUnit(space)
    this.#rotations.get(space.name)?.add(unit)
    await isReady(unit)
    return unit.name
  }

  async act(name: string, action: UnitAction): Promise<void> {
    const unit = this.#grid.serving.find((one) => one.name === name)
    if (!unit || !this.units()[name]?.includes(action))
      throw new GridError('rejected', `${name}: ${action} is not possible now`)
    // From the outside in: nothing comes in any more, and then it ends.
    this.#rotations.get(unit.space.name)?.remove(unit)
    await this.#grid.removeUnit(unit)
  }

  #of(space: string): EmbeddedUnit[] {
    return this.#grid.serving.filter((unit) => unit.space.name === space)
  }
}

async function isReady(unit: EmbeddedUnit): Promise<void> {
  const until = performance.now() + readyMsMax
  while (!unit.readiness().ready && performance.now() < until)
    await new Promise((wake) => setTimeout(wake, readyPollMs))
}

/** Looks into the first unit that has its data. */
export const embeddedLooking = (grid: EmbeddedGrid): Looking => ({
  look: async ({ space, ...asked }) => {
    const units = grid.serving.filter((unit) => unit.space.name === space)
    const unit = units.find((one) => one.readiness().ready) ?? units[0]
    if (!unit) throw new GridError('unknown_space', `There is no space ${space} here`)
    return look(unit, asked)
  },
})
