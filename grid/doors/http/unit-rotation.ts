import type { Space } from '../../core/definition.ts'
import type { Serving } from '../request/serving.ts'

/** The units of one space in this process, taken in turn. */
export class UnitRotation {
  readonly space: Space
  readonly #units: Serving[]
  #next = 0

  /** All units must serve the very same space definition. */
  constructor(units: readonly Serving[]) {
    const [first] = units
    if (!first) throw new TypeError('a rotation needs at least one unit')
    this.space = first.space
    this.#units = []
    for (const unit of units) this.add(unit)
  }

  /** From now on it gets its share, as soon as it is ready. */
  add(unit: Serving): void {
    if (unit.space !== this.space)
      throw new TypeError(`units of space ${this.space.name} have different definitions of it`)
    this.#units.push(unit)
  }

  /** It gets no more requests. The last one stays: somebody has to say why nothing is answered. */
  remove(unit: Serving): void {
    const at = this.#units.indexOf(unit)
    if (at < 0 || this.#units.length === 1) return
    this.#units.splice(at, 1)
    this.#next = 0
  }

  /**
   * The next ready unit. When none is ready, the next one: the unit itself knows best what it can
   * still answer (queries while the log is away) and with which error it refuses the rest.
   */
  next(): Serving {
    const units = this.#units
    let index = this.#next
    for (let tried = 0; tried < units.length; tried++) {
      const unit = units[index] as Serving
      index = index + 1 === units.length ? 0 : index + 1
      if (units.length === 1) return unit
      if (unit.readiness().ready) {
        this.#next = index
        return unit
      }
    }
    this.#next = index + 1 >= units.length ? 0 : index + 1
    return units[index] as Serving
  }
}

/** By the name of their space. */
export type UnitRotations = ReadonlyMap<string, UnitRotation>

/** Groups units by their space, in the order in which the spaces first appear. */
export function rotationsOf(units: readonly Serving[]): UnitRotations {
  const bySpace = Map.groupBy(units, (unit) => unit.space.name)
  return new Map([...bySpace].map(([name, members]) => [name, new UnitRotation(members)]))
}
