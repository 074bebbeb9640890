import type { Space } from '@spacegrid/grid/core/definition'
import { type LogName, logNameOf } from '@spacegrid/grid/core/log-name'
import type { Report } from '@spacegrid/grid/engine/life/role-event'
import { roomShare } from '@spacegrid/grid/engine/memory/memory-watch'
import { describePlacement } from '@spacegrid/grid/engine/placement/describe'
import {
  type CopyState,
  type Member,
  spareRole,
  unitRoles,
} from '@spacegrid/grid/engine/placement/member'
import type { PlacementStatus } from '@spacegrid/grid/engine/placement/placement-status'
import { planOf } from '@spacegrid/grid/engine/placement/plan'
import { Presence } from '@spacegrid/grid/engine/placement/presence'
import type { Placing } from '@spacegrid/grid/engine/placement/target'
import { type Clock, sleep, type Timer } from '@spacegrid/grid/engine/ports/clock'
import type { Memory } from '@spacegrid/grid/engine/ports/memory'
import type { Messaging } from '@spacegrid/grid/engine/ports/messaging'
import type { Random } from '@spacegrid/grid/engine/ports/random'
import type { ProcessingUnitOptions } from '../processing-unit-options.ts'
import { Copy, type OpenCopy } from './copy.ts'

export interface KeepingPorts {
  readonly messaging: Messaging
  readonly clock: Clock
  readonly random: Random
  /** Left out: there is always room. */
  readonly memory?: Memory
  readonly open: OpenCopy
}

export interface KeepingOptions {
  /** Of each partition. */
  readonly copies: number
  /** Failure domain. */
  readonly zone: string | undefined
  /** Partitions taken over at the same time. */
  readonly movesMax: number
  /** It keeps copies, and nobody is to count on it before it is called up. */
  readonly isSpare?: boolean
  /** How long a process that stops waits for others to keep what only it keeps, ms. */
  readonly relieveMsMax: number
  readonly unit: ProcessingUnitOptions
}

const lookMs = 50
/** Without news it is planned so often, ms; with news not more often than the second says. */
const planMs = 500
const planMsMin = 150
/** Who has just come listens first: whoever is there has said so by then. */
const listenMs = 700
/** A partition must have been wanted for so long before it is begun, unless nobody keeps it. */
const wantedMs = 700
/** From saying that a copy is given up to giving it up: everyone has heard it by then, twice. */
const leaveMs = 1500
/**
 * From the share on at which a process takes over nothing more; what it keeps may grow from there
 * to where commands are refused (memory-watch.ts). Until it has room again by this much.
 */
const fullShare = roomShare
const freeShare = fullShare - 0.1

/**
 * Keeps the partitions of a space that this process is meant to keep: says what it keeps, plans,
 * begins what it lacks a few at a time, and gives up what enough others keep.
 */
export class Keeping {
  readonly presence: Presence
  #role: string
  readonly #name: string
  readonly #space: Space
  readonly #ports: KeepingPorts
  readonly #options: KeepingOptions
  readonly #reportOf: (logName: LogName) => Report
  readonly #changed: () => void
  readonly #copies = new Map<number, Copy>()
  readonly #closing = new Set<Promise<void>>()
  readonly #wantedSince = new Map<number, number>()
  #timer: Timer | undefined
  #startedAt = 0
  #plannedAt = Number.NEGATIVE_INFINITY
  #isNews = true
  #told: ReadonlyMap<number, CopyState> = new Map()
  #isFull = false
  #stopping = false

  /** @param changed somebody keeps something else than before */
  constructor(
    name: string,
    space: Space,
    ports: KeepingPorts,
    options: KeepingOptions,
    reportOf: (logName: LogName) => Report,
    changed: () => void,
  ) {
    this.#name = name
    this.#space = space
    this.#ports = ports
    this.#options = options
    this.#reportOf = reportOf
    this.#changed = changed
    const weight = Math.max(1, Math.round((ports.memory?.budgetBytes ?? 2 ** 30) / 2 ** 20))
    const takesCommands = options.unit.takesCommands ?? true
    this.#role = takesCommands ? unitRoles.commands : unitRoles.queries
    if (options.isSpare) this.#role = spareRole
    this.presence = new Presence(
      {
        ...{ space: space.name, name, role: this.#role, zone: options.zone, weight },
        hears: [...Object.values(unitRoles), ...(options.isSpare ? [spareRole] : [])],
        ...{ partitions: space.partitions ?? 1, copies: options.copies },
      },
      ports,
      () => ({ full: this.#isFull, stopping: this.#stopping, keeps: this.#told }),
      () => this.#news(),
    )
  }

  start(): void {
    this.#startedAt = this.#ports.clock.monotonic()
    this.presence.start()
    this.#look()
  }

  get isSpare(): boolean {
    return this.#role === spareRole
  }

  /** Somebody in its role keeps the partition ready. */
  isKept(partition: number): boolean {
    return this.#peers().some(({ keeps }) => keeps.get(partition) === 'ready')
  }

  /** A spare is one of the units that take commands from now on, with all that it keeps. */
  callUp(): void {
    this.#role = unitRoles.commands
    this.presence.become(this.#role)
    this.#news()
  }

  copy(partition: number): Copy | undefined {
    return this.#copies.get(partition)
  }

  get copies(): ReadonlyMap<number, Copy> {
    return this.#copies
  }

  /** It takes over nothing more. */
  get isFull(): boolean {
    return this.#isFull
  }

  get stopping(): boolean {
    return this.#stopping
  }

  status(): PlacementStatus {
    return describePlacement({ ...this.#placing(), members: this.presence.members() })
  }

  /**
   * Units that take commands and units that do not share the partitions among themselves, each as
   * if the others were not there: nobody counts on a copy that cannot do what it has to.
   */
  #peers(): Member[] {
    return this.presence.members().filter(({ role }) => role === this.#role)
  }

  /**
   * Says that it is going, waits (bounded) until others keep what only it keeps, says goodbye, and
   * gives everything up.
   */
  async stop(): Promise<void> {
    if (this.#stopping) return
    this.#stopping = true
    this.presence.tell()
    const { clock } = this.#ports
    const until = clock.monotonic() + this.#options.relieveMsMax
    while (clock.monotonic() < until && this.#isNeeded()) await sleep(clock, lookMs)
    this.#timer?.cancel()
    for (const copy of [...this.#copies.values()]) this.#close(copy)
    await Promise.all(this.#closing)
    // Whoever is told goodbye waits for nothing more that was passed on.
    await this.presence.stop()
  }

  /** Something is kept here alone, and there is somebody who could keep it. */
  #isNeeded(): boolean {
    const others = this.#peers().filter(({ id, stopping }) => id !== this.presence.id && !stopping)
    if (others.length === 0 || !this.presence.hears) return false
    return [...this.#copies.values()].some(
      ({ partition, state }) =>
        state !== 'joining' && !others.some(({ keeps }) => keeps.get(partition) === 'ready'),
    )
  }

  #look(): void {
    const { clock } = this.#ports
    const now = clock.monotonic()
    this.#measure()
    this.#tellOwn()
    const waitMs = this.#isNews ? planMsMin : planMs
    if (!this.#stopping && now - this.#plannedAt >= waitMs) this.#plan(now)
    this.#timer = clock.after(lookMs, () => this.#look())
  }

  #measure(): void {
    const { memory } = this.#ports
    if (!memory) return
    const share = memory.usedBytes() / memory.budgetBytes
    const isFull = share >= (this.#isFull ? freeShare : fullShare)
    if (isFull === this.#isFull) return
    this.#isFull = isFull
    this.#news()
    this.presence.tell()
  }

  /** What has become of the copies here is told at once. */
  #tellOwn(): void {
    const keeps = new Map([...this.#copies].map(([at, { state }]) => [at, state] as const))
    const told = this.#told
    const isSame =
      keeps.size === told.size && [...keeps].every(([at, state]) => told.get(at) === state)
    if (isSame) return
    this.#told = keeps
    this.presence.tell()
    this.#news()
  }

  #news(): void {
    this.#isNews = true
    this.#changed()
  }

  #placing(): Placing {
    const { name: space, partitions = 1 } = this.#space
    return { space, partitions, copies: this.#options.copies, members: this.#peers() }
  }

  #plan(now: number): void {
    // Who does not hear the others changes nothing: it is not they who have gone.
    if (!this.presence.hears || now - this.#startedAt < listenMs) return
    this.#isNews = false
    this.#plannedAt = now
    const placing = this.#placing()
    const { movesMax } = this.#options
    const plan = planOf({ ...placing, self: this.presence.id, movesMax })
    for (const partition of plan.abandon) this.#giveUp(partition)
    for (const partition of plan.stay) this.#mark(partition, undefined)
    for (const copy of [...this.#copies.values()]) {
      const since = copy.leavingSince
      if (since !== undefined && now - since >= leaveMs) this.#giveUp(copy.partition)
    }
    for (const partition of plan.leave) this.#mark(partition, now)
    this.#begin(plan.begin, plan.waiting, placing.members, now)
    this.#tellOwn()
  }

  #begin(
    begin: readonly number[],
    waiting: readonly number[],
    members: readonly Member[],
    now: number,
  ): void {
    const wanted = new Set([...begin, ...waiting])
    for (const partition of this.#wantedSince.keys())
      if (!wanted.has(partition)) this.#wantedSince.delete(partition)
    for (const partition of wanted)
      if (!this.#wantedSince.has(partition)) this.#wantedSince.set(partition, now)
    for (const partition of begin) {
      const isKept = members.some(({ keeps }) => keeps.has(partition))
      if (isKept && now - (this.#wantedSince.get(partition) as number) < wantedMs) continue
      this.#wantedSince.delete(partition)
      const copy = new Copy(partition, {
        name: this.#name,
        space: this.#space,
        clock: this.#ports.clock,
        open: this.#ports.open,
        options: this.#options.unit,
        report: this.#reportOf(logNameOf(this.#space.name, partition)),
      })
      this.#copies.set(partition, copy)
    }
  }

  #mark(partition: number, leavingSince: number | undefined): void {
    const copy = this.#copies.get(partition)
    if (copy) copy.leavingSince = leavingSince
  }

  #giveUp(partition: number): void {
    const copy = this.#copies.get(partition)
    if (!copy) return
    this.#close(copy)
    this.#reportOf(logNameOf(this.#space.name, partition))({
      kind: 'placement',
      level: 'info',
      message: 'given up: others keep it',
    })
  }

  #close(copy: Copy): void {
    this.#copies.delete(copy.partition)
    const closing = copy.stop().finally(() => this.#closing.delete(closing))
    this.#closing.add(closing)
  }
}
