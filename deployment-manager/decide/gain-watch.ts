import { answeredBy, type Moment, sum } from './moment.ts'
import type { Pressure } from './pressure.ts'

/** A new unit gets its share of the work within this time. */
const settleMs = 10_000
/** What it gives shows after so long at the soonest. */
const soonestMs = 3000
/** What was served so long before it came is what it is compared with. */
const beforeMs = 10_000
/** Part of what it could give that it must have given. */
const usefulShare = 0.15
/** After so long it is tried again: the world may have changed. */
const forgetMs = 300_000

interface Served {
  readonly at: number
  readonly perSecond: number
}

interface Added {
  readonly at: number
  readonly from: number
  readonly to: number
  readonly before: number
}

/**
 * Whether the last unit has helped: when the units still have too much to do some time after it has
 * come, and all together do hardly more than before, something else is short, whatever that is, and
 * a further one would not help either.
 */
export class GainWatch {
  readonly #served: Served[] = []
  #ready: number | undefined
  #added: Added | undefined
  #useless: { readonly until: number; readonly from: number; readonly why: string } | undefined

  look(moment: Moment, pressure: Pressure): void {
    const { at, ready, units } = moment
    const perSecond = sum(units, answeredBy)
    const before = this.#ready ?? ready
    if (ready > before && pressure.units.length > 0)
      this.#added ??= { at, from: before, to: ready, before: this.#most(at - beforeMs) }
    if (this.#added && ready > this.#added.to) this.#added = { ...this.#added, at, to: ready }
    if (ready < before) this.#added = undefined
    this.#ready = ready
    this.#served.push({ at, perSecond })
    while ((this.#served[0]?.at ?? at) < at - beforeMs - settleMs) this.#served.shift()
    if (this.#added && at - this.#added.at >= settleMs) this.#judge(this.#added, at, pressure)
    if (this.#useless && (at >= this.#useless.until || ready < this.#useless.from))
      this.#useless = undefined
  }

  /** The last one has come, and it does not show yet what it gives. */
  isOpen(at: number): boolean {
    const added = this.#added
    return added !== undefined && (at - added.at < soonestMs || !this.#hasHelped(added))
  }

  /** Why a further one would not help; undefined: it may. */
  get useless(): string | undefined {
    return this.#useless?.why
  }

  #hasHelped({ at, from, to, before }: Added): boolean {
    const gain = this.#most(at + soonestMs / 2) / before - 1
    return before === 0 || gain >= usefulShare * (to / from - 1)
  }

  #judge(added: Added, at: number, pressure: Pressure): void {
    const { at: since, from, to, before } = added
    this.#added = undefined
    if (pressure.units.length === 0 || this.#hasHelped(added)) return
    const after = this.#most(since + soonestMs / 2)
    this.#useless = {
      ...{ until: at + forgetMs, from: to },
      why: `${to} units did ${Math.round(after)} commands a second, and ${from} did ${Math.round(before)}: what is short is something else than units`,
    }
  }

  #most(since: number): number {
    const served = this.#served.filter(({ at }) => at >= since)
    return Math.max(0, ...served.map(({ perSecond }) => perSecond))
  }
}
