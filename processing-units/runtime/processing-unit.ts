import {
  type Correction,
  checkCorrection,
  correctionCommand,
  hashOfCorrection,
} from '@spacegrid/grid/core/correction'
import type { AnyCommand, Space } from '@spacegrid/grid/core/definition'
import { GridError, isGridError } from '@spacegrid/grid/core/errors'
import { readValue } from '@spacegrid/grid/core/evolution'
import { type LogName, logNameOf } from '@spacegrid/grid/core/log-name'
import { checkEntryPlace } from '@spacegrid/grid/core/place'
import type { SpaceState } from '@spacegrid/grid/core/space-state'
import type { Cache } from '@spacegrid/grid/core/transaction'
import { checkFits, freezeInput } from '@spacegrid/grid/core/validation'
import type { Caller } from '@spacegrid/grid/doors/request/caller'
import type {
  AffinityStatus,
  BatchedQuery,
  CommandAnswer,
  EntryAnswer,
  ExecuteOptions,
  QueryAnswer,
  ReadOptions,
  Serving,
  SpaceStatus,
} from '@spacegrid/grid/doors/request/serving'
import { Auditor } from '@spacegrid/grid/engine/agreement/auditor'
import type { Life } from '@spacegrid/grid/engine/life/life'
import { Lives } from '@spacegrid/grid/engine/life/lives'
import type { Readiness } from '@spacegrid/grid/engine/life/readiness'
import type { Report } from '@spacegrid/grid/engine/life/role-event'
import type { LogLoad } from '@spacegrid/grid/engine/load/load-told'
import { inTime } from '@spacegrid/grid/engine/ports/clock'
import { ClockWatch } from '@spacegrid/grid/engine/replica/clock-watch'
import { type RehydrationSource, rehydrate } from '@spacegrid/grid/engine/replica/rehydration'
import { UnreadRecords } from '@spacegrid/grid/engine/replica/unread-records'
import type { Component, ComponentStatus } from '@spacegrid/grid/program/component'
import { aborted } from './aborted.ts'
import type { PartOperation } from './across/part-messages.ts'
import { Affinity } from './affinity/affinity.ts'
import { StoredReads } from './archive/stored-reads.ts'
import { CopySearch } from './copy-search.ts'
import { DefinitionTeller } from './definition-teller.ts'
import { Execution } from './execution.ts'
import { failedEvent } from './failed-event.ts'
import { FaultDesk } from './fault-desk.ts'
import { checkIdempotencyKey, inputFingerprint } from './idempotency.ts'
import { Incarnation, type IncarnationParts } from './incarnation.ts'
import type { MeldAgain } from './live/melded-again.ts'
import { UnitLive } from './live/unit-live.ts'
import { OfferedSnapshots } from './offered-snapshots.ts'
import { LoadControl } from './overload/load-control.ts'
import { queueingDelayOf } from './overload/queueing-delay-metric.ts'
import { doInPartition } from './part-operations.ts'
import { UnitPast } from './past/unit-past.ts'
import { PersistenceWatch } from './persistence-watch.ts'
import type { ProcessingUnitOptions } from './processing-unit-options.ts'
import type { Projections } from './projections.ts'
import { type UnitOfReactions, UnitReactions } from './reactions/unit-reactions.ts'
import { asItIs, Reads } from './reads.ts'
import { UnitFigures } from './unit-figures.ts'
import { defaultUnitOptions, type UnitOptions } from './unit-options.ts'
import { UnitPlace } from './unit-place.ts'
import type { UnitPorts } from './unit-ports.ts'
import { unknownIn } from './unknown.ts'

/** Pause before what has failed is tried again. */
const retryMs = 1000
/** An incarnation that ends sooner has probably met something that the next one meets as well. */
const shortLifeMs = 1000

/**
 * A processing unit: holds a full replica of one space and serves its commands and queries from
 * memory. It rehydrates by itself, and again whenever its replica can no longer follow the log; it
 * is ready only while its replica is exact, joined and not far behind. When it crashes nothing is
 * lost: what it acknowledged is in the log, what it did not is asked again by the caller.
 */
export class ProcessingUnit implements Serving, Component {
  readonly name: string
  readonly space: Space
  readonly live: UnitLive
  readonly #logName: LogName
  readonly #unitPlace: UnitPlace
  readonly #ports: UnitPorts
  readonly #options: UnitOptions
  readonly #watch: ClockWatch
  readonly #reads: Reads
  readonly #sources: readonly RehydrationSource[]
  readonly #report: Report
  readonly #faults: FaultDesk
  readonly #lives: Lives
  readonly #snapshots: OfferedSnapshots
  readonly #auditor: Auditor
  readonly #unread: UnreadRecords
  readonly archive: StoredReads
  readonly past: UnitPast
  #incarnation: Incarnation | undefined
  /** The log that the last incarnation followed has gone. */
  #logReplaced = false
  /** Identity of the log that the last incarnation followed. */
  #logFollowed: string | undefined
  /** Monotonic ms at which the incarnation began. */
  #bornAt = 0
  readonly #search: CopySearch
  #persistence: PersistenceWatch | undefined
  readonly #figures: UnitFigures
  readonly #load: LoadControl
  /** What all incarnations are made of. */
  readonly #parts: IncarnationParts
  /** undefined: no command declares an affinity. */
  readonly #affinity: Affinity | undefined
  /** What it has to do with reactions, its own and those of others. */
  readonly reactions: UnitReactions

  constructor(name: string, space: Space, ports: UnitPorts, options: ProcessingUnitOptions = {}) {
    const { sources = ['peer', 'reader', 'log'], report = () => undefined, ...rest } = options
    const { partition, ...settings } = rest
    this.name = name
    this.space = space
    this.#logName = logNameOf(space.name, partition)
    this.#ports = ports
    this.#options = { ...defaultUnitOptions, ...settings }
    this.#watch = new ClockWatch(ports.clock, (message) =>
      report({ kind: 'clock', level: 'warn', message }),
    )
    this.#sources = sources
    this.#report = report
    this.#lives = new Lives(ports.clock, report, {
      tell: (life) => this.#lifeOver(life),
      // What works at once again should serve at once again.
      pauseMs: ({ worked }) => {
        const isLong = ports.clock.monotonic() - this.#bornAt >= shortLifeMs
        return worked && isLong ? 0 : retryMs
      },
    })
    this.#search = new CopySearch(report)
    this.#faults = new FaultDesk(
      () => ports.random.id(),
      (error) => this.#failed(error),
    )
    this.#unitPlace = new UnitPlace(space, partition, this.#faults)
    const observed = queueingDelayOf(ports.telemetry, this.#logName)
    this.#load = new LoadControl({ ...ports, observed }, this.#options)
    const { messaging, clock, log, random, memory } = ports
    const { place } = this.#unitPlace
    this.#parts = {
      ...{ name, space, log, clock, random, memory, place },
      ...{ watch: this.#watch, faults: this.#faults, load: this.#load },
      definition: new DefinitionTeller(space, report),
      asking: { logName: this.#logName, messaging },
    }
    const now = () => this.#watch.time.now()
    this.#reads = new Reads(space, {
      ...{ name, clock, now, faults: this.#faults, place },
      ...{ load: this.#load, pending: () => this.pending },
      serves: () => this.#serves(),
      waitMsMax: this.#options.positionWaitMsMax,
    })
    const { openChanges } = ports
    this.past = new UnitPast(space, this.#reads, this.#faults, ports, () => this.state)
    const { liveBytesMax: bytesMax, archiveWaitMsMax: waitMsMax } = this.#options
    const layout = () => this.#incarnation?.state.layout
    this.archive = new StoredReads(space, { messaging, waitMsMax, layout })
    const at = { logName: this.#logName, space, partition }
    const asked = { ask: this.#reads, now }
    const meldAgain: MeldAgain = (...stretch) => this.past.meldAgain(...stretch)
    this.live = new UnitLive({
      ...at,
      ...asked,
      messaging,
      clock,
      bytesMax,
      openChanges,
      meldAgain,
    })
    this.#snapshots = new OfferedSnapshots(this.#logName, ports, this.#options, {
      replica: () => this.#serves().replica,
      isLike: (suspect) => this.#auditor.isLike(suspect),
      failed: (error) => this.#failed(error),
    })
    this.#unread = new UnreadRecords(ports.clock, (level, message) =>
      report({ kind: 'log', level, message }),
    )
    this.#auditor = new Auditor(ports, {
      logName: this.#logName,
      name,
      role: 'unit',
      tellMs: this.#options.auditMs,
      sampleEntries: this.#options.auditEntries,
      snapshotBytesMax: this.#options.snapshotBytesMax,
      diverged: (error) => this.#incarnation?.end(error),
      report: (level, message) => report({ kind: 'audit', level, message }),
    })
    this.#affinity = this.#affinityOf(ports)
    const where = { logName: this.#logName, place }
    this.reactions = new UnitReactions(this, where, ports, this.#options, this.#faults)
    this.#figures = new UnitFigures({
      ...{
        clock,
        log: ports.log,
        memory: ports.memory,
        place: this.#unitPlace.place,
        watch: this.#watch,
      },
      ...{ unread: this.#unread, auditor: this.#auditor, live: this.live, load: this.#load },
      ...{ affinity: this.#affinity, reactions: this.reactions },
    })
  }

  /** The replica as it is, exact at its position, to be looked at; undefined: there is none. */
  get state(): SpaceState | undefined {
    return this.#incarnation?.state
  }

  /** Undefined until it serves. */
  get projections(): Projections | undefined {
    return this.#incarnation?.madeProjections
  }

  /** Begins to rehydrate; `readiness` says when it serves. */
  start(): void {
    const { messaging, clock } = this.#ports
    const { persistWaitMsMax: waitMsMax } = this.#options
    const position = () => this.position
    const logName = this.#logName
    this.#persistence = new PersistenceWatch(logName, messaging, clock, waitMsMax, position)
    this.#auditor.start()
    this.#affinity?.start()
    this.reactions.start()
    this.live.start()
    this.#lives.start((life) => this.#live(life))
  }

  get position(): number {
    return this.#incarnation?.state.position ?? 0
  }

  /**
   * A command whose affinity key is hot is done by the key's home, which may be another unit; every
   * other one here.
   */
  execute(
    name: string,
    input: unknown,
    options: ExecuteOptions = {},
  ): Promise<CommandAnswer<number>> {
    if (this.#affinity?.hasHotKeys)
      try {
        const elsewhere = this.#affinity.elsewhere(name, input, options)
        if (elsewhere) return elsewhere
      } catch (error) {
        return Promise.reject(error)
      }
    return this.executeHere(name, input, options)
  }

  turnAway(name: string, caller: Caller): void {
    const command = this.space.commands.get(name)
    if (command) this.#incarnation?.runner.admission.enterEarly(command, caller)
  }

  /** Not an async function: the execution's own promise is the answer, one less per command. */
  executeHere(
    name: string,
    input: unknown,
    options: ExecuteOptions = {},
  ): Promise<CommandAnswer<number>> {
    try {
      const { answered, acknowledge } = this.#start(name, input, options)
      return acknowledge === 'persisted' ? this.#persisted(answered) : answered
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /**
   * Replaces an entry's value for an operator, if it still is of the version that the operator has
   * seen.
   * @throws GridError as `execute`; `unknown_cache`, `invalid_input` for a value that the cache
   * does not take; Rejection `entry_changed`
   */
  async correct(correction: Correction): Promise<CommandAnswer<number>> {
    checkCorrection(this.space, correction, this.#incarnation?.state.layout)
    const { place } = this.#unitPlace
    const hash = place && hashOfCorrection(this.space, correction, place)
    const command = correctionCommand(this.space, this.#serves().state)
    return await this.begin(command, correction, {}, hash)
  }

  /** Runs a command that is not the application's. */
  async begin(...begun: Parameters<UnitOfReactions['begin']>): Promise<CommandAnswer<number>> {
    return await this.#begin(...begun).answered
  }

  async #persisted(answered: Promise<CommandAnswer<number>>): Promise<CommandAnswer<number>> {
    await this.#persistence?.reach((await answered).position)
    return await answered
  }

  /**
   * What is asked of one partition beside its own commands and queries.
   * @throws GridError as `execute`
   */
  async part(operation: PartOperation, asked: object): Promise<unknown> {
    const runner = () => this.#serves().runner
    const [persistence, { reactions }] = [this.#persistence, this]
    const asPartition = { space: this.space.name, runner, persistence, reactions }
    return await doInPartition(asPartition, operation, asked)
  }

  /** What operators ask of the outbox: see `OutboxAsked`. */
  askOutbox(asked: object): Promise<unknown> {
    return this.reactions.ask(asked)
  }

  /** What time it is in the log, as far as this unit knows; ms since the epoch. */
  get logNow(): number {
    return this.#watch.time.now()
  }

  query(name: string, input: unknown, options = asItIs): Promise<QueryAnswer<number>> {
    return this.#reads.query(name, input, options)
  }

  queries(batch: readonly BatchedQuery[], options: ReadOptions = {}) {
    return this.#reads.queries(batch, options)
  }

  entry(cache: string, key: string, options: ReadOptions = {}): Promise<EntryAnswer<number>> {
    return this.#reads.entry(cache, key, options)
  }

  #affinityOf(ports: UnitPorts): Affinity | undefined {
    const declares = [...this.space.commands.values()].some(({ affinity }) => affinity)
    const isUsed = declares && !this.#unitPlace.place && this.#options.takesCommands
    if (!isUsed) return undefined
    const reach = (position: number) => this.reach(position)
    const bytesOf = (name: string, input: unknown) => {
      checkFits((this.space.commands.get(name) as AnyCommand).input, input, name)
      return freezeInput(input, name)
    }
    return new Affinity(ports, { unit: this, reach, bytesOf }, this.#options)
  }

  /** As of `Incarnation`. @throws GridError `not_ready`, `stopping` */
  async newest(): Promise<number> {
    return await this.#serves().newest()
  }

  /** Resolves when the replica has come so far, or when that has been waited for long enough. */
  protected async reach(position: number): Promise<void> {
    const incarnation = this.#incarnation
    if (!incarnation || incarnation.state.position >= position) return
    const { positionWaitMsMax } = this.#options
    await inTime(this.#ports.clock, positionWaitMsMax, (over) =>
      incarnation.replica.reach(position, over),
    )
  }

  /**
   * The entry as it is committed on this replica at this moment, without waiting for anything: what
   * a near cache would give, and never behind what this unit has answered.
   * @throws GridError `not_ready` while the unit does not serve
   */
  get<V>(cache: Cache<V>, key: string): V | undefined {
    const entries = this.#serves().entriesOf(cache)
    if (!entries) throw unknownIn(this.space, 'cache', cache.name)
    if (this.#unitPlace.place) checkEntryPlace(this.#unitPlace.place, cache, key)
    const value = entries.get(key)?.value
    if (cache.evolution === undefined || value === undefined) return value as V | undefined
    return readValue(cache, value) as V
  }

  /**
   * Whether it stays before a record that it cannot read: not ready, but reads are answered.
   * docs/decisions/0015.
   */
  get staysAndReads(): boolean {
    return this.#incarnation?.replica.unreadable !== undefined && this.#incarnation.serves
  }

  readiness(): Readiness {
    if (this.#lives.stopping) return { ready: false, reason: 'stopping' }
    const incarnation = this.#incarnation
    const doubt = this.#auditor.doubt()
    if (!incarnation) {
      const { text } = this.#search
      return { ready: false, reason: doubt === undefined ? text : `${doubt}; ${text}` }
    }
    const reason = doubt ?? incarnation.unready()
    return reason === undefined ? { ready: true } : { ready: false, reason }
  }

  /** Transactions that the log has not decided yet. */
  get pending(): number {
    return this.#incarnation?.runner.pendingCount ?? 0
  }

  get affinity(): AffinityStatus | undefined {
    return this.#affinity?.status()
  }

  get isFull(): boolean {
    return this.#ports.memory?.isFull ?? false
  }

  /** How it fares, for whoever scales the grid. */
  load(): LogLoad {
    return this.#figures.load(this.#incarnation)
  }

  status(): SpaceStatus & ComponentStatus {
    return this.#figures.status(this.#incarnation)
  }

  /** Takes no more commands, lets the open ones finish (bounded), says goodbye to the log. */
  async stop(): Promise<void> {
    if (this.#lives.stopping) return
    const over = this.#lives.stop()
    const incarnation = this.#incarnation
    const error = new GridError('stopping', 'The processing unit is stopping')
    const late = new AbortController()
    const timer = this.#ports.clock.after(this.#options.stopMsMax, () => {
      incarnation?.close(error)
      late.abort()
    })
    this.#affinity?.leave()
    this.reactions.leave()
    this.past.close()
    await this.#snapshots.stop()
    await Promise.all([incarnation?.drain(), this.#affinity?.drained(late.signal)])
    timer.cancel()
    await this.#affinity?.stop()
    await this.reactions.stop()
    await this.live.stop()
    await incarnation?.stop(error)
    await this.#auditor.stop()
    await this.#persistence?.stop()
    await over
  }

  #lifeOver({ failure, worked }: Life): void {
    if (!failure) return
    if (!worked) {
      this.#failed(failure)
      return
    }
    this.#logReplaced = isGridError(failure, 'log_replaced')
    if (this.#logReplaced) this.#persistence?.logReplaced()
    this.#report({
      kind: 'rehydrating',
      level: 'warn',
      message: `left service to rehydrate: ${failure.message}`,
      error: failure,
    })
  }

  /** One incarnation, from where its state comes to its end. */
  async #live(life: Life): Promise<void> {
    const { signal } = life
    const { log, messaging, clock } = this.#ports
    this.#search.begin()
    const rehydrated = await rehydrate(log, messaging, clock, {
      logName: this.#logName,
      sources: this.#sources,
      signal,
      logReplaced: this.#logReplaced,
      logFollowed: this.#logFollowed,
      suspect: this.#auditor.suspect,
      confirms: (position, digest) => this.#auditor.confirms(position, digest),
      progress: (progress) => this.#search.progressed(progress),
      failed: (from, error) => this.#search.failed(from, error),
    })
    const { state, source, logIdentity, copied } = rehydrated
    this.#logFollowed = logIdentity
    this.#search.found()
    // Stopped while the last answer came in: an incarnation made now would never be told.
    if (signal.aborted) return
    const { entryCount: entries, position } = state
    this.#report({
      kind: 'rehydrated',
      level: 'info',
      message: `rehydrated from ${source}: ${entries} entries at position ${position}`,
      details: { source, entries, position, ...copied },
    })
    const incarnation = new Incarnation(rehydrated, this.#parts, this.#options, (error) =>
      life.end(error),
    )
    incarnation.runner.whenCollided = this.#affinity?.collided
    this.#incarnation = incarnation
    this.#bornAt = clock.monotonic()
    this.#unread.follow(incarnation.replica, logIdentity)
    this.#auditor.follow(incarnation.replica)
    this.reactions.follow(incarnation.replica)
    incarnation.start()
    this.live.attach(incarnation.replica, () => incarnation.lag, logIdentity)
    life.works()
    const isOver = () => signal.aborted || this.#incarnation !== incarnation
    void this.#snapshots.offer(() => this.readiness().ready, isOver, signal)
    await aborted(signal)
    this.#auditor.rest()
    this.reactions.rest()
    this.live.detach()
    // Whoever stops the unit ends its last incarnation, when that has answered.
    if (this.#lives.stopping) return
    await this.#snapshots.stop()
    this.#incarnation = undefined
    this.#figures.lived(incarnation)
    await incarnation.replica.stop()
  }

  #failed(error: Error): void {
    this.#report(failedEvent(error))
  }

  /** On the way of every read: what is said when it does not serve is put together elsewhere. */
  #serves(): Incarnation {
    const incarnation = this.#incarnation
    if (incarnation?.serves && !this.#auditor.doubts && !this.#lives.stopping) return incarnation
    throw this.#servesNot()
  }

  #servesNot(): GridError {
    if (this.#lives.stopping)
      return new GridError('stopping', 'The processing unit is stopping', { retryAfterMs: 1000 })
    return new GridError(
      'not_ready',
      `The processing unit is not ready: ${this.readiness().reason}`,
      { retryAfterMs: 1000 },
    )
  }

  #start(name: string, input: unknown, options: ExecuteOptions): Execution {
    const command = this.space.commands.get(name)
    if (!command || command.partOnly) throw unknownIn(this.space, 'command', name)
    return this.#begin(command, input, options)
  }

  #begin(
    command: AnyCommand,
    input: unknown,
    { idempotencyKey, acknowledge, caller, withinMs = Number.POSITIVE_INFINITY }: ExecuteOptions,
    entryHash?: number,
  ): Execution {
    checkFits(command.input, input, command.name)
    const inputBytes = freezeInput(input, command.name)
    const hash = entryHash ?? this.#unitPlace.hashOf(command, input)
    const incarnation = this.#serves()
    if (idempotencyKey !== undefined) checkIdempotencyKey(idempotencyKey)
    const begun = this.#ports.clock.monotonic()
    incarnation.runner.admission.enter(command, caller, withinMs, begun)
    const deadline = begun + Math.min(withinMs, this.#options.commandMsMax)
    const execution = new Execution(command, input, deadline)
    execution.inputBytes = inputBytes
    execution.acknowledge = acknowledge ?? command.acknowledge
    execution.hash = hash
    if (caller) execution.cameAt = Math.ceil(begun)
    if (idempotencyKey !== undefined) {
      execution.idempotencyKey = idempotencyKey
      execution.fingerprint = inputFingerprint(input, command.name)
    }
    incarnation.runner.start(execution, begun)
    return execution
  }
}
