import { keepersOf } from './keepers.ts'
import { type CopyState, type Member, spareRole, unitRoles } from './member.ts'
import type { MemberStatus, PlacementStatus, QueryPlacement } from './placement-status.ts'
import { type Placing, targetOf } from './target.ts'

/** Who keeps what, as people and programs want to see it. `placing`: units of both roles. */
export function describePlacement(placing: Placing): PlacementStatus {
  const readers = placing.members.filter(({ role }) => role === unitRoles.queries)
  const taking = placing.members.filter(({ role }) => !isApart(role))
  const commands = { ...placing, members: taking }
  const copies = Math.max(...readers.map((reader) => reader.copies ?? placing.copies))
  return {
    partitions: placing.partitions,
    ...describeKept(commands),
    homes: keepersOf(commands).map(([home]) => home?.name ?? null),
    ...(readers.length > 0
      ? { queryUnits: describeKept({ ...placing, copies, members: readers }) }
      : {}),
  }
}

const isApart = (role: string): boolean => role === unitRoles.queries || role === spareRole

/** Among those of one role. */
function describeKept(placing: Placing): QueryPlacement {
  const { partitions, members } = placing
  const { copies, missing } = targetOf(placing)
  const ready = (partition: number) =>
    members.filter(({ keeps }) => keeps.get(partition) === 'ready').length
  return {
    copies: placing.copies,
    members: [...members].sort((one, other) => (one.name < other.name ? -1 : 1)).map(describe),
    moving: members.reduce((sum, member) => sum + inState(member, 'joining').length, 0),
    scarce: Array.from({ length: partitions }, (_, at) => at).filter((at) => ready(at) < copies),
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
