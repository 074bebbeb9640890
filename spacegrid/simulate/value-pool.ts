import type { SeededRandom } from '@spacegrid/grid/kit/seeded-random'

/** How many of the newest values of a field are used again. */
const newestMax = 6
const learnedMax = 200
/** Deepest level of a result that is looked through, and longest list. */
const depthMax = 4
const itemsMax = 20

/**
 * Texts that many inputs share, so that commands meet the same entries; and what the application
 * itself has told.
 */
export class ValuePool {
  readonly size: number
  readonly #learned = new Map<string, string[]>()
  readonly #all: string[] = []
  readonly #ofPattern = new Map<string, string[]>()
  readonly #now: () => number

  constructor(random: SeededRandom, now: () => number) {
    const sizes = [1, 2, 3, 3, 4, 8, 60]
    this.size = sizes[random.below(sizes.length)] as number
    this.#now = now
  }

  now(): number {
    return Math.floor(this.#now())
  }

  /** One of the pool, or something learned; which, the number says. */
  text(field: string, number: number): string {
    const luck = number % 100
    const which = Math.floor(number / 100)
    const own = this.#learned.get(singular(field))
    if (own && luck < 60) return own.at(-1 - (which % Math.min(own.length, newestMax))) as string
    if (luck >= 85 && this.#all.length > 0) return this.#all[which % this.#all.length] as string
    return this.name(which)
  }

  name(number: number): string {
    const at = number % this.size
    return at < 26 ? String.fromCharCode(97 + at) : `n${at}`
  }

  /** The same few texts of a pattern, again and again. */
  ofPattern(pattern: string, text: string, number: number): string {
    const known = this.#ofPattern.get(pattern) ?? []
    this.#ofPattern.set(pattern, known)
    if (known.length < this.size && !known.includes(text)) known.push(text)
    return known[number % known.length] as string
  }

  /** Texts of a result, each under the name of its field. */
  learn(field: string, told: unknown, depth = 0): void {
    if (typeof told === 'string') this.#remember(singular(field), told)
    if (typeof told !== 'object' || told === null || depth > depthMax) return
    if (Array.isArray(told)) {
      for (const item of told.slice(0, itemsMax)) this.learn(field, item, depth + 1)
      return
    }
    for (const [name, member] of Object.entries(told)) this.learn(name, member, depth + 1)
  }

  #remember(field: string, text: string): void {
    if (text === '' || text.length > 100) return
    const list = this.#learned.get(field) ?? []
    this.#learned.set(field, list)
    for (const kept of [list, this.#all]) {
      const at = kept.indexOf(text)
      if (at >= 0) kept.splice(at, 1)
      kept.push(text)
      if (kept.length > learnedMax) kept.shift()
    }
  }
}

/** `seatIds` holds what is a `seatId` elsewhere. */
const singular = (field: string): string => field.toLowerCase().replace(/s$/, '')
