/** A stream of numbers in [0, 1) that depends on nothing but its seed. */
export type Random = () => number

/**
 * The Mulberry32 generator (Tommy Ettinger, 2017): 32 bits of state, which is plenty to make a run
 * repeatable and cheap enough to give every simulated user a generator of its own. Users with their
 * own generators choose alike however their requests happen to interleave.
 */
export function seededRandom(seed: number, stream = 0): Random {
  // Without mixing, neighbouring streams would start with similar numbers.
  let state = (Math.imul(seed | 0, 0x9e3779b1) ^ Math.imul(stream + 1, 0x85ebca6b)) | 0
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

/** A whole number in [0, below). */
export function randomBelow(random: Random, below: number): number {
  return Math.floor(random() * below)
}

/** An exponentially distributed number with mean 1: the gaps of a Poisson process. */
export function randomExponential(random: Random): number {
  return -Math.log(1 - random())
}
