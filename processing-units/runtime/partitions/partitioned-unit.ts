import { mergedResult } from '@spacegrid/grid/core/callback'
import type { Correction } from '@spacegrid/grid/core/correction'
import type { AnyQuery, Space } from '@spacegrid/grid/core/definition'
import { GridError, isGridError } from '@spacegrid/grid/core/errors'
import { type LogName, logNameOf } from '@spacegrid/grid/core/log-name'
import { type PositionToken, positionsOf, tokenOf, tokenOfAll } from '@spacegrid/grid/core/position'
import { checkFits, checkKey } from '@spacegrid/grid/core/validation'
import { positionInvalid } from '@spacegrid/grid/doors/request/request-options'
import type {
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
import { askedOf, isServing } from '@spacegrid/grid/engine/placement/keepers'
import type { Member } from '@spacegrid/grid/engine/placement/member'
import type { PlacementStatus } from '@spacegrid/grid/engine/placement/placement-status'
import { within } from '@spacegrid/grid/engine/ports/clock'
import type { Component, ComponentStatus } from '@spacegrid/grid/program/component'
import type { PartAsk } from '../across/ask-part.ts'
import { CommandsWithParts } from '../across/commands-with-parts.ts'
import type { Cared } from '../across/hold-care.ts'
import type { PartOperation } from '../across/part-messages.ts'
import { StoredReads } from '../archive/stored-reads.ts'
import { FaultDesk } from '../fault-desk.ts'
import { freshMsMax } from '../freshness.ts'
import type { ProcessingUnit } from '../processing-unit.ts'
import { askOutboxes } from '../reactions/ask-outboxes.ts'
import { checkedAsk } from '../reactions/outbox-desk.ts'
import { aged, tooStale } from '../reads.ts'
import { defaultUnitOptions, type UnitOptions } from '../unit-options.ts'
import { unknownIn } from '../unknown.ts'
import { type Ask, Asking } from './asking.ts'
import { DividedLive } from './divided-live.ts'
import { Keeping, type KeepingOptions, type KeepingPorts } from './keeping.ts'
import { partitionOfInput, partitionOfKey, partitionOfValue } from './partition-of.ts'
import type { PassedKind } from './passed-request.ts'
import { PassedRequests } from './passed-requests.ts'
import { Passing } from './passing.ts'
import { everyOne } from './scatter.ts'

export interface PartitionedUnitOptions extends Partial<KeepingOptions> {
  /** Partitions that a scattered query is asked of at the same time. */
  readonly scatterMax?: number
  /** Told what people should know of the space, or of the log of a partition. Default: nothing. */
  readonly reportOf?: (logName: LogName) => Report
}

const noAnswer = () =>
  new GridError('outcome_unknown', 'What was asked of the partition has no answer yet')

const retryAfterMs = 500

/** What is asked of one partition; how it is done here, and what is sent to be done elsewhere. */
interface AskOfPartition<Answer> extends Omit<Ask<Answer>, 'here'> {
  readonly partition: number
  here(unit: ProcessingUnit, withinMs: number): Promise<Answer>
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
  readonly #scatterMax: number
  readonly #keeping: Keeping
  readonly #passing: Passing
  readonly #asking: Asking
  readonly #faults: FaultDesk
  /** By partition: those that are asked, in order; undefined: not looked up since the last news. */
  #keepers: readonly (readonly Member[])[] | undefined
  readonly #passedHere: PassedRequests
  readonly archive: StoredReads
  readonly #withParts: CommandsWithParts
  /** For queries that may be answered by any of several. */
  #turn = 0
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
    this.#scatterMax = scatterMax
    this.#options = {
      ...{ copies: 2, zone: undefined, movesMax: 2, relieveMsMax: 8000, unit: {} },
      ...settings,
    }
    this.#unitOptions = { ...defaultUnitOptions, ...this.#options.unit }
    this.#keeping = new Keeping(name, space, ports, this.#options, reportOf, () => this.#news())
    this.#passing = new Passing(space.name, ports.messaging)
    this.#asking = new Asking(this.#keeping.presence.id, this.#passing, ports)
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
    this.archive = new StoredReads(space, {
      messaging: ports.messaging,
      waitMsMax: this.#unitOptions.archiveWaitMsMax,
      layout: () =>
        [...this.#keeping.copies.values()].find(({ unit }) => unit?.state)?.unit?.state?.layout,
    })
    this.live = new DividedLive({
      ...{ space, clock },
      askKeepers: (partition, request, withinMs, here) =>
        this.#atKeepers({ partition, request, withinMs, isOnce: false, here }),
      query: (query, input, asked) => this.query(query, input, asked),
    })
    this.#withParts = new CommandsWithParts({
      ...{ space, clock: ports.clock, random: ports.random, faults: this.#faults },
      ask: (asked) => this.#askPart(asked),
      logNow: () => this.logNow,
      homes: () => this.#homes(),
      executeAt: (...asked) => this.executeAt(...asked),
    })
  }

  start(): void {
    this.#passedHere.start(this.space.name, this.#keeping.presence.id)
    this.#keeping.start()
    this.#withParts.start()
  }

  async stop(): Promise<void> {
    this.live.stop()
    await this.#withParts.stop()
    await this.#keeping.stop()
    await this.#passedHere.stop()
  }

  // ---- what callers ask

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

  #askPart({ partition, operation, asked, withinMs, isOnce }: PartAsk): Promise<unknown> {
    return this.#atKeepers<unknown>({
      partition,
      request: { kind: 'part', partition, name: operation, input: asked },
      withinMs,
      isOnce,
      here: (unit) => within(this.#ports.clock, withinMs, unit.part(operation, asked), noAnswer),
    })
  }

  #homes(): readonly Cared[] {
    const homes: Cared[] = []
    for (const { partition, unit } of this.#keeping.copies.values()) {
      const state = unit?.state
      const isHome = this.#keepersOf(partition)[0]?.id === this.#keeping.presence.id
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
    const answer = await this.#atKeepers<CommandAnswer<number>>({
      partition,
      request: { kind: 'command', partition, name, input, idempotencyKey, acknowledge, caller },
      withinMs: Math.min(options.withinMs ?? commandMsMax, commandMsMax) + persistMs,
      isOnce: idempotencyKey === undefined,
      here: (unit, withinMs) =>
        unit.execute(name, input, { ...options, withinMs: withinMs - persistMs }),
    })
    return { ...answer, position: tokenOf(partition, answer.position) }
  }

  async query(
    name: string,
    input: unknown,
    options: ReadOptions = {},
  ): Promise<QueryAnswer<string>> {
    const query = this.space.queries.get(name)
    if (!query) throw unknownIn(this.space, 'query', name)
    if (query.everyPartition) return await this.#scatter(query, input, options)
    const partition = partitionOfInput(this.space, query, input)
    return await this.queryAt(partition, name, input, options)
  }

  /** A query of one partition, which is known. */
  async queryAt(
    partition: number,
    name: string,
    input: unknown,
    options: ReadOptions = {},
  ): Promise<QueryAnswer<string>> {
    const answer = await this.#queryAt(partition, name, input, options)
    return { ...answer, position: tokenOf(partition, answer.position) }
  }

  /**
   * Every partition is asked at one of those that keep it; one that cannot answer fails the whole.
   */
  async #scatter(
    query: AnyQuery,
    input: unknown,
    options: ReadOptions,
  ): Promise<QueryAnswer<string>> {
    checkFits(query.input, input, query.name)
    const { partitions = 1 } = this.space
    const answers = await everyOne(partitions, this.#scatterMax, (partition) =>
      this.#queryAt(partition, query.name, input, options),
    )
    const results = answers.map(({ result }) => result)
    const positions = new Map(answers.map(({ position }, partition) => [partition, position]))
    // As old as the oldest of those that it was made of.
    const ages = answers.flatMap(({ ageMs }) => (ageMs === undefined ? [] : [ageMs]))
    const age = ages.length > 0 ? { ageMs: Math.max(...ages) } : {}
    try {
      const result = await mergedResult(query, results, input)
      return { result, position: tokenOfAll(positions), ...age }
    } catch (thrown) {
      throw this.#faults.judge({ kind: 'query', name: query.name, declared: query }, thrown)
    }
  }

  #queryAt(
    partition: number,
    name: string,
    input: unknown,
    options: ReadOptions,
  ): Promise<QueryAnswer<number>> {
    return this.#read('query', partition, name, input, options, (unit, asked) =>
      unit.query(name, input, asked),
    )
  }

  async entry(cache: string, key: string, options: ReadOptions = {}): Promise<EntryAnswer<string>> {
    const declared = this.space.caches.find(({ name }) => name === cache)
    if (!declared) throw unknownIn(this.space, 'cache', cache)
    checkKey(key, `cache ${cache}`)
    const place = partitionOfKey(this.space, declared, key)
    if (place?.isCertain) return await this.entryAt(place.partition, cache, key, options)
    const { partitions = 1 } = this.space
    const found = place && (await this.#entryIf(place.partition, cache, key, options))
    if (found) return found
    const asked = await everyOne(partitions, this.#scatterMax, (partition) =>
      this.#entryIf(partition, cache, key, options),
    )
    const entry = asked.find((it) => it !== undefined)
    if (entry) return entry
    throw new GridError('not_found', `There is no entry ${JSON.stringify(key)} in ${cache}`)
  }

  async #entryIf(
    ...asked: Parameters<PartitionedUnit['entryAt']>
  ): Promise<EntryAnswer<string> | undefined> {
    try {
      return await this.entryAt(...asked)
    } catch (error) {
      if (isGridError(error, 'not_found')) return undefined
      throw error
    }
  }

  /** An entry of one partition, which is known. */
  async entryAt(
    partition: number,
    cache: string,
    key: string,
    options: ReadOptions = {},
  ): Promise<EntryAnswer<string>> {
    const answer = await this.#read<EntryAnswer<number>>(
      'entry',
      partition,
      cache,
      key,
      options,
      (unit, asked) => unit.entry(cache, key, asked),
    )
    const { position, writtenAt } = answer
    return {
      ...answer,
      position: tokenOf(partition, position),
      writtenAt: tokenOf(partition, writtenAt),
    }
  }

  /** As of `ProcessingUnit`; the value says where the entry is. */
  async correct(correction: Correction): Promise<CommandAnswer<string>> {
    const cache = this.space.caches.find(({ name }) => name === correction.cache)
    if (!cache) throw unknownIn(this.space, 'cache', String(correction.cache))
    const partition = partitionOfValue(this.space, cache, correction.value)
    const answer = await this.#atKeepers<CommandAnswer<number>>({
      partition,
      request: { kind: 'correction', partition, name: cache.name, input: correction },
      withinMs: defaultUnitOptions.commandMsMax,
      isOnce: true,
      here: (unit) => unit.correct(correction),
    })
    return { ...answer, position: tokenOf(partition, answer.position) }
  }

  // ---- what reactions and operators ask

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
    return this.#askPart({ partition, operation, asked, withinMs, isOnce: false })
  }

  // ---- routing

  /**
   * What comes from elsewhere has grown older on its way: by the time since it was asked for, at
   * most. A process that was frozen meanwhile notices, and asks once more where that is too old.
   */
  async #read<Answer extends { readonly ageMs?: number }>(
    kind: PassedKind,
    partition: number,
    name: string,
    input: unknown,
    options: ReadOptions,
    here: (unit: ProcessingUnit, options: ReadOptions) => Promise<Answer>,
  ): Promise<Answer> {
    const { clock } = this.#ports
    const { caller, stalenessMs } = options
    if (caller === undefined && stalenessMs === undefined)
      return await this.#readOnce(kind, partition, name, input, options, here)
    for (let attempt = 1; ; attempt++) {
      const askedAt = clock.monotonic()
      let isHere = false
      const read = async (unit: ProcessingUnit, asked: ReadOptions) => {
        const answer = await here(unit, asked)
        isHere = true
        return answer
      }
      const answer = await this.#readOnce(kind, partition, name, input, options, read)
      const wayMs = clock.monotonic() - askedAt
      if (isHere || wayMs <= freshMsMax) return answer
      const ageMs = (answer.ageMs ?? freshMsMax) + wayMs
      if (stalenessMs === undefined || ageMs <= stalenessMs) return aged(answer, ageMs, options)
      if (attempt === 2) throw tooStale(ageMs, stalenessMs)
    }
  }

  #readOnce<Answer>(
    kind: PassedKind,
    partition: number,
    name: string,
    input: unknown,
    options: ReadOptions,
    here: (unit: ProcessingUnit, options: ReadOptions) => Promise<Answer>,
  ): Promise<Answer> {
    const { latest, caller, stalenessMs } = options
    const position = positionIn(options, partition)
    const asked = { ...options, position }
    const { positionWaitMsMax } = this.#unitOptions
    return this.#atKeepers<Answer>({
      partition,
      request: { kind, partition, name, input, position, latest, stalenessMs, caller },
      // For the newest position, the position itself, a state that is new enough and the end of
      // what it holds, and what the query has promised.
      withinMs: 5 * positionWaitMsMax,
      isOnce: false,
      here: (unit) => here(unit, asked as ReadOptions),
    })
  }

  /** Each of those that keep the partition is asked until one has an answer. */
  #atKeepers<Answer>(ask: AskOfPartition<Answer>): Promise<Answer> {
    const { partition, request, withinMs, isOnce } = ask
    const here = (leftMs: number) => {
      const unit = this.#keeping.copy(partition)?.unit
      return unit && ask.here(unit, leftMs)
    }
    return this.#asking.inOrder(
      this.#inOrder(partition, request.kind),
      { request, withinMs, isOnce, here },
      (why) => this.#unavailable([partition], why),
    )
  }

  /** Commands go home; everything else is answered here, or by each in turn. */
  #inOrder(partition: number, kind: PassedKind): readonly Member[] {
    const keepers = this.#keepersOf(partition)
    const goesHome = kind === 'command' || kind === 'correction' || kind === 'part'
    if (goesHome || keepers.length < 2) return keepers
    const serving = keepers.filter(({ keeps }) => isServing(keeps.get(partition)))
    if (serving.length === 0) return keepers
    const self = serving.findIndex(({ id }) => id === this.#keeping.presence.id)
    const first = serving[self >= 0 ? self : this.#turn++ % serving.length] as Member
    return first === keepers[0] ? keepers : [first, ...keepers.filter((it) => it !== first)]
  }

  #keepersOf(partition: number): readonly Member[] {
    if (!this.#keepers) {
      const { name: space, partitions = 1 } = this.space
      this.#keepers = askedOf({ space, partitions, members: this.#keeping.presence.members() })
    }
    return this.#keepers[partition] ?? []
  }

  #news(): void {
    this.#keepers = undefined
    const { presence } = this.#keeping
    this.#passing.forget((id) => presence.other(id) !== undefined)
    this.whenKept()
  }

  #unavailable(partitions: readonly number[], cause?: GridError): GridError {
    return new GridError(
      'partitions_unavailable',
      `Nobody who keeps ${partitions.map((it) => logNameOf(this.space.name, it)).join(', ')} answers`,
      { details: { partitions }, retryAfterMs, ...(cause ? { cause } : {}) },
    )
  }

  // ---- how it is

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
      if (!isServing(this.#keepersOf(partition)[0]?.keeps.get(partition))) lacking.push(partition)
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

  placement(): PlacementStatus {
    return { ...this.#keeping.status(), passed: { ...this.#passing.counts } }
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

function positionIn({ position }: ReadOptions, partition: number): number | undefined {
  if (position === undefined) return undefined
  const positions = positionsOf(position)
  if (!positions) throw positionInvalid()
  return positions.get(partition)
}
