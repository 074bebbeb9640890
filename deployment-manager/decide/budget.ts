const hourMs = 3_600_000
const hours = 24

/** By the hour since the epoch: unit-milliseconds that were spent in it. */
export type Spent = Readonly<Record<string, number>>

export const unitHoursOf = (spent: Spent): number =>
  Object.values(spent).reduce((one, other) => one + other, 0) / hourMs

/**
 * What units have cost: the time that they have run, all together, within the last 24 hours, by the
 * hour. A time in which nobody looked is not counted.
 */
export class Budget {
  readonly #unitHoursMax: number
  readonly #spent = new Map<number, number>()
  #before: number | undefined

  /** @param unitHoursMax within 24 hours; 0: without end */
  constructor(unitHoursMax: number, spent: Spent = {}) {
    this.#unitHoursMax = unitHoursMax
    for (const [hour, unitMs] of Object.entries(spent)) this.#spent.set(Number(hour), unitMs)
  }

  /** @param units that run, and have run since this was called last */
  spend(units: number, now: number): void {
    const since = this.#before
    this.#before = now
    // A clock that jumps is no time that anybody has paid for.
    const elapsed = since === undefined ? 0 : now - since
    if (elapsed <= 0 || elapsed > hourMs) return
    const hour = Math.floor(now / hourMs)
    this.#spent.set(hour, (this.#spent.get(hour) ?? 0) + units * elapsed)
    for (const old of this.#spent.keys()) if (old <= hour - hours) this.#spent.delete(old)
  }

  get spent(): Spent {
    return Object.fromEntries(this.#spent)
  }

  get unitHours(): number {
    return unitHoursOf(this.spent)
  }

  /** Whether so many units can be paid for, for `ms` from now. */
  affords(units: number, ms: number): boolean {
    if (this.#unitHoursMax === 0) return true
    return this.unitHours + (units * ms) / hourMs <= this.#unitHoursMax
  }
}
