import { type Placing, targetOf } from './target.ts'

export interface PlanInput extends Placing {
  /** `id` of the member whose plan it is. */
  readonly self: number
  /** Partitions that it takes over at the same time. */
  readonly movesMax: number
}

/** What one member is to do about the partitions that it keeps, or should. */
export interface Plan {
  /** To be taken over now. */
  readonly begin: readonly number[]
  /** Should be kept as well, when those before have been taken over. */
  readonly waiting: readonly number[]
  /** Kept, meant for others, ready on enough of them: to be said, and given up a while after. */
  readonly leave: readonly number[]
  /** Was to be given up, and is needed after all. */
  readonly stay: readonly number[]
  /** On its way into memory, and needed elsewhere by now. */
  readonly abandon: readonly number[]
  /** Copies that nobody has room for. */
  readonly missing: number
}

/**
 * What a member has to do, going by what it knows of the others. Whatever others believe meanwhile,
 * as long as each gives a copy up only in two steps (it says so, and looks once more), nobody gives
 * up what another one counts on.
 */
export function planOf(input: PlanInput): Plan {
  const { members, self, movesMax } = input
  const { owners, copies, missing } = targetOf(input)
  const keeps = members.find(({ id }) => id === self)?.keeps ?? new Map()
  const readyElsewhere = (partition: number) =>
    members.filter(
      ({ id, stopping, keeps: its }) => id !== self && !stopping && its.get(partition) === 'ready',
    ).length
  const isMeant = (partition: number) => owners[partition]?.some(({ id }) => id === self) === true
  const isSpare = (partition: number) => !isMeant(partition) && readyElsewhere(partition) >= copies
  const inState = (state: string) =>
    [...keeps].flatMap(([partition, its]) => (its === state ? [partition] : []))
  const joining = inState('joining')
  const abandon = joining.filter((at) => !isMeant(at) && readyElsewhere(at) > 0)
  const lacking = [...owners.keys()]
    .filter((partition) => isMeant(partition) && !keeps.has(partition))
    .sort((one, other) => readyElsewhere(one) - readyElsewhere(other) || one - other)
  const free = Math.max(0, movesMax - (joining.length - abandon.length))
  return {
    begin: lacking.slice(0, free),
    waiting: lacking.slice(free),
    leave: inState('ready').filter(isSpare),
    stay: inState('leaving').filter((partition) => !isSpare(partition)),
    abandon,
    missing,
  }
}
