import { logNameOf } from '../../core/log-name.ts'
import type { CopyState, Member } from './member.ts'
import { ranking } from './rendezvous.ts'

/** Who is asked, of a space with so many partitions. */
export interface Keeping {
  readonly space: string
  readonly partitions: number
  readonly members: readonly Member[]
}

/**
 * Nobody is home of more than so many times its share, rounded up, as long as there is a way.
 * Nearer to 1 homes are more even, and more of them move when somebody comes or goes.
 */
const boundOfShare = 1.25
const epsilon = 1e-9

/**
 * Those that can answer for each partition, in the order in which they are asked. The first is its
 * home, which all that see the same choose alike; behind it the others come in rendezvous order.
 * Who is about to give it up, or to stop, comes last.
 *
 * The home is the first of those that keep it ready by rendezvous, unless that one is home of more
 * than 1.25 times its share, by weight: then homes go, one after the other along the shortest way,
 * to somebody who keeps a copy too and is below. Consistent Hashing with Bounded Loads (Mirrokni,
 * Thorup and Zadimoghaddam, SODA 2018) bounds loads alike, by going on to the next in the order;
 * where each partition has only its two or three copies to go to, that way often has no end.
 */
export function keepersOf({ space, partitions, members }: Keeping): Member[][] {
  const keeping = Array.from({ length: partitions }, (): Member[] => [])
  // By identity, for names may be given twice, and everybody has the others in an order of its own.
  for (const member of [...members].sort((one, other) => one.id - other.id))
    for (const [partition, state] of member.keeps)
      if (isServing(state)) keeping[partition]?.push(member)
  const ranked = keeping.map((some, partition) => ranking(some, logNameOf(space, partition)))
  const lasting = ranked.map((some, at) => some.filter((member) => isLasting(member, at)))
  const homes = new Homes(lasting).choose()
  return ranked.map((some, at) => {
    const home = homes[at]
    const rest = (member: Member) => member !== home
    const last = some.filter((member) => !isLasting(member, at))
    return [...(home ? [home] : []), ...(lasting[at] ?? []).filter(rest), ...last]
  })
}

/**
 * Those that may be asked about each partition, in order: behind its keepers whoever is about to be
 * one, or has been: cut off from the log it still answers reads, and knows best with which error it
 * refuses the rest.
 */
export function askedOf(keeping: Keeping): Member[][] {
  const joining = Array.from({ length: keeping.partitions }, (): Member[] => [])
  for (const member of keeping.members)
    for (const [partition, state] of member.keeps)
      if (state === 'joining') joining[partition]?.push(member)
  return keepersOf(keeping).map((keepers, at) => [
    ...keepers,
    ...ranking(joining[at] as Member[], logNameOf(keeping.space, at)),
  ])
}

export const isServing = (state: CopyState | undefined): boolean =>
  state === 'ready' || state === 'leaving'

const isLasting = ({ stopping, keeps }: Member, partition: number): boolean =>
  !stopping && keeps.get(partition) === 'ready'

/** How one member is home of something that another one could be home of. */
interface Step {
  readonly from: Member
  readonly partition: number
}

class Homes {
  /** Of each partition those that can be its home, the first one first. */
  readonly #candidates: readonly (readonly Member[])[]
  readonly #homes: (Member | undefined)[]
  /** What each is home of. */
  readonly #held = new Map<Member, Set<number>>()
  readonly #most = new Map<Member, number>()

  constructor(candidates: readonly (readonly Member[])[]) {
    this.#candidates = candidates
    this.#homes = candidates.map(([first]) => first)
    const members = [...new Set(candidates.flat())].sort((one, other) => one.id - other.id)
    const placed = candidates.filter(({ length }) => length > 0).length
    const weights = members.reduce((sum, { weight }) => sum + weight, 0)
    for (const member of members) {
      this.#held.set(member, new Set())
      const share = (placed * member.weight) / weights
      this.#most.set(member, Math.ceil(boundOfShare * share - epsilon))
    }
    for (const [partition, home] of this.#homes.entries())
      if (home) this.#held.get(home)?.add(partition)
  }

  choose(): readonly (Member | undefined)[] {
    for (const [member, held] of this.#held)
      while (held.size > this.#mostOf(member) && this.#relieve(member));
    return this.#homes
  }

  /**
   * Along the shortest way to somebody who has room, found breadth first; false: there is none.
   */
  #relieve(member: Member): boolean {
    const steps = new Map<Member, Step | undefined>([[member, undefined]])
    for (const from of steps.keys())
      for (const partition of this.#heldBy(from))
        for (const to of this.#candidates[partition] ?? []) {
          if (steps.has(to)) continue
          steps.set(to, { from, partition })
          if (this.#heldBy(to).size >= this.#mostOf(to)) continue
          this.#take(to, steps)
          return true
        }
    return false
  }

  #take(last: Member, steps: ReadonlyMap<Member, Step | undefined>): void {
    for (let to = last, step = steps.get(to); step; to = step.from, step = steps.get(to)) {
      const { from, partition } = step
      this.#homes[partition] = to
      this.#heldBy(from).delete(partition)
      this.#heldBy(to).add(partition)
    }
  }

  #heldBy(member: Member): Set<number> {
    return this.#held.get(member) as Set<number>
  }

  #mostOf(member: Member): number {
    return this.#most.get(member) ?? 0
  }
}
