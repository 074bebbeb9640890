import { isGridError } from '@spacegrid/grid/core/errors'
import { decisionsMax, type ScalingDecision } from '@spacegrid/grid/engine/load/scaling-status'
import type { Cell } from '@spacegrid/grid/engine/ports/cell'
import type { Spent } from './decide/budget.ts'

interface Kept {
  readonly decisions: readonly ScalingDecision[]
  readonly spent: Spent
}

/**
 * What was decided lately and what units have cost, kept where the next manager and people find it.
 * Only who has the lease writes; whoever still does so without it is refused, for somebody else has
 * written meanwhile.
 */
export class Journal {
  readonly #cell: Cell
  #revision = 0
  #kept: Kept = { decisions: [], spent: {} }

  constructor(cell: Cell) {
    this.#cell = cell
  }

  get decisions(): readonly ScalingDecision[] {
    return this.#kept.decisions
  }

  get spent(): Spent {
    return this.#kept.spent
  }

  /** @throws GridError `log_unavailable` */
  async read(): Promise<void> {
    const found = await this.#cell.read()
    this.#revision = found?.revision ?? 0
    this.#kept = found ? readKept(found.data) : { decisions: [], spent: {} }
  }

  add(decision: ScalingDecision): void {
    const decisions = [...this.#kept.decisions, decision].slice(-decisionsMax)
    this.#kept = { ...this.#kept, decisions }
  }

  /** false: not now; it is written with the next one. */
  async write(spent: Spent): Promise<boolean> {
    this.#kept = { ...this.#kept, spent }
    try {
      const data = Buffer.from(JSON.stringify(this.#kept))
      this.#revision = await this.#cell.write(data, this.#revision)
      return true
    } catch (error) {
      if (!isGridError(error)) throw error
      // Whether the last word was written may be unknown: then its revision is.
      if (error.code === 'fenced') await this.#catchUp()
      return false
    }
  }

  async #catchUp(): Promise<void> {
    try {
      this.#revision = (await this.#cell.read())?.revision ?? 0
    } catch (error) {
      // Not reachable just now: the next one is refused as well, and looks again.
      if (!isGridError(error)) throw error
    }
  }
}

/** Of what cannot be read nothing is known. */
export function readKept(data: Uint8Array): Kept {
  try {
    const { decisions, spent } = Object(JSON.parse(Buffer.from(data).toString()))
    return {
      decisions: Array.isArray(decisions) ? decisions.filter(isDecision) : [],
      spent: Object.fromEntries(
        Object.entries(Object(spent)).filter(([, unitMs]) => Number.isFinite(unitMs)),
      ) as Spent,
    }
  } catch {
    return { decisions: [], spent: {} }
  }
}

const isDecision = (it: unknown): it is ScalingDecision => {
  const { at, by, action, cause, from, to, why } = Object(it)
  return (
    [at, from, to].every(Number.isFinite) &&
    [by, action, cause, why].every((text) => typeof text === 'string')
  )
}
