import { type Random, seededRandom } from './random.ts'

/** Values that are kept of one operation in one second. */
export const sampleSize = 2048

/**
 * Latencies of one operation in one second: all of them, or of very many a fair sample (Vitter's
 * algorithm R: *Random Sampling with a Reservoir*, 1985). A histogram for each would take some
 * kilobytes even where there is one value.
 */
export class LatencySample {
  readonly #values: number[] = []
  #seen = 0
  #random: Random | undefined

  add(value: number): void {
    this.#seen += 1
    if (this.#values.length < sampleSize) {
      this.#values.push(value)
      return
    }
    this.#random ??= seededRandom(1)
    const at = Math.floor(this.#random() * this.#seen)
    if (at < sampleSize) this.#values[at] = value
  }

  /**
   * The nearest rank of each share (0.5: the median); null where there is no value.
   * @param shares ascending or not, from 0 to 1
   */
  at(shares: readonly number[]): (number | null)[] {
    const sorted = this.#values.toSorted((one, other) => one - other)
    return shares.map((share) => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? null)
  }
}
