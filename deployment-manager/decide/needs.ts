import { meldMs } from './melding.ts'
import { answeredBy, type Moment, partitionsMost, sum } from './moment.ts'

/**
 * Units that do this work when none of them is busier than `busyMax`. In a space with one partition
 * each of them melds all commands beside its share of the rest (docs/scale.md).
 * @param work in units that do nothing else
 */
export function neededFor(moment: Moment, work: number, busyMax: number): number {
  const { units } = moment
  const count = units.length
  const melding = partitionsMost(moment) > 1 ? 0 : (sum(units, answeredBy) * meldMs) / 1000
  // What no number of units could do is left to whoever knows why.
  const each = Math.max(busyMax - melding, busyMax / 4)
  const own = Math.max(0, work - count * Math.min(melding, work / Math.max(1, count)))
  return Math.max(1, Math.ceil(own / each - 1e-6))
}

interface Seen {
  readonly at: number
  readonly units: number
}

/**
 * The most units that were needed within a time: what is taken away must not have been needed in
 * all of it, so that two peaks shortly after each other meet the same units (as the stabilization
 * window of Kubernetes' HorizontalPodAutoscaler does).
 */
export class NeedsSeen {
  readonly #windowMs: number
  /** Falling: whatever a later one exceeds is not the most any more. */
  readonly #seen: Seen[] = []
  #since: number | undefined

  constructor(windowMs: number) {
    this.#windowMs = windowMs
  }

  add(at: number, units: number): void {
    this.#since ??= at
    while ((this.#seen.at(-1)?.units ?? Number.POSITIVE_INFINITY) <= units) this.#seen.pop()
    this.#seen.push({ at, units })
  }

  /** undefined: it has not been looked for so long yet. */
  most(at: number): number | undefined {
    if (this.#since === undefined || at - this.#since < this.#windowMs) return undefined
    while ((this.#seen[0]?.at ?? at) < at - this.#windowMs) this.#seen.shift()
    return this.#seen[0]?.units
  }
}
