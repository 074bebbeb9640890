import { hashString, mix53 } from '../../core/hash.ts'

/** Whoever may be chosen. */
export interface Candidate {
  /** Unique among those that are compared, and the same for everyone who compares them. */
  readonly name: string
  /** How much it takes, compared with the others; above 0. */
  readonly weight: number
}

/** Tells these numbers from all others that are made of the same hashes. */
const salt = 0x70_6c_61_63

/**
 * How much a candidate is meant for what has this name: of all candidates, the one with the highest
 * score is the first. Of two with equal weights each is the first for half of all names; one that
 * comes or goes changes nothing between the others.
 *
 * Weighted rendezvous hashing (Thaler and Ravishankar, A Name-Based Mapping Scheme for Rendezvous,
 * 1996; weights as of Schindelhauer and Schomaker, Weighted Distributed Hash Tables, 2005): the
 * weight over -ln(u), where u in (0, 1) is `mix53` of the `hashString` of both names
 * (core/hash.ts).
 */
export function scoreOf({ name, weight }: Candidate, of: string): number {
  const uniform = mix53(hashString(name), hashString(of), salt) / 2 ** 53
  return weight / -Math.log(uniform)
}

/** The candidates for a name, the first one first. */
export function ranking<C extends Candidate>(candidates: readonly C[], of: string): C[] {
  return candidates
    .map((candidate) => ({ candidate, score: scoreOf(candidate, of) }))
    .sort((one, other) => other.score - one.score || byName(one.candidate, other.candidate))
    .map(({ candidate }) => candidate)
}

function byName(one: Candidate, other: Candidate): number {
  if (one.name === other.name) return 0
  return one.name < other.name ? -1 : 1
}
