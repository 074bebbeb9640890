import { isGridError } from '../core/errors.ts'
import { type LogName, logNamesOf, partitionOf } from '../core/log-name.ts'
import type { Readiness } from '../engine/life/readiness.ts'
import type { CopyState, Member } from '../engine/placement/member.ts'
import { Presence, type PresencePorts } from '../engine/placement/presence.ts'
import { ranking } from '../engine/placement/rendezvous.ts'
import type { Timer } from '../engine/ports/clock.ts'
import type { Component, ComponentStatus } from './component.ts'

export interface SharedWorkOptions {
  readonly space: string
  readonly partitions: number
  /** Such as `data-pump`: work is shared among those of one role. */
  readonly role: string
  /** Of this process, unique in the grid. */
  readonly name: string
  /** @throws GridError when it cannot be done just now */
  readonly open: (logName: LogName) => Promise<OpenedPart>
}

/** A component that was made for a partition, and is not started yet. */
export interface OpenedPart {
  readonly component: Component
  /** Closes what it has worked with, once it has stopped. */
  close(): Promise<void>
}

interface Part extends OpenedPart {
  /** Since when the one who comes first has been ready for it while this one works, ms. */
  yieldSince: number | undefined
  /** It works no sooner than this for the one who comes first, ms: that one did not take over. */
  yieldNotBefore: number
  yieldPauseMs: number
  isLeaving: boolean
}

/** Those who work, or stand by, for one partition. */
const keepersMax = 2
/** A process that starts listens for so long before it believes to be alone. */
const listenMs = 700
const lookMs = 200
/** Components that are on their way into service at the same time: each may copy a partition. */
const startsMax = 4
/** The one who comes first has to be ready for so long before the other one makes room. */
const yieldAfterMs = 1000
const yieldPauseMsMin = 10_000
const yieldPauseMsMax = 600_000
/** Partitions that are named when they are not ready. */
const namedMax = 3

/**
 * The work of one role for a divided space, shared among the processes that run. For each partition
 * everyone ranks them alike (rendezvous): the first works, the second stands by, the others have
 * nothing to do with it. Who works for what is the components' own affair as ever: each is fenced,
 * so two who both think to be first do no harm; this only says who is there, and has whoever works
 * make room for the one who comes before it. One who dies is missed within seconds, and its
 * partitions are in the hands of those who stood by.
 */
export class SharedWork implements Component {
  readonly #options: SharedWorkOptions
  readonly #ports: PresencePorts
  readonly #presence: Presence
  readonly #logNames: readonly LogName[]
  readonly #parts = new Map<LogName, Part>()
  readonly #opening = new Set<LogName>()
  readonly #under = new Set<Promise<void>>()
  #startedAt = 0
  #timer: Timer | undefined
  #isStopping = false
  #problem: string | undefined

  constructor(options: SharedWorkOptions, ports: PresencePorts) {
    this.#options = options
    this.#ports = ports
    const { space, partitions, role, name } = options
    this.#logNames = logNamesOf(space, partitions)
    this.#presence = new Presence(
      { space, role, name, zone: undefined, weight: 1, partitions, copies: keepersMax },
      ports,
      () => ({ full: false, stopping: this.#isStopping, keeps: this.#keeps() }),
      () => this.#look(),
    )
  }

  get parts(): ReadonlyMap<LogName, Component> {
    const parts = this.#logNames.flatMap((logName) => {
      const part = this.#parts.get(logName)
      return part ? [[logName, part.component] as const] : []
    })
    return new Map(parts)
  }

  start(): void {
    this.#startedAt = this.#ports.clock.monotonic()
    this.#presence.start()
    this.#repeat()
  }

  async stop(): Promise<void> {
    this.#isStopping = true
    this.#timer?.cancel()
    this.#presence.tell()
    await Promise.all(this.#under)
    await Promise.all([...this.#parts.keys()].map((logName) => this.#leave(logName)))
    await this.#presence.stop()
  }

  readiness(): Readiness {
    if (this.#isStopping) return { ready: false, reason: 'stopping' }
    if (!this.#hasListened) return { ready: false, reason: 'starting' }
    const reasons = this.#problem === undefined ? [] : [this.#problem]
    for (const [logName, { component, isLeaving }] of this.#parts) {
      const { ready, reason = 'not ready' } = component.readiness()
      if (!ready && !isLeaving) reasons.push(`${logName}: ${reason}`)
    }
    if (reasons.length === 0) return { ready: true }
    const more = reasons.length > namedMax ? [`${reasons.length - namedMax} more`] : []
    return { ready: false, reason: [...reasons.slice(0, namedMax), ...more].join('; ') }
  }

  status(): ComponentStatus {
    const states = new Set([...this.#parts.values()].map((part) => part.component.status().state))
    return { state: [...states].sort().join(', ') }
  }

  get #hasListened(): boolean {
    return this.#ports.clock.monotonic() - this.#startedAt >= listenMs
  }

  #keeps(): Map<number, CopyState> {
    const keeps = new Map<number, CopyState>()
    for (const [logName, { component, isLeaving }] of this.#parts) {
      const state = isLeaving ? 'leaving' : component.readiness().ready ? 'ready' : 'joining'
      keeps.set(partitionOf(logName) as number, state)
    }
    return keeps
  }

  #repeat(): void {
    this.#timer = this.#ports.clock.after(lookMs, () => {
      this.#repeat()
      this.#look()
    })
  }

  #look(): void {
    // Who hears nobody does not know who is there: everything stays as it is.
    if (this.#isStopping || !this.#hasListened || !this.#presence.hears) return
    const members = this.#presence.members().filter(({ stopping }) => !stopping)
    for (const logName of this.#logNames) this.#lookAt(logName, ranking(members, logName))
  }

  #lookAt(logName: LogName, ranked: readonly Member[]): void {
    const place = ranked.findIndex(({ id }) => id === this.#presence.id)
    const part = this.#parts.get(logName)
    const isReady = (member: Member | undefined) =>
      member?.keeps.get(partitionOf(logName) as number) === 'ready'
    if (place < keepersMax) {
      if (!part) this.#begin(logName)
      else this.#yieldIfDue(part, place > 0 && isReady(ranked[0]))
    } else if (part && !part.isLeaving && ranked.slice(0, keepersMax).every(isReady))
      this.#track(this.#leave(logName))
  }

  /**
   * When the one who comes first does not take over, this one does again by itself; then it is a
   * while before it makes room once more.
   */
  #yieldIfDue(part: Part, isFirstReady: boolean): void {
    const now = this.#ports.clock.monotonic()
    const { component } = part
    if (!isFirstReady || !component.yield || component.status().state !== 'active') {
      part.yieldSince = undefined
      return
    }
    part.yieldSince ??= now
    if (now - part.yieldSince < yieldAfterMs || now < part.yieldNotBefore) return
    part.yieldNotBefore = now + part.yieldPauseMs
    part.yieldPauseMs = Math.min(2 * part.yieldPauseMs, yieldPauseMsMax)
    component.yield()
  }

  #begin(logName: LogName): void {
    if (this.#opening.has(logName) || this.#starting() >= startsMax) return
    this.#opening.add(logName)
    this.#track(this.#open(logName))
  }

  #starting(): number {
    const joining = [...this.#parts.values()].filter(({ component }) => {
      const { state } = component.status()
      return state === 'starting' || state === 'rehydrating'
    })
    return this.#opening.size + joining.length
  }

  async #open(logName: LogName): Promise<void> {
    try {
      const opened = await this.#options.open(logName)
      if (this.#isStopping) {
        await opened.close()
        return
      }
      this.#parts.set(logName, {
        component: opened.component,
        close: () => opened.close(),
        ...{ yieldSince: undefined, yieldNotBefore: 0, yieldPauseMs: yieldPauseMsMin },
        isLeaving: false,
      })
      opened.component.start()
      this.#problem = undefined
    } catch (error) {
      if (!isGridError(error)) throw error
      this.#problem = `${logName}: ${error.message}`
    } finally {
      this.#opening.delete(logName)
    }
  }

  /** Whoever asks is told that it is about to go; then it does. */
  async #leave(logName: LogName): Promise<void> {
    const part = this.#parts.get(logName)
    if (!part || part.isLeaving) return
    part.isLeaving = true
    this.#presence.tell()
    await part.component.stop()
    await part.close()
    this.#parts.delete(logName)
    this.#presence.tell()
  }

  #track(work: Promise<void>): void {
    this.#under.add(work)
    const failed = (error: unknown) => {
      // A bug of ours: the process must not go on as if nothing were.
      queueMicrotask(() => {
        throw error
      })
    }
    void work.catch(failed).finally(() => this.#under.delete(work))
  }
}
