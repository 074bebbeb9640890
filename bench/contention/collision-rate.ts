/** What a rate of collisions depends on. */
export interface Contention {
  /** Processing units that keep the same cache. */
  readonly units: number
  /** Updates of all units together, per second. */
  readonly updatesPerSecond: number
  /** Entries among which the updates are spread evenly. */
  readonly entries: number
  /** From an update in one unit until another one has it, in ms. */
  readonly replicationMs: number
}

/**
 * Collisions per second as the style's book has them: N × UR² / S × RL (Richards and Ford,
 * *Fundamentals of Software Architecture*, chapter 15, Data Collisions).
 *
 * It is the rate at which two updates of one entry fall within the replication latency, times the
 * number of units. So it grows with the units where the updates do not, and says that one unit
 * collides with itself.
 */
export const bookCollisions = (one: Contention): number =>
  (one.units * one.updatesPerSecond ** 2 * one.replicationMs) / (one.entries * 1000)

/**
 * What follows from the same assumptions: updates come independently of each other (Poisson),
 * evenly spread over units and entries. An update collides when another unit's update of its entry
 * comes into the log after the state that it has read, and before it. That is a window as long as
 * the replication latency, in which the others make (N − 1)/N of UR/S updates of that entry: one
 * collides with the probability 1 − exp(−(N − 1)/N × UR/S × RL). What has collided runs again, and
 * may collide again.
 *
 * @param perSecond commands that read the entry, where not all of them change it. Default: the
 * updates
 */
export function expectedCollisions(one: Contention, perSecond = one.updatesPerSecond): number {
  const others = (one.units - 1) / one.units
  const meant = (others * one.updatesPerSecond * one.replicationMs) / (one.entries * 1000)
  const chance = 1 - Math.exp(-meant)
  return (perSecond * chance) / (1 - chance)
}
