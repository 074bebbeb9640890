import { isGridError } from '../../core/errors.ts'
import type { Clock, Timer } from '../ports/clock.ts'
import type { Messaging, Subscription } from '../ports/messaging.ts'
import type { Random } from '../ports/random.ts'
import { subjects } from '../wire/subjects.ts'
import type { Member } from './member.ts'
import { decodePresence, encodePresence, type PresenceTold } from './presence-message.ts'

const tellMs = 500
/** Who has said nothing for this long is not there. */
const silentMsMax = 2000
const lookMs = 100
/** Who has not heard itself for this long hears nobody: whether others are there it cannot say. */
const deafMs = 1200
/** What is told at once, because something has changed, is not told more often. */
const tellMsMin = 20
/** Those that are noticed; beyond, newcomers are not. */
const membersMax = 1024
/** Words that were overtaken by a goodbye may still come. */
const goodbyeMs = 10_000

export interface PresencePorts {
  readonly messaging: Messaging
  readonly clock: Clock
  readonly random: Random
}

/** Who a process is, for as long as it runs. */
export type Self = Pick<
  PresenceTold,
  'name' | 'role' | 'zone' | 'weight' | 'partitions' | 'copies'
> & {
  readonly space: string
  /** Roles of those that it counts with. Default: its own. */
  readonly hears?: readonly string[]
}

/** How it is just now. */
export type Condition = Pick<Member, 'full' | 'stopping' | 'keeps' | 'hot'>

interface Heard {
  readonly told: PresenceTold
  at: number
}

/**
 * Who works for a space in one role, or in several that count with each other: each says every half
 * second that it is there, and how it is, at once when that changes or somebody comes, and goodbye
 * when it leaves. Whoever is silent for 2 s is not there; when it speaks again, it is back. A
 * process that does not hear itself (frozen, or without a connection) forgets nobody meanwhile: it
 * is not the others that have gone.
 */
export class Presence {
  #self: Self
  readonly #hearsRoles: readonly string[]
  readonly #id: number
  readonly #ports: PresencePorts
  readonly #condition: () => Condition
  readonly #changed: () => void
  readonly #others = new Map<number, Heard>()
  readonly #goodbyes = new Map<number, number>()
  #subscription: Subscription | undefined
  #timer: Timer | undefined
  #soon: Timer | undefined
  #count = 0
  #toldAt = Number.NEGATIVE_INFINITY
  #heardSelfAt = Number.NEGATIVE_INFINITY
  #stopped = false

  /** @param changed somebody has come or gone, or is otherwise than before */
  constructor(
    self: Self,
    ports: PresencePorts,
    condition: () => Condition,
    changed: () => void = () => undefined,
  ) {
    this.#self = self
    this.#hearsRoles = self.hears ?? [self.role]
    this.#id = ports.random.integer()
    this.#ports = ports
    this.#condition = condition
    this.#changed = changed
  }

  get id(): number {
    return this.#id
  }

  start(): void {
    const { messaging } = this.#ports
    this.#subscription = messaging.subscribe(subjects.presence(this.#self.space), ({ data }) =>
      this.#hear(data),
    )
    this.#look()
  }

  /** Says goodbye: from now on nobody counts on this process. */
  async stop(): Promise<void> {
    if (this.#stopped) return
    this.#stopped = true
    this.#timer?.cancel()
    this.#soon?.cancel()
    this.#publish(true)
    await this.#subscription?.stop()
  }

  /** Everyone that it counts with, this process included. */
  members(): Member[] {
    return [this.self(), ...[...this.#others.values()].map(({ told }) => told)]
  }

  self(): Member {
    const { name, role, zone, weight, copies } = this.#self
    return { id: this.#id, name, role, zone, weight, copies, ...this.#condition() }
  }

  /** Another process, as long as it is there. */
  other(id: number): Member | undefined {
    return this.#others.get(id)?.told
  }

  /** Whether what it knows of the others is of now. */
  get hears(): boolean {
    return this.#ports.clock.monotonic() - this.#heardSelfAt < deafMs
  }

  /** From now on it works in another role: who hears that one meets somebody new. */
  become(role: string): void {
    this.#self = { ...this.#self, role }
    this.#publish(false)
  }

  /** Something about this process has changed. */
  tell(): void {
    if (this.#stopped || this.#soon) return
    const sinceMs = this.#ports.clock.monotonic() - this.#toldAt
    this.#soon = this.#ports.clock.after(Math.max(0, tellMsMin - sinceMs), () => {
      this.#soon = undefined
      this.#publish(false)
    })
  }

  #look(): void {
    const now = this.#ports.clock.monotonic()
    // Whoever was kept from listening gives the others their time again.
    if (!this.hears) for (const heard of this.#others.values()) heard.at = now
    let isChanged = false
    for (const [id, { at }] of this.#others)
      if (now - at > silentMsMax) isChanged = this.#others.delete(id)
    for (const [id, at] of this.#goodbyes) if (now - at > goodbyeMs) this.#goodbyes.delete(id)
    if (now - this.#toldAt >= tellMs) this.#publish(false)
    this.#timer = this.#ports.clock.after(lookMs, () => this.#look())
    if (isChanged) this.#changed()
  }

  #publish(gone: boolean): void {
    const { messaging, clock } = this.#ports
    this.#toldAt = clock.monotonic()
    const { partitions, copies } = this.#self
    const told = { ...this.self(), count: ++this.#count, gone, partitions, copies }
    try {
      messaging.publish(subjects.presence(this.#self.space), encodePresence(told))
    } catch (error) {
      // Not connected just now: it is told again within half a second.
      if (!isGridError(error)) throw error
    }
  }

  #hear(data: Uint8Array): void {
    const told = decodePresence(data)
    if (!told || !this.#hearsRoles.includes(told.role) || this.#stopped) return
    const now = this.#ports.clock.monotonic()
    if (told.id === this.#id) {
      this.#heardSelfAt = now
      return
    }
    const before = this.#others.get(told.id)
    if (before && told.count <= before.told.count) return
    if (told.gone) {
      if (this.#goodbyes.size < membersMax) this.#goodbyes.set(told.id, now)
      if (this.#others.delete(told.id)) this.#changed()
      return
    }
    if (this.#goodbyes.has(told.id)) return
    if (!before && this.#others.size >= membersMax) return
    this.#others.set(told.id, { told, at: now })
    // A newcomer hears at once who is there.
    if (!before) this.tell()
    if (!before || !isSame(before.told, told)) this.#changed()
  }
}

const isSame = (one: Member, other: Member): boolean =>
  one.full === other.full &&
  one.stopping === other.stopping &&
  one.weight === other.weight &&
  one.zone === other.zone &&
  one.keeps.size === other.keeps.size &&
  [...one.keeps].every(([partition, state]) => other.keeps.get(partition) === state) &&
  hasSameKeys(one.hot, other.hot)

/** How hot they are is always otherwise. */
const hasSameKeys = (one: Member['hot'], other: Member['hot']): boolean =>
  (one?.size ?? 0) === (other?.size ?? 0) &&
  [...(one?.keys() ?? [])].every((hash) => other?.has(hash) === true)
