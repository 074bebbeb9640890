import { newerPosition } from '@spacegrid/grid/core/position'
import type { Accepted, Position } from './answer.ts'

/** Where a caller is in each space: the newest position that an answer has named. */
export class SeenPositions {
  readonly #newest: Map<string, Position>

  /** @param before where another caller was, whom this one goes on for */
  constructor(before: Readonly<Record<string, Position>> = {}) {
    this.#newest = new Map(Object.entries(before))
  }

  /** undefined: no answer of the space has named one. */
  in(space: string): Position | undefined {
    return this.#newest.get(space)
  }

  get all(): Readonly<Record<string, Position>> {
    return Object.fromEntries(this.#newest)
  }

  /** An answer, or an event, has named one. */
  saw(space: string, { position }: Pick<Accepted, 'position'>): void {
    if (position === undefined || Number.isNaN(position)) return
    const before = this.#newest.get(space)
    this.#newest.set(space, before === undefined ? position : newerPosition(before, position))
  }

  /** The space was moved to another number of partitions: where this one was says nothing now. */
  forget(space: string): void {
    this.#newest.delete(space)
  }
}
