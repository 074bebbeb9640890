import { type Digest, digestText } from '../../core/version.ts'

/**
 * A position is remembered for 13 seconds at 5,000 frames a second: far longer than a message
 * takes.
 */
const positionsMax = 65_536
/** Positions asked to be kept for longer: what the store is being counted at. */
const pinsMax = 8

/**
 * The digest of one replica at each of its last positions, so that it can be compared with whatever
 * position another one tells. Bounded (512 KiB); remembering one costs two numbers.
 */
export class DigestHistory {
  readonly #halves = new Int32Array(2 * positionsMax)
  readonly #pins = new Map<number, string>()
  /** Positions [first, last] are held without a gap; none at first. */
  #first = 1
  #last = 0

  get last(): number {
    return this.#last
  }

  /** A new life: what was known of another state no longer holds. */
  begin(position: number, digest: Digest): void {
    this.#pins.clear()
    this.#first = position
    this.record(position, digest)
  }

  /** Positions come one after the other. */
  record(position: number, { left, right }: Digest): void {
    const at = 2 * (position % positionsMax)
    this.#halves[at] = left
    this.#halves[at + 1] = right
    this.#last = position
  }

  /** undefined: not reached yet, or no longer remembered. */
  at(position: number): string | undefined {
    const oldest = Math.max(this.#first, this.#last - positionsMax + 1)
    if (position < oldest || position > this.#last) return this.#pins.get(position)
    const at = 2 * (position % positionsMax)
    return digestText(this.#halves[at] as number, this.#halves[at + 1] as number)
  }

  /** Remembers a position for longer. */
  pin(position: number): void {
    const digest = this.at(position)
    if (digest === undefined) return
    this.#pins.set(position, digest)
    if (this.#pins.size <= pinsMax) return
    const [oldest] = this.#pins.keys()
    if (oldest !== undefined) this.#pins.delete(oldest)
  }
}
