import type { Space } from '@spacegrid/grid/core/definition'
import { askedOf, isServing } from '@spacegrid/grid/engine/placement/keepers'
import { type Member, spareRole, unitRoles } from '@spacegrid/grid/engine/placement/member'

/**
 * Which units are asked about each partition, in order, as one of them sees it until there is news.
 * Commands go to those that take them, the home first. Reads are answered by whoever asks, if it
 * keeps the partition; else by query units in turn, and by the others where no query unit has it.
 */
export class AskedUnits {
  readonly #self: number
  readonly #taking: readonly (readonly Member[])[]
  /** undefined: there are no query units. */
  readonly #reading: readonly (readonly Member[])[] | undefined
  /** Query units have no room for what they lack. */
  readonly areReadersFull: boolean

  constructor({ name: space, partitions = 1 }: Space, members: readonly Member[], self: number) {
    this.#self = self
    const readers = members.filter(({ role }) => role === unitRoles.queries)
    const taking = members.filter(({ role }) => role !== unitRoles.queries && role !== spareRole)
    this.#taking = askedOf({ space, partitions, members: taking })
    if (readers.length > 0) this.#reading = askedOf({ space, partitions, members: readers })
    this.areReadersFull = readers.some(({ full }) => full)
  }

  forCommands(partition: number): readonly Member[] {
    return this.#taking[partition] ?? []
  }

  /** Query units alone. */
  readers(partition: number): readonly Member[] {
    return this.#reading?.[partition] ?? []
  }

  /** @param turn of those that may as well answer as the others, which one is first */
  forReads(partition: number, turn: number): readonly Member[] {
    const taking = this.forCommands(partition)
    const readers = this.readers(partition)
    const serves = ({ keeps }: Member) => isServing(keeps.get(partition))
    const asked = readers.length === 0 ? taking : inOrder([...readers, ...taking], serves)
    if (asked.length < 2) return asked
    const reading = readers.filter(serves)
    const serving = reading.length > 0 ? reading : taking.filter(serves)
    if (serving.length === 0) return asked
    const self = asked.find((member) => member.id === this.#self && serves(member))
    const first = self ?? (serving[turn % serving.length] as Member)
    return first === asked[0] ? asked : [first, ...asked.filter((it) => it !== first)]
  }
}

/** Those that serve before those that are about to. */
const inOrder = (members: readonly Member[], serves: (member: Member) => boolean) => [
  ...members.filter(serves),
  ...members.filter((member) => !serves(member)),
]
