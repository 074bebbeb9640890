import { keepersOf } from './keepers.ts'
import type { CopyState, Member } from './member.ts'
import type { MemberStatus, PlacementStatus } from './placement-status.ts'
import { type Placing, targetOf } from './target.ts'

/** Who keeps what, as people and programs want to see it. */
export function describePlacement(placing: Placing): PlacementStatus {
  const { partitions, members } = placing
  const { copies, missing } = targetOf(placing)
  const keepers = keepersOf(placing)
  const ready = (partition: number) =>
    members.filter(({ keeps }) => keeps.get(partition) === 'ready').length
  return {
    partitions,
    copies: placing.copies,
    members: [...members].sort((one, other) => (one.name < other.name ? -1 : 1)).map(describe),
    homes: keepers.map(([home]) => home?.name ?? null),
    moving: members.reduce((sum, member) => sum + inState(member, 'joining').length, 0),
    scarce: [...keepers.keys()].filter((partition) => ready(partition) < copies),
    missing,
  }
}

const describe = (member: Member): MemberStatus => ({
  name: member.name,
  zone: member.zone ?? null,
  weight: member.weight,
  full: member.full,
  stopping: member.stopping,
  ready: inState(member, 'ready'),
  joining: inState(member, 'joining'),
  leaving: inState(member, 'leaving'),
})

const inState = ({ keeps }: Member, state: CopyState): number[] =>
  [...keeps]
    .flatMap(([partition, its]) => (its === state ? [partition] : []))
    .sort((one, other) => one - other)
