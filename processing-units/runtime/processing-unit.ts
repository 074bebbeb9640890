import {
  type Correction,
  checkCorrection,
  correctionCommand,
  hashOfCorrection,
} from '@spacegrid/grid/core/correction'
import type { AnyCommand, Space } from '@spacegrid/grid/core/definition'
import { GridError } from '@spacegrid/grid/core/errors'
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
import { keptTraceOf } from '@spacegrid/grid/doors/request/trace'
import type { Readiness } from '@spacegrid/grid/engine/life/readiness'
import type { Report } from '@spacegrid/grid/engine/life/role-event'
import type { LogLoad } from '@spacegrid/grid/engine/load/load-told'
import { MeldTelemetry } from '@spacegrid/grid/engine/measure/meld-telemetry'
import { MeldTracing } from '@spacegrid/grid/engine/measure/meld-tracing'
import { inTime } from '@spacegrid/grid/engine/ports/clock'
import { ClockWatch } from '@spacegrid/grid/engine/replica/clock-watch'
import type { RehydrationSource } from '@spacegrid/grid/engine/replica/rehydration'
import type { Component, ComponentStatus } from '@spacegrid/grid/program/component'
import type { PartOperation } from './across/part-messages.ts'
import { Affinity } from './affinity/affinity.ts'
import { StoredReads } from './archive/stored-reads.ts'
import { DefinitionTeller } from './definition-teller.ts'
import { Execution } from './execution.ts'
import { failedEvent } from './failed-event.ts'
import { FaultDesk } from './fault-desk.ts'
import { checkIdempotencyKey, inputFingerprint } from './idempotency.ts'
import type { MeldAgain } from './live/melded-again.ts'
import { UnitLive } from './live/unit-live.ts'
import { observedPorts } from './observed-ports.ts'
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
import { UnitLives } from './unit-lives.ts'
import { defaultUnitOptions, type UnitOptions } from './unit-options.ts'
import { UnitPlace } from './unit-place.ts'
import type { UnitPorts } from './unit-ports.ts'
import { unknownIn } from './unknown.ts'

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
  /** undefined: nobody looks. */
  readonly #melds: MeldTelemetry | undefined
  readonly #meldTraces: MeldTracing | undefined
  readonly #reads: Reads
  readonly #faults: FaultDesk
  readonly #lives: UnitLives
  readonly archive: StoredReads
  readonly past: UnitPast
  #persistence: PersistenceWatch | undefined
  readonly #figures: UnitFigures
  readonly #load: LoadControl
  /** undefined: no command declares an affinity. */
  readonly #affinity: Affinity | undefined
  /** What it has to do with reactions, its own and those of others. */
  readonly reactions: UnitReactions

  constructor(name: string, space: Space, given: UnitPorts, options: ProcessingUnitOptions = {}) {
    const { sources = ['peer', 'reader', 'log'], report = () => undefined, ...rest } = options
    const { partition, ...settings } = rest
    this.name = name
    this.space = space
    this.#logName = logNameOf(space.name, partition)
    const ports = observedPorts(given, this.#logName)
    this.#ports = ports
    this.#options = { ...defaultUnitOptions, ...settings }
    this.#watch = new ClockWatch(ports.clock, (message) =>
      report({ kind: 'clock', level: 'warn', message }),
    )
    const { telemetry, tracing } = ports
    const traced = { 'spacegrid.unit': name, 'spacegrid.space': this.#logName }
    this.#meldTraces = tracing && new MeldTracing(tracing, traced)
    const logNow = () => this.#watch.time.now()
    this.#melds = telemetry && new MeldTelemetry(telemetry, ports.clock, this.#logName, logNow)
    this.#faults = new FaultDesk(
      () => ports.random.id(),
      (error) => report(failedEvent(error)),
    )
    this.#unitPlace = new UnitPlace(space, partition, this.#faults)
    const observed = queueingDelayOf(ports.telemetry, this.#logName)
    this.#load = new LoadControl({ ...ports, observed }, this.#options)
    this.#lives = this.#livesOf(sources, report)
    const { messaging, clock, log, memory } = ports
    const { place } = this.#unitPlace
    const now = logNow
    this.#reads = new Reads(space, {
      ...{ name, clock, now, faults: this.#faults, place },
      ...{ load: this.#load, pending: () => this.pending },
      serves: () => this.#lives.serving(),
      waitMsMax: this.#options.positionWaitMsMax,
    })
    const { openChanges } = ports
    this.past = new UnitPast(space, this.#reads, this.#faults, ports, () => this.state)
    const { liveBytesMax: bytesMax, archiveWaitMsMax: waitMsMax } = this.#options
    const layout = () => this.#lives.incarnation?.state.layout
    this.archive = new StoredReads(space, { messaging, waitMsMax, layout })
    const at = { logName: this.#logName, space, partition }
    const asked = { ask: this.#reads, now }
    const meldAgain: MeldAgain = (...stretch) => this.past.meldAgain(...stretch)
    this.live = new UnitLive({
      ...{ ...at, ...asked, messaging, clock },
      ...{ bytesMax, openChanges, meldAgain },
    })
    this.#affinity = this.#affinityOf(ports)
    const where = { logName: this.#logName, place }
    this.reactions = new UnitReactions(this, where, ports, this.#options, this.#faults)
    const { unread, auditor } = this.#lives
    this.#figures = new UnitFigures({
      ...{ clock, log, memory, place, watch: this.#watch },
      ...{ unread, auditor, live: this.live, load: this.#load },
      ...{ affinity: this.#affinity, reactions: this.reactions },
    })
  }

  /** The replica as it is, exact at its position, to be looked at; undefined: there is none. */
  get state(): SpaceState | undefined {
    return this.#lives.incarnation?.state
  }

  /** Undefined until it serves. */
  get projections(): Projections | undefined {
    return this.#lives.incarnation?.madeProjections
  }

  /** Begins to rehydrate; `readiness` says when it serves. */
  start(): void {
    const { messaging, clock } = this.#ports
    const { persistWaitMsMax: waitMsMax } = this.#options
    const position = () => this.position
    const logName = this.#logName
    this.#persistence = new PersistenceWatch(logName, messaging, clock, waitMsMax, position)
    this.#affinity?.start()
    this.reactions.start()
    this.live.start()
    this.#lives.start()
  }

  get position(): number {
    return this.#lives.incarnation?.state.position ?? 0
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
    if (command) this.#lives.incarnation?.runner.admission.enterEarly(command, caller)
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
    checkCorrection(this.space, correction, this.#lives.incarnation?.state.layout)
    const { place } = this.#unitPlace
    const hash = place && hashOfCorrection(this.space, correction, place)
    const command = correctionCommand(this.space, this.#lives.serving().state)
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
    const runner = () => this.#lives.serving().runner
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

  #livesOf(sources: readonly RehydrationSource[], report: Report): UnitLives {
    const { name, space } = this
    const [logName, ports] = [this.#logName, this.#ports]
    const { messaging, clock, log, random, memory, tracing } = ports
    const incarnations = {
      ...{ name, space, log, clock, random, memory, place: this.#unitPlace.place, tracing },
      ...{ watch: this.#watch, faults: this.#faults, load: this.#load },
      definition: new DefinitionTeller(space, report),
      asking: { logName, messaging },
    }
    const readiness = () => this.readiness()
    const parts = { logName, ports, sources, incarnations, readiness, report }
    return new UnitLives(parts, this.#options, {
      born: ({ runner, replica }) => {
        runner.whenCollided = this.#affinity?.collided
        this.reactions.follow(replica)
      },
      follows: (incarnation, logIdentity) => {
        this.live.attach(incarnation.replica, () => incarnation.lag, logIdentity)
        this.#melds?.follow(incarnation.replica)
        this.#meldTraces?.follow(incarnation.replica)
      },
      over: () => {
        this.reactions.rest()
        this.live.detach()
      },
      gone: (incarnation) => this.#figures.lived(incarnation),
      logReplaced: () => this.#persistence?.logReplaced(),
    })
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
    return await this.#lives.serving().newest()
  }

  /** Resolves when the replica has come so far, or when that has been waited for long enough. */
  protected async reach(position: number): Promise<void> {
    const incarnation = this.#lives.incarnation
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
    const entries = this.#lives.serving().entriesOf(cache)
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
    return (
      this.#lives.incarnation?.replica.unreadable !== undefined && this.#lives.incarnation.serves
    )
  }

  readiness(): Readiness {
    return this.#lives.readiness()
  }

  /** Transactions that the log has not decided yet. */
  get pending(): number {
    return this.#lives.incarnation?.runner.pendingCount ?? 0
  }

  get affinity(): AffinityStatus | undefined {
    return this.#affinity?.status()
  }

  get isFull(): boolean {
    return this.#ports.memory?.isFull ?? false
  }

  /** How it fares, for whoever scales the grid. */
  load(): LogLoad {
    return this.#figures.load(this.#lives.incarnation)
  }

  status(): SpaceStatus & ComponentStatus {
    return this.#figures.status(this.#lives.incarnation)
  }

  /** Takes no more commands, lets the open ones finish (bounded), says goodbye to the log. */
  async stop(): Promise<void> {
    if (this.#lives.stopping) return
    const over = this.#lives.stop()
    const incarnation = this.#lives.incarnation
    const error = new GridError('stopping', 'The processing unit is stopping')
    const late = new AbortController()
    const timer = this.#ports.clock.after(this.#options.stopMsMax, () => {
      incarnation?.close(error)
      late.abort()
    })
    this.#affinity?.leave()
    this.reactions.leave()
    this.past.close()
    await this.#lives.snapshots.stop()
    await Promise.all([incarnation?.drain(), this.#affinity?.drained(late.signal)])
    timer.cancel()
    await this.#affinity?.stop()
    await this.reactions.stop()
    await this.live.stop()
    await incarnation?.stop(error)
    await this.#lives.auditor.stop()
    await this.#persistence?.stop()
    await over
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
    const incarnation = this.#lives.serving()
    if (idempotencyKey !== undefined) checkIdempotencyKey(idempotencyKey)
    const begun = this.#ports.clock.monotonic()
    incarnation.runner.admission.enter(command, caller, withinMs, begun)
    const deadline = begun + Math.min(withinMs, this.#options.commandMsMax)
    const execution = new Execution(command, input, deadline)
    execution.inputBytes = inputBytes
    execution.acknowledge = acknowledge ?? command.acknowledge
    execution.hash = hash
    if (caller) {
      execution.cameAt = Math.ceil(begun)
      if (this.#ports.tracing) execution.trace = keptTraceOf(caller.origin)
    }
    if (caller?.identity) execution.context = { caller: caller.identity }
    if (idempotencyKey !== undefined) {
      execution.idempotencyKey = idempotencyKey
      execution.fingerprint = inputFingerprint(input, command.name)
    }
    incarnation.runner.start(execution, begun)
    return execution
  }
}
