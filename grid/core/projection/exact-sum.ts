/**
 * Larger numbers are refused: so many of the others that there could be memory for do not add up to
 * more than a double takes.
 */
export const summandMax = 2 ** 970

/**
 * A sum that numbers are added to and taken from, and that depends on which ones are in it alone:
 * not on their order, nor on what was in it before. Whole numbers are added as they are, while that
 * is exact; everything else as partials, doubles that do not overlap and whose sum is the exact one
 * (Shewchuk, "Adaptive Precision Floating-Point Arithmetic", 1997, GROW-EXPANSION; rounded as
 * Hettinger does in Python's `math.fsum`).
 */
export class ExactSum {
  #whole = 0
  #partials: number[] | undefined

  /**
   * Takes a number out by adding its negative.
   * @throws RangeError for what is no finite number up to 2^970
   */
  add(number: number): void {
    const whole = this.#whole + number
    if (Number.isSafeInteger(number) && Number.isSafeInteger(whole)) {
      this.#whole = whole
      return
    }
    if (!(Math.abs(number) <= summandMax))
      throw new RangeError(`a sum takes finite numbers up to 2^970, not ${number}`)
    this.#partials = grown(grown(this.#partials ?? [], this.#whole), number)
    this.#whole = 0
  }

  /** The double nearest to the exact sum. */
  get value(): number {
    // Never −0.
    if (this.#partials === undefined) return this.#whole + 0
    return rounded(grown(this.#partials, this.#whole)) + 0
  }
}

/** Partials with another number among them, in rising magnitude; none is 0. */
function grown(partials: readonly number[], number: number): number[] {
  const next: number[] = []
  let high = number
  for (const partial of partials) {
    const [large, small] = Math.abs(high) < Math.abs(partial) ? [partial, high] : [high, partial]
    const sum = large + small
    const rest = small - (sum - large)
    if (rest !== 0) next.push(rest)
    high = sum
  }
  if (high !== 0) next.push(high)
  return next
}

function rounded(partials: readonly number[]): number {
  let at = partials.length - 1
  let high = partials[at] ?? 0
  let low = 0
  while (at > 0 && low === 0) {
    const before = high
    const next = partials[--at] as number
    high = before + next
    low = next - (high - before)
  }
  // Half-way cases are decided by what is below them.
  const below = at > 0 ? (partials[at - 1] as number) : 0
  if ((low < 0 && below < 0) || (low > 0 && below > 0)) {
    const twice = low * 2
    const other = high + twice
    if (other - high === twice) high = other
  }
  return high
}
