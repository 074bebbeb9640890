import { Compatibility } from '@spacegrid/grid/core/compatibility'
import type { Space } from '@spacegrid/grid/core/definition'
import type { Entry } from '@spacegrid/grid/core/entry'
import { GridError } from '@spacegrid/grid/core/errors'
import { type Frame, FrameKind } from '@spacegrid/grid/core/frame'
import type { Place } from '@spacegrid/grid/core/place'
import type { SpaceState } from '@spacegrid/grid/core/space-state'
import type { AnyCache } from '@spacegrid/grid/core/transaction'
import type { MemoryWatch } from '@spacegrid/grid/engine/memory/memory-watch'
import type { Clock, Timer } from '@spacegrid/grid/engine/ports/clock'
import type { Log, LogBounds } from '@spacegrid/grid/engine/ports/log'
import type { Random } from '@spacegrid/grid/engine/ports/random'
import type { Tracing } from '@spacegrid/grid/engine/ports/tracing'
import type { ClockWatch } from '@spacegrid/grid/engine/replica/clock-watch'
import { stoppedText } from '@spacegrid/grid/engine/replica/record-reader'
import type { Rehydrated } from '@spacegrid/grid/engine/replica/rehydration'
import { Replica } from '@spacegrid/grid/engine/replica/replica'
import { ArchiveDesk } from './archive/archive-desk.ts'
import type { StoreAsking } from './archive/store-asking.ts'
import { CommandRunner } from './command-runner.ts'
import { DefinitionAdoption } from './definition-adoption.ts'
import type { DefinitionTeller } from './definition-teller.ts'
import { Expirer } from './expirer.ts'
import type { FaultDesk } from './fault-desk.ts'
import { FrameChain } from './frame-chain.ts'
import { Freshness } from './freshness.ts'
import type { LoadControl } from './overload/load-control.ts'
import { Projections } from './projections.ts'
import { NewestElsewhere } from './query-unit/newest-elsewhere.ts'
import { outboxOf } from './reactions/outbox-commands.ts'
import type { UnitOptions } from './unit-options.ts'

const tickMs = 50
const boundsMs = 500

/** What each life of a unit is made of, its state apart. */
export interface IncarnationParts {
  /** Of the unit. */
  readonly name: string
  readonly space: Space
  readonly log: Log
  readonly clock: Clock
  readonly watch: ClockWatch
  readonly random: Random
  readonly faults: FaultDesk
  readonly definition: DefinitionTeller
  /** Where the store, and other units, can be asked. */
  readonly asking: StoreAsking
  readonly load: LoadControl
  /** Whether there is room in every process of the space. */
  readonly memory: MemoryWatch | undefined
  /** The partition, of a space with several. */
  readonly place: Place | undefined
  /** undefined: nobody traces commands. */
  readonly tracing: Tracing | undefined
}

/**
 * One life of a processing unit: from an exact state to the moment its replica can no longer follow
 * the log, or the unit stops. Whatever is pending ends with it; the next life starts from a fresh
 * state.
 */
export class Incarnation {
  readonly state: SpaceState
  readonly replica: Replica
  readonly runner: CommandRunner
  /** What the store holds that is not in memory. */
  readonly archive: ArchiveDesk
  /** How old the state is. */
  readonly freshness: Freshness
  /** What the application makes of what its other versions write. */
  readonly version: Compatibility
  readonly #log: Log
  readonly #clock: Clock
  readonly #watch: ClockWatch
  readonly #options: UnitOptions
  readonly #chain: FrameChain
  readonly #expirer: Expirer
  readonly #ended: (error: Error) => void
  #projections: Projections | undefined
  #melding: Frame | undefined
  /** The log has to be told the time: for whoever joins, or because it has been left behind. */
  #needsTime = false
  /** When the log stored the frame that is being melded, as it says. */
  #stamp = 0
  #timers: Timer[] = []
  #lastKnown = 0
  /**
   * Where the log ended when it was first asked: what is stored is not known before the replica has
   * come so far.
   */
  #beginning: number | undefined
  #disconnectedSince: number | undefined
  readonly #adoption: DefinitionAdoption
  /** undefined: it takes commands, and knows by itself. */
  readonly #newestElsewhere: NewestElsewhere | undefined
  #draining = false
  #drained: (() => void) | undefined
  #closed = false
  /**
   * The cache that `get` has read last, and its entries: to look up its name takes as long as to
   * look up an entry.
   */
  #read: AnyCache | undefined
  #readEntries: ReadonlyMap<string, Entry> | undefined

  constructor(
    { state, timeSeen }: Pick<Rehydrated, 'state' | 'timeSeen'>,
    parts: IncarnationParts,
    options: UnitOptions,
    ended: (error: Error) => void,
  ) {
    const { name, space, log, clock, watch, random, faults, asking, load, memory, place } = parts
    this.#log = log
    this.#clock = clock
    this.#watch = watch
    this.#options = options
    this.#ended = ended
    this.state = state
    const known = (data: Uint8Array) => this.#chain.sentAs(data)
    this.replica = new Replica(log, state, { clock, known, timeSeen })
    this.freshness = new Freshness(this.replica, clock, () => this.#readBounds())
    const { time } = watch
    const says = () => watch.says(state.time)
    const { delay } = load
    const { tracing } = parts
    const sent = { log, clock, says, random, state, unit: name, delay, tracing }
    this.#chain = new FrameChain(sent, options)
    const { definition } = parts
    this.#adoption = new DefinitionAdoption(
      {
        ...{ space, state, log, clock, definition },
        isThere: () => this.#isThere,
        isOver: () => this.#closed,
        adopted: () => {
          this.#projections = new Projections(space, state, faults)
        },
      },
      options,
    )
    const { caches } = space
    this.version = new Compatibility(caches, () => state.layout)
    const { version } = this
    const unfit = options.takesCommands ? () => this.#unfit() : takesNone
    const outbox = outboxOf(space, state, options.outboxMax)
    const sending = { state, chain: this.#chain, clock, time, random, faults, outbox, place }
    const { archiveWaitMsMax } = options
    this.archive = new ArchiveDesk(state, clock, asking, archiveWaitMsMax)
    const { archive } = this
    this.runner = new CommandRunner(
      { ...sending, space, version, memory, unfit, archive, load },
      options,
    )
    const { admission } = this.runner
    this.#expirer = new Expirer({ ...sending, caches, admission }, options, {
      changed: (cache, key) => this.runner.changedElsewhere(cache, key),
      more: () => this.#sweep(),
    })
    this.#newestElsewhere = options.takesCommands
      ? undefined
      : new NewestElsewhere(asking, clock, options.positionWaitMsMax)
    this.#disconnectedSince = clock.monotonic()
  }

  /** The committed entries of a cache; undefined when the log knows no such cache. */
  entriesOf(cache: AnyCache): ReadonlyMap<string, Entry> | undefined {
    if (cache !== this.#read) {
      const layout = this.state.layout.named(cache.name)
      this.#readEntries = layout && this.state.cache(layout.number).entries
      this.#read = this.#readEntries && cache
    }
    return this.#readEntries
  }

  /** Undefined until it serves. */
  get madeProjections(): Projections | undefined {
    return this.#projections
  }

  get projections(): Projections {
    if (!this.#projections) throw new Error('the incarnation does not serve yet')
    return this.#projections
  }

  /** Positions between the newest one known and the replica's. */
  get lag(): number {
    return Math.max(0, this.#lastKnown - this.state.position)
  }

  start(): void {
    this.#watch.follow(this.replica)
    this.replica.listen({
      melding: (frame, _, time) => {
        this.#melding = frame
        this.#needsTime = frame.kind === FrameKind.join && this.#watch.contradicts(time)
        this.#stamp = time
      },
      accepted: (frame) => this.#chain.accepted(frame),
      changed: (write, before) => {
        this.#projections?.changed(write, before)
        if (!this.#isOwn(this.#melding)) this.runner.changedElsewhere(write.cache, write.key)
      },
      decided: (index, _transaction, _id, evaluation) =>
        this.#chain.decided(this.#melding, index, evaluation),
      melded: (frame, accepted) => this.#melded(frame, accepted),
      connected: (connected) => {
        this.#disconnectedSince = connected ? undefined : this.#clock.monotonic()
        if (connected) this.#driveChain()
      },
      broken: (error) => this.end(error),
    })
    this.replica.start()
    this.#every(tickMs, () => this.#tick())
    this.#every(boundsMs, () => void this.#readBounds())
    if (this.#options.takesCommands && this.#options.expirySweepMs > 0)
      this.#every(this.#options.expirySweepMs, () => this.#sweep())
    void this.#readBounds()
    this.#driveChain()
  }

  /** Why it cannot serve; undefined when it can. */
  unready(): string | undefined {
    if (this.#closed) return 'the replica has to be rebuilt'
    if (this.replica.unreadable) return stoppedText(this.replica.unreadable)
    if (this.#adoption.conflict) return this.#adoption.conflict.message
    if (!this.#isThere) return 'reading the log'
    if (this.#adoption.isLooking) return 'looking whether this version can read what is stored'
    if (!this.#projections) return `the definition is not in the log yet${this.#whoWritesIt}`
    if (this.#options.takesCommands && !this.#chain.joined) return 'joining the log'
    if (!this.replica.connected) return 'the log is not connected'
    if (this.lag > this.#options.lagPositionsMax) return `${this.lag} positions behind the log`
    return undefined
  }

  get #whoWritesIt(): string {
    return this.#options.takesCommands ? '' : ': a unit that takes commands writes it'
  }

  /**
   * Whether queries can be answered: from an exact state, even if it is cut off from the log, or
   * stays before a record that it cannot read.
   */
  get serves(): boolean {
    return (
      !this.#closed &&
      this.#projections !== undefined &&
      (this.replica.unreadable !== undefined ||
        this.#lastKnown - this.state.position <= this.#options.lagPositionsMax)
    )
  }

  /** Why commands have no chance just now. During a hiccup of the log they are taken, and wait. */
  #unfit(): GridError | undefined {
    const { unreadable } = this.replica
    if (unreadable) return notReady(`is not ready: ${stoppedText(unreadable)}`, 1000)
    if (this.#cutOff)
      return new GridError('log_unavailable', 'The log cannot be reached', { retryAfterMs: 1000 })
    return this.#chain.joined ? undefined : notReady('is joining the log', 200)
  }

  /**
   * Whether the log has been away for longer than a hiccup, or takes nothing although it can be
   * heard (most of its servers are gone, its disk is full).
   */
  get #cutOff(): boolean {
    if (this.#chain.silentMs > this.#options.silentMsMax) return true
    return (
      this.#disconnectedSince !== undefined &&
      this.#clock.monotonic() - this.#disconnectedSince > this.#options.disconnectedMsMax
    )
  }

  /** How long the log has said nothing of the oldest frame on its way, ms; 0: there is none. */
  get silentMs(): number {
    return this.#chain.silentMs
  }

  /**
   * Resolves with a position by which the log has everything that was stored when this was called.
   * The replica of a unit that takes commands has come so far by then.
   */
  newest(): Promise<number> {
    return this.#newestElsewhere?.ask() ?? this.runner.barrier()
  }

  /**
   * Lets open commands finish, says goodbye and waits until the log has it. Ends early when the
   * incarnation is closed.
   */
  async drain(): Promise<void> {
    this.#draining = true
    await this.runner.drained()
    // What the log has decided about them cannot be seen from here.
    if (this.replica.unreadable) return
    // Commands whose callers were told `accepted` may still be waiting for their frame.
    await this.#idle()
    if (this.#closed) return
    this.#chain.leave()
    await this.#idle()
  }

  /** Resolves once the log has decided everything that was sent, or the incarnation is closed. */
  async #idle(): Promise<void> {
    if (this.#closed || this.#chain.idle) return
    await new Promise<void>((resolve) => {
      this.#drained = resolve
    })
  }

  /** Its replica can no longer follow the log, or is not what it should be. */
  end(error: Error): void {
    this.close(
      new GridError('not_ready', 'The replica has to be rebuilt', {
        cause: error,
        retryAfterMs: 1000,
      }),
    )
    this.#ended(error)
  }

  close(error: GridError): void {
    if (this.#closed) return
    this.#closed = true
    for (const timer of this.#timers.splice(0)) timer.cancel()
    // Callers first: what the chain gives up is not to be executed again.
    this.runner.close(error)
    this.archive.close()
    this.#chain.close(error)
    this.#drained?.()
  }

  async stop(error: GridError): Promise<void> {
    this.close(error)
    await this.replica.stop()
  }

  #melded(frame: Frame | undefined, accepted: boolean): void {
    this.#melding = undefined
    this.#projections?.settle(this.state.position)
    this.#chain.melded(frame, accepted)
    if (
      frame &&
      this.#isOwn(frame) &&
      this.#watch.sent(frame.at ?? 0, this.#stamp, this.state.time)
    )
      this.#needsTime = true
    if (this.#needsTime) this.#chain.beat()
    this.#needsTime = false
    if (frame?.kind === FrameKind.shape || !this.#projections) this.#adoption.adopt()
    this.runner.rerun()
    if (this.#chain.idle) this.#drained?.()
  }

  #isOwn(frame: Frame | undefined): boolean {
    return frame !== undefined && 'origin' in frame && frame.origin === this.#chain.origin
  }

  get #isThere(): boolean {
    if (this.replica.unreadable) return true
    return this.#beginning !== undefined && this.state.position >= this.#beginning
  }

  #tick(): void {
    this.runner.expire()
    // What is sent meanwhile could not be seen to come back.
    if (!this.replica.unreadable) this.#driveChain()
    this.#watch.tick()
    if (this.#options.takesCommands && this.#watch.mustTell) this.#chain.tellTime()
    this.#adoption.tick()
  }

  /** A chain that is never driven never joins, and then sends nothing else either. */
  #driveChain(): void {
    if (this.#options.takesCommands) this.#chain.tick()
  }

  #sweep(): void {
    if (!this.#draining && this.unready() === undefined) this.#expirer.sweep()
  }

  async #readBounds(): Promise<LogBounds | undefined> {
    const askedAt = this.#clock.monotonic()
    try {
      const bounds = await this.#log.bounds()
      const { last } = bounds
      this.#lastKnown = last
      this.#chain.newestKnown = last
      this.freshness.heard(askedAt, last)
      if (this.#beginning === undefined) {
        this.#beginning = last
        if (!this.#closed) this.#adoption.adopt()
      }
      return bounds
    } catch (error) {
      // Not reachable just now; the tail says so by itself.
      if (!(error instanceof GridError)) throw error
      return undefined
    }
  }

  #every(ms: number, run: () => void): void {
    const at = this.#timers.length
    const again = () => {
      this.#timers[at] = this.#clock.after(ms, () => {
        if (this.#closed) return
        run()
        again()
      })
    }
    this.#timers.push({ cancel: () => undefined })
    again()
  }
}

const takesNone = (): GridError => notReady('takes no commands (ROLE=query)', 1000)

const notReady = (what: string, retryAfterMs: number): GridError =>
  new GridError('not_ready', `The processing unit ${what}`, { retryAfterMs })
