export interface Random {
  /** A uniformly distributed integer in [0, 2^53). */
  integer(): number
  /** A new identifier: 22 characters of [0-9A-Za-z], not guessable. */
  id(): string
}

/** In [0, 1). */
export const fractionOf = (random: Random): number => random.integer() / 2 ** 53
