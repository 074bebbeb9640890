export interface Random {
  /** A uniformly distributed integer in [0, 2^53). */
  integer(): number
  /** A new identifier: 22 characters of [0-9A-Za-z], not guessable. */
  id(): string
}
