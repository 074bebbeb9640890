import { type Correction, checkCorrectionShape } from '@spacegrid/grid/core/correction'
import type { Space } from '@spacegrid/grid/core/definition'
import { type LogName, logNameOf } from '@spacegrid/grid/core/log-name'
import { type PositionToken, positionsOf, tokenOf, tokenOfAll } from '@spacegrid/grid/core/position'
import type {
  BatchAnswer,
  BatchedQuery,
  CommandAnswer,
  EntryAnswer,
  ExecuteOptions,
  QueryAnswer,
  ReadOptions,
  Serving,
  SpaceStatus,
} from '@spacegrid/grid/doors/request/serving'
import type { Readiness } from '@spacegrid/grid/engine/life/readiness'
import type { Report } from '@spacegrid/grid/engine/life/role-event'
import type { LogLoad } from '@spacegrid/grid/engine/load/load-told'
import { isServing } from '@spacegrid/grid/engine/placement/keepers'
import type { Member } from '@spacegrid/grid/engine/placement/member'
import type { PlacementStatus } from '@spacegrid/grid/engine/placement/placement-status'
import type { Component, ComponentStatus } from '@spacegrid/grid/program/component'
import { CommandsWithParts } from '../across/commands-with-parts.ts'
import type { Cared } from '../across/hold-care.ts'
import type { PartOperation } from '../across/part-messages.ts'
import { StoredReads } from '../archive/stored-reads.ts'
import { FaultDesk } from '../fault-desk.ts'
import { PastRoom } from '../past/past-room.ts'
import type { ProcessingUnit } from '../processing-unit.ts'
import { askOutboxes } from '../reactions/ask-outboxes.ts'
import { checkedAsk } from '../reactions/outbox-desk.ts'
import { defaultUnitOptions, type UnitOptions } from '../unit-options.ts'
import { unknownIn } from '../unknown.ts'
import type { OpenCopy } from './copy.ts'
import { DividedLive } from './divided-live.ts'
import { DividedPast } from './divided-past.ts'
import { Keeping, type KeepingOptions, type KeepingPorts } from './keeping.ts'
import { PartitionAsking } from './partition-asking.ts'
import { partitionOfInput, partitionOfValue } from './partition-of.ts'
import { PartitionReads } from './partition-reads.ts'
import { PassedRequests } from './passed-requests.ts'

export interface PartitionedUnitOptions extends Partial<KeepingOptions> {
  /** Partitions that a scattered query is asked of at the same time. */
  readonly scatterMax?: number
  /** Told what people should know of the space, or of the log of a partition. Default: nothing. */
  readonly reportOf?: (logName: LogName) => Report
}

/**
 * The processing unit of a space with several partitions: keeps the partitions that it is meant to
 * keep (`Keeping`), and serves all of them. A command goes to the home of its partition, a query
 * is answered here or by anyone who keeps it; what is not here is passed on, once, and its answer
 * comes back as it is. Who keeps what is a matter of speed only: the logs decide.
 */
export class PartitionedUnit implements Serving, Component {
  readonly name: string
  readonly space: Space
  readonly live: DividedLive
  readonly #ports: KeepingPorts
  readonly #options: KeepingOptions
  /** Those of each partition's unit. */
  readonly #unitOptions: UnitOptions
  readonly #keeping: Keeping
  readonly #asking: PartitionAsking
  readonly #faults: FaultDesk
  /** Query units have had all partitions among them, since this one is there. */
  #wereAllRead = false
  readonly #passedHere: PassedRequests
  readonly archive: StoredReads
  readonly past: DividedPast
  readonly #withParts: CommandsWithParts
  readonly #reads: PartitionReads
  /** Called when it keeps other partitions than before. */
  whenKept: () => void = () => undefined

  constructor(
    name: string,
    space: Space,
    ports: KeepingPorts,
    options: PartitionedUnitOptions = {},
  ) {
    const { reportOf = () => () => undefined, scatterMax = 16, ...settings } = options
    this.name = name
    this.space = space
    this.#ports = ports
    this.#options = {
      ...{ copies: 2, zone: undefined, movesMax: 2, relieveMsMax: 8000, unit: {} },
      ...settings,
    }
    this.#unitOptions = { ...defaultUnitOptions, ...this.#options.unit }
    const pastRoom = new PastRoom()
    const open: OpenCopy = async (partition) => ({ ...(await ports.open(partition)), pastRoom })
    this.#keeping = new Keeping(name, space, { ...ports, open }, this.#options, reportOf, () =>
      this.#news(),
    )
    this.#asking = new PartitionAsking(space, this.#keeping, ports)
    const { messaging, clock } = ports
    this.#passedHere = new PassedRequests(messaging, clock, (at) => this.#keeping.copy(at)?.unit)
    this.#faults = new FaultDesk(
      () => ports.random.id(),
      (error) =>
        reportOf(space.name)({
          kind: 'application_fault',
          level: 'error',
          message: `the application is at fault: ${error.message}`,
          error,
          details: { ...error.told },
        }),
    )
    this.#reads = new PartitionReads(space, {
      ...{ clock, scatterMax, waitMsMax: this.#unitOptions.positionWaitMsMax },
      atKeepers: (ask) => this.#asking.ask(ask),
      judge: (query, thrown) =>
        this.#faults.judge({ kind: 'query', name: query.name, declared: query }, thrown),
    })
    this.past = new DividedPast(this.#reads, scatterMax)
    this.archive = new StoredReads(space, {
      messaging: ports.messaging,
      waitMsMax: this.#unitOptions.archiveWaitMsMax,
      layout: () =>
        [...this.#keeping.copies.values()].find(({ unit }) => unit?.state)?.unit?.state?.layout,
    })
    this.live = new DividedLive({
      ...{ space, clock },
      askKeepers: (partition, request, withinMs, here) =>
        this.#asking.ask({ partition, request, withinMs, isOnce: false, here }),
      query: (query, input, asked) => this.query(query, input, asked),
    })
    this.#withParts = new CommandsWithParts({
      ...{ space, clock: ports.clock, random: ports.random, faults: this.#faults },
      ask: (asked) => this.#asking.askPart(asked),
      logNow: () => this.logNow,
      homes: () => this.#homes(),
      executeAt: (...asked) => this.executeAt(...asked),
    })
  }

  start(): void {
    this.#passedHere.start(this.space.name, this.#keeping.presence.id)
    this.#keeping.start()
    if (this.#unitOptions.takesCommands) this.#withParts.start()
  }

  async stop(): Promise<void> {
    this.live.stop()
    await this.#withParts.stop()
    await this.#keeping.stop()
    await this.#passedHere.stop()
  }

  async execute(
    name: string,
    input: unknown,
    options: ExecuteOptions = {},
  ): Promise<CommandAnswer<string>> {
    const command = this.space.commands.get(name)
    if (!command || command.partOnly) throw unknownIn(this.space, 'command', name)
    if (command.parts) {
      const { commandMsMax } = this.#unitOptions
      const withinMs = Math.min(options.withinMs ?? commandMsMax, commandMsMax)
      return await this.#withParts.execute(command, input, options, withinMs)
    }
    const partition = partitionOfInput(this.space, command, input)
    return await this.executeAt(partition, name, input, options)
  }

  #homes(): readonly Cared[] {
    const homes: Cared[] = []
    for (const { partition, unit } of this.#keeping.copies.values()) {
      const state = unit?.state
      const isHome = this.#asking.units.forCommands(partition)[0]?.id === this.#keeping.presence.id
      if (state && isHome) homes.push({ partition, state })
    }
    return homes
  }

  /** A command of one partition, which is known. */
  async executeAt(
    partition: number,
    name: string,
    input: unknown,
    options: ExecuteOptions = {},
  ): Promise<CommandAnswer<string>> {
    const { idempotencyKey, acknowledge, caller } = options
    const { commandMsMax, persistWaitMsMax } = this.#unitOptions
    const level = acknowledge ?? this.space.commands.get(name)?.acknowledge
    const persistMs = level === 'persisted' ? persistWaitMsMax : 0
    const answer = await this.#asking.ask<CommandAnswer<number>>({
      partition,
      request: { kind: 'command', partition, name, input, idempotencyKey, acknowledge, caller },
      withinMs: Math.min(options.withinMs ?? commandMsMax, commandMsMax) + persistMs,
      isOnce: idempotencyKey === undefined,
      here: (unit, withinMs) =>
        unit.execute(name, input, { ...options, withinMs: withinMs - persistMs }),
    })
    return { ...answer, position: tokenOf(partition, answer.position) }
  }

  query(name: string, input: unknown, options: ReadOptions = {}): Promise<QueryAnswer<string>> {
    return this.#reads.query(name, input, options)
  }

  /** A query of one partition, which is known. */
  queryAt(
    partition: number,
    name: string,
    input: unknown,
    options: ReadOptions = {},
  ): Promise<QueryAnswer<string>> {
    return this.#reads.queryAt(partition, name, input, options)
  }

  queries(batch: readonly BatchedQuery[], options: ReadOptions = {}): Promise<BatchAnswer<string>> {
    return this.#reads.queries(batch, options)
  }

  queriesAt(
    partition: number,
    batch: readonly BatchedQuery[],
    options: ReadOptions = {},
  ): Promise<BatchAnswer<string>> {
    return this.#reads.queriesAt(partition, batch, options)
  }

  entry(cache: string, key: string, options: ReadOptions = {}): Promise<EntryAnswer<string>> {
    return this.#reads.entry(cache, key, options)
  }

  /** An entry of one partition, which is known. */
  entryAt(
    partition: number,
    cache: string,
    key: string,
    options: ReadOptions = {},
  ): Promise<EntryAnswer<string>> {
    return this.#reads.entryAt(partition, cache, key, options)
  }

  /** As of `ProcessingUnit`; the value says where the entry is. */
  async correct(correction: Correction): Promise<CommandAnswer<string>> {
    checkCorrectionShape(correction)
    const cache = this.space.caches.find(({ name }) => name === correction.cache)
    if (!cache) throw unknownIn(this.space, 'cache', String(correction.cache))
    const partition = partitionOfValue(this.space, cache, correction.value)
    const answer = await this.#asking.ask<CommandAnswer<number>>({
      partition,
      request: { kind: 'correction', partition, name: cache.name, input: correction },
      withinMs: defaultUnitOptions.commandMsMax,
      isOnce: true,
      here: (unit) => unit.correct(correction),
    })
    return { ...answer, position: tokenOf(partition, answer.position) }
  }

  /** By the clock of any log that is followed here: they differ as servers' clocks do. */
  get logNow(): number {
    for (const { unit } of this.#keeping.copies.values()) if (unit?.state) return unit.logNow
    return this.#ports.clock.now()
  }

  /** As of `Reactive`. */
  async cancel(name: string, input: unknown, key: string): Promise<CommandAnswer<string>> {
    const command = this.space.commands.get(name)
    if (!command) throw unknownIn(this.space, 'command', name)
    const partition = partitionOfInput(this.space, command, input)
    const asked = { command: name, input, key }
    const answer = (await this.#askOnce(partition, 'cancel', asked)) as CommandAnswer<number>
    return { ...answer, position: tokenOf(partition, answer.position) }
  }

  /** As of `Reactive`: what was done in a partition is remembered there. */
  async forget(keys: readonly string[], position: PositionToken): Promise<void> {
    for (const partition of positionsOf(position)?.keys() ?? [])
      await this.#askOnce(partition, 'forgetKeys', { keys })
  }

  /** What operators ask of the outbox, of all partitions or of the one that an id names. */
  async askOutbox(asked: object): Promise<unknown> {
    const { partitions = 1 } = this.space
    return await askOutboxes(checkedAsk(asked), partitions, (partition, part) =>
      this.#askOnce(partition, 'outbox', part),
    )
  }

  #askOnce(partition: number, operation: PartOperation, asked: object): Promise<unknown> {
    const withinMs = this.#unitOptions.commandMsMax
    return this.#asking.askPart({ partition, operation, asked, withinMs, isOnce: false })
  }

  #news(): void {
    this.#asking.news()
    this.whenKept()
  }

  get position(): string {
    const copies = [...this.#keeping.copies.values()]
    return tokenOfAll(
      new Map(copies.map(({ partition, unit }) => [partition, unit?.position ?? 0] as const)),
    )
  }

  /** Partitions that it keeps, each as a unit of its own. */
  get kept(): ReadonlyMap<number, ProcessingUnit> {
    const kept = new Map<number, ProcessingUnit>()
    for (const { partition, state, unit } of this.#keeping.copies.values())
      if (unit && state !== 'joining') kept.set(partition, unit)
    return kept
  }

  get staysAndReads(): boolean {
    return [...this.#keeping.copies.values()].some(({ unit }) => unit?.staysAndReads === true)
  }

  /** Whether it can answer for every partition, here or elsewhere. */
  readiness(): Readiness {
    if (this.#keeping.stopping) return { ready: false, reason: 'stopping' }
    if (!this.#keeping.presence.hears)
      return { ready: false, reason: 'not in touch with the other units' }
    const { partitions = 1, name } = this.space
    const lacking: number[] = []
    for (let partition = 0; partition < partitions; partition++)
      if (!this.#isServed(partition)) lacking.push(partition)
    this.#wereAllRead ||= lacking.length === 0
    if (lacking.length === 0) return { ready: true }
    const reasons = lacking.slice(0, 3).map((partition) => {
      const unit = this.#keeping.copy(partition)?.unit
      const reason = unit?.readiness().reason
      return reason === undefined ? String(partition) : `${partition} (here: ${reason})`
    })
    const more = lacking.length > 3 ? ` and ${lacking.length - 3} more` : ''
    return {
      ready: false,
      reason: `nobody keeps partition ${reasons.join(', ')}${more} of ${name} ready`,
    }
  }

  /**
   * A spare is ready when spares have everything. A query unit begins when query units have
   * everything, or no room for more: the load that it is there for is not to fall on the others
   * meanwhile. After that whoever keeps a partition will do.
   */
  #isServed(partition: number): boolean {
    if (this.#keeping.isSpare) return this.#keeping.isKept(partition)
    const asked = this.#asking.units
    if (this.#unitOptions.takesCommands) return isServedBy(asked.forCommands(partition), partition)
    const isEnough = this.#wereAllRead || asked.areReadersFull
    const readers = isEnough ? asked.forReads(partition, 0) : asked.readers(partition)
    return isServedBy(readers, partition)
  }

  placement(): PlacementStatus {
    return { ...this.#keeping.status(), passed: { ...this.#asking.passed } }
  }

  /** Of each partition that is kept here. */
  get parts(): ReadonlyMap<LogName, ProcessingUnit> {
    const units = [...this.#keeping.copies]
      .sort(([one], [other]) => one - other)
      .flatMap(([partition, { unit }]) =>
        unit ? [[logNameOf(this.space.name, partition), unit] as const] : [],
      )
    return new Map(units)
  }

  /** Of a spare: it takes commands from now on. */
  callUp(): void {
    this.#keeping.callUp()
  }

  get isFull(): boolean {
    return this.#keeping.isFull
  }

  /** As of `ProcessingUnit`: of each partition that is kept here. */
  loads(): readonly LogLoad[] {
    return [...this.#keeping.copies.values()].flatMap(({ unit }) => (unit ? [unit.load()] : []))
  }

  /** Of all partitions that are kept here together. */
  status(): SpaceStatus & ComponentStatus {
    const all = [...this.parts.values()].map((part) => part.status())
    const sum = (of: (status: SpaceStatus) => number) =>
      all.reduce((total, status) => total + of(status), 0)
    return {
      state: this.readiness().ready ? 'active' : 'joining',
      position: sum(({ position }) => position),
      lag: Math.max(0, ...all.map(({ lag }) => lag)),
      entries: sum(({ entries }) => entries),
      bytes: sum(({ bytes }) => bytes),
      digest: '',
      digestPosition: 0,
      pending: sum(({ pending }) => pending),
      collisions: sum(({ collisions }) => collisions),
      commandsPerSecond: sum(({ commandsPerSecond }) => commandsPerSecond),
      live: this.live.status(),
    }
  }
}

const isServedBy = (members: readonly Member[], partition: number): boolean =>
  members.some(({ keeps }) => isServing(keeps.get(partition)))
