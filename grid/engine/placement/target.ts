import { logNameOf } from '../../core/log-name.ts'
import type { Member } from './member.ts'
import { scoreOf } from './rendezvous.ts'

/** What is to be placed, and on whom. */
export interface Placing {
  readonly space: string
  readonly partitions: number
  /** Of each partition; never more than there are members. */
  readonly copies: number
  readonly members: readonly Member[]
}

/** Who should keep what. */
export interface Target {
  /** By partition. */
  readonly owners: readonly (readonly Member[])[]
  /** Copies of each that there can be: `copies`, or one on each member. */
  readonly copies: number
  /** Copies that nobody has room for. */
  readonly missing: number
}

/**
 * Who should keep what, as near as possible to who keeps it now: the same for all that see the
 * same, and what comes out of it is its own target. A copy moves only for one of these reasons:
 * - a partition has too few: whoever has less than its share takes it, first of them in rendezvous
 *   order;
 * - it has too many: whoever is the most above its share gives it up;
 * - its copies are in fewer zones than they could be;
 * - somebody is a whole copy or more below its share: it takes from those that are above theirs.
 * A share is by weight. So one that comes takes no more than its share, and of one that goes its
 * own copies move; now and then one more, to even out. Rendezvous hashing by itself would do the
 * same on the average, but of 16 partitions now and then twice as many.
 */
export function targetOf(placing: Placing): Target {
  const placement = new Placement(placing)
  placement.fill()
  placement.shed()
  placement.even()
  return placement.target()
}

interface Place {
  readonly member: Member
  readonly zone: string
  /** Copies that are its fair part. */
  share: number
  /** Partitions that it is to keep. */
  readonly held: Set<number>
}

interface Copy {
  readonly place: Place
  readonly partition: number
}

const epsilon = 1e-9

class Placement {
  readonly #placing: Placing
  readonly #places: readonly Place[]
  readonly #copies: number
  /** Zones that the copies of a partition should be in. */
  readonly #spread: number
  readonly #holders: Place[][]
  readonly #logNames: readonly string[]
  readonly #scores = new Map<Place, Float64Array>()
  #missing = 0

  constructor(placing: Placing) {
    const { space, partitions, copies, members } = placing
    this.#placing = placing
    this.#places = members
      .filter(({ stopping }) => !stopping)
      .sort((one, other) => one.id - other.id)
      .map((member) => ({
        member,
        zone: member.zone === undefined ? `unit ${member.id}` : `zone ${member.zone}`,
        share: 0,
        held: new Set<number>(),
      }))
    this.#copies = Math.min(copies, this.#places.length)
    this.#spread = Math.min(this.#copies, zonesOf(this.#places))
    this.#logNames = Array.from({ length: partitions }, (_, at) => logNameOf(space, at))
    this.#holders = this.#logNames.map((_, partition) =>
      this.#places.filter(({ member }) => member.keeps.has(partition)),
    )
    for (const [partition, holders] of this.#holders.entries())
      for (const place of holders) place.held.add(partition)
    this.#shareOut()
  }

  /** By weight, but nobody keeps more than one copy of each. */
  #shareOut(): void {
    const { partitions } = this.#placing
    let rest = this.#copies * partitions
    let weights = this.#places.reduce((sum, { member }) => sum + member.weight, 0)
    const heaviest = [...this.#places].sort((one, other) => other.member.weight - one.member.weight)
    for (const place of heaviest) {
      place.share = Math.min(partitions, (rest * place.member.weight) / weights)
      rest -= place.share
      weights -= place.member.weight
    }
  }

  fill(): void {
    const scarcest = this.#holders
      .map((holders, partition) => ({ holders, partition, before: holders.length }))
      .sort((one, other) => one.before - other.before || one.partition - other.partition)
    for (const { holders, partition } of scarcest) {
      while (holders.length < this.#copies || zonesOf(holders) < this.#spread) {
        const place = this.#takerOf(partition, holders)
        if (!place) break
        holders.push(place)
        place.held.add(partition)
      }
      this.#missing += Math.max(0, this.#copies - holders.length)
    }
  }

  #takerOf(partition: number, holders: readonly Place[]): Place | undefined {
    const able = this.#places.filter((place) => !place.member.full && !holders.includes(place))
    const elsewhere = able.filter(({ zone }) => holders.every((holder) => holder.zone !== zone))
    if (zonesOf(holders) < this.#spread) {
      const found = this.#best(partition, elsewhere)
      if (found) return found
    }
    return holders.length < this.#copies ? this.#best(partition, able) : undefined
  }

  #best(partition: number, places: readonly Place[]): Place | undefined {
    const room = (place: Place) => {
      const { size } = place.held
      if (size + 1 <= place.share + epsilon) return 0
      return size < place.share - epsilon ? 1 : 2 + excessOf(place)
    }
    return first(
      places,
      (one, other) =>
        room(one) - room(other) || this.#score(other, partition) - this.#score(one, partition),
    )
  }

  /** Whoever is the most above its share gives up first, whichever partition it is. */
  shed(): void {
    const tooMany = new Set(
      [...this.#holders.keys()].filter((at) => this.#held(at).length > this.#copies),
    )
    while (tooMany.size > 0) {
      const spare = [...tooMany].flatMap((partition) => this.#spareOf(partition))
      const given = first(spare, (one, other) => this.#compareSpare(one, other))
      if (!given) return
      const { place, partition } = given
      const holders = this.#held(partition)
      holders.splice(holders.indexOf(place), 1)
      place.held.delete(partition)
      if (holders.length <= this.#copies) tooMany.delete(partition)
    }
  }

  /** Copies without which those that are left are in as many zones. */
  #spareOf(partition: number): Copy[] {
    const holders = this.#held(partition)
    const zones = Math.min(this.#spread, zonesOf(holders))
    return holders
      .filter((place) => zonesOf(holders.filter((other) => other !== place)) >= zones)
      .map((place) => ({ place, partition }))
  }

  /** What has been said already stays said. */
  #compareSpare(one: Copy, other: Copy): number {
    const isLeaving = ({ place, partition }: Copy) =>
      place.member.keeps.get(partition) === 'leaving'
    return (
      Number(isLeaving(other)) - Number(isLeaving(one)) ||
      compareExcess(other.place, one.place) ||
      this.#score(one.place, one.partition) - this.#score(other.place, other.partition)
    )
  }

  even(): void {
    const short = new Set(this.#places.filter(({ member }) => !member.full))
    while (short.size > 0) {
      const taker = first([...short], compareExcess)
      if (!taker || excessOf(taker) > -1 + epsilon) return
      // What nobody has begun to keep is free to be given to somebody else.
      const isTaken = this.#takeOne(taker, (giver, at) => !giver.member.keeps.has(at))
      if (!isTaken && !this.#takeOne(taker, () => true)) short.delete(taker)
    }
  }

  /** From whoever is most above its share and has one that the taker may have. */
  #takeOne(taker: Place, isFree: (giver: Place, partition: number) => boolean): boolean {
    const givers = this.#places
      .filter((place) => excessOf(place) > epsilon)
      .sort((one, other) => compareExcess(other, one))
    for (const giver of givers) {
      const partition = first(
        [...giver.held].filter((at) => isFree(giver, at) && this.#maySwap(at, giver, taker)),
        (one, other) => this.#score(taker, other) - this.#score(taker, one),
      )
      if (partition === undefined) continue
      const holders = this.#held(partition)
      holders[holders.indexOf(giver)] = taker
      giver.held.delete(partition)
      taker.held.add(partition)
      return true
    }
    return false
  }

  #maySwap(partition: number, giver: Place, taker: Place): boolean {
    const holders = this.#held(partition)
    if (taker.held.has(partition)) return false
    const after = holders.map((place) => (place === giver ? taker : place))
    return zonesOf(after) >= Math.min(this.#spread, zonesOf(holders))
  }

  target(): Target {
    const owners = this.#holders.map((holders) => holders.map(({ member }) => member))
    return { owners, copies: this.#copies, missing: this.#missing }
  }

  #held(partition: number): Place[] {
    return this.#holders[partition] as Place[]
  }

  #score(place: Place, partition: number): number {
    let scores = this.#scores.get(place)
    if (!scores) {
      scores = new Float64Array(this.#logNames.length).fill(-1)
      this.#scores.set(place, scores)
    }
    const known = scores[partition] as number
    if (known >= 0) return known
    const score = scoreOf(place.member, this.#logNames[partition] as string)
    scores[partition] = score
    return score
  }
}

const zonesOf = (places: readonly Place[]): number => new Set(places.map(({ zone }) => zone)).size

const excessOf = ({ held, share }: Place): number => held.size - share

/** Who is more below its share comes first; what differs by rounding only is equal. */
function compareExcess(one: Place, other: Place): number {
  const difference = excessOf(one) - excessOf(other)
  return Math.abs(difference) < epsilon ? 0 : difference
}

/** The first in an order; of equals the one that came first. */
function first<T>(items: readonly T[], compare: (one: T, other: T) => number): T | undefined {
  let best: T | undefined
  for (const item of items) if (best === undefined || compare(item, best) < 0) best = item
  return best
}
