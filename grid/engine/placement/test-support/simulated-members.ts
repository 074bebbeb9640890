import type { Keeping } from '../keepers.ts'
import type { CopyState, Member } from '../member.ts'
import { type PlanInput, planOf } from '../plan.ts'

export interface MemberOptions {
  readonly name?: string
  readonly weight?: number
  readonly zone?: string
  readonly full?: boolean
}

/** Members as they would be, each with its own view of the others; time passes in rounds. */
export class SimulatedMembers {
  readonly partitions: number
  readonly copies: number
  /** Copies that were begun. */
  begun = 0
  /** Members that have begun one since it was last looked at. */
  readonly begunBy: Member[] = []
  #members: SimulatedMember[] = []
  #nextId = 1

  constructor(partitions: number, copies: number) {
    this.partitions = partitions
    this.copies = copies
  }

  add(options: MemberOptions = {}): SimulatedMember {
    const id = this.#nextId++
    const member = new SimulatedMember(id, { name: `unit-${id}`, ...options }, this)
    this.#members.push(member)
    return member
  }

  remove(member: SimulatedMember): void {
    this.#members = this.#members.filter((it) => it !== member)
  }

  get all(): readonly SimulatedMember[] {
    return this.#members
  }

  /**
   * Everyone hears of some of the others, by `hears`, and then does one step of its plan; what it
   * has begun is ready when it has been begun for a while.
   */
  round(hears: () => boolean = () => true): void {
    for (const member of this.#members) member.hear(this.#members, hears)
    for (const member of this.#members) member.act()
  }

  /** @throws Error when it takes more rounds than it should */
  settle(roundsMax = 2000): void {
    let quiet = 0
    for (let round = 0; quiet < 4; round++) {
      if (round > roundsMax) throw new Error(`not settled after ${roundsMax} rounds`)
      const before = this.text()
      this.round()
      quiet = this.text() === before ? quiet + 1 : 0
    }
  }

  text(): string {
    return this.#members.map((it) => `${it.id}:${[...it.keeps].sort().join(' ')}`).join('\n')
  }

  /** Who keeps what, as somebody sees it who sees these. */
  keeping(members: readonly Member[] = this.#members): Keeping {
    return { space: 'shop', partitions: this.partitions, members }
  }

  /** Of each partition the members that keep it in one of these states. */
  holders(...states: CopyState[]): SimulatedMember[][] {
    return Array.from({ length: this.partitions }, (_, partition) =>
      this.#members.filter(({ keeps }) => {
        const state = keeps.get(partition)
        return state !== undefined && states.includes(state)
      }),
    )
  }
}

const roundsToJoin = 2
const roundsToLeave = 2

export class SimulatedMember implements Member {
  readonly id: number
  readonly name: string
  readonly role = 'unit'
  readonly weight: number
  readonly zone: string | undefined
  full: boolean
  stopping = false
  readonly keeps = new Map<number, CopyState>()
  readonly #since = new Map<number, number>()
  readonly #world: SimulatedMembers
  #view = new Map<number, Member>()
  #round = 0

  constructor(id: number, options: MemberOptions & { name: string }, world: SimulatedMembers) {
    this.id = id
    this.name = options.name
    this.weight = options.weight ?? 1
    this.zone = options.zone
    this.full = options.full ?? false
    this.#world = world
  }

  hear(members: readonly SimulatedMember[], hears: () => boolean): void {
    const there = new Set(members.map(({ id }) => id))
    for (const id of this.#view.keys()) if (!there.has(id) && hears()) this.#view.delete(id)
    for (const member of members)
      if (member === this || hears()) this.#view.set(member.id, snapshotOf(member))
  }

  input(): PlanInput {
    const { partitions, copies } = this.#world
    const others = [...this.#view.values()].filter(({ id }) => id !== this.id)
    const members = [...others, snapshotOf(this)]
    return { space: 'shop', partitions, copies, members, self: this.id, movesMax: 2 }
  }

  act(): void {
    this.#round += 1
    for (const [partition, state] of this.keeps)
      if (state === 'joining' && this.#age(partition) >= roundsToJoin) this.#set(partition, 'ready')
    const plan = planOf(this.input())
    for (const partition of plan.abandon) this.keeps.delete(partition)
    for (const partition of plan.stay) this.#set(partition, 'ready')
    for (const [partition, state] of this.keeps)
      if (state === 'leaving' && this.#age(partition) >= roundsToLeave) this.keeps.delete(partition)
    for (const partition of plan.leave) this.#set(partition, 'leaving')
    for (const partition of plan.begin) {
      this.#set(partition, 'joining')
      this.#world.begun += 1
      this.#world.begunBy.push(this)
    }
  }

  #set(partition: number, state: CopyState): void {
    this.keeps.set(partition, state)
    this.#since.set(partition, this.#round)
  }

  #age(partition: number): number {
    return this.#round - (this.#since.get(partition) ?? 0)
  }
}

const snapshotOf = (member: SimulatedMember): Member => ({
  id: member.id,
  name: member.name,
  role: member.role,
  weight: member.weight,
  zone: member.zone,
  full: member.full,
  stopping: member.stopping,
  keeps: new Map(member.keeps),
})
