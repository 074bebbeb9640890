import type { CommandsOf, InputOf, QueriesOf, ResultOf } from '@spacegrid/grid/core/call-types'
import type { Value } from '@spacegrid/grid/core/data-types'
import { defineCommand, Type } from '@spacegrid/grid/core/define'
import type { Acknowledgement, AnyCommand, AnyQuery, Space } from '@spacegrid/grid/core/definition'
import { logNamesOf } from '@spacegrid/grid/core/log-name'
import { hashBy, idWithHash } from '@spacegrid/grid/core/partition'
import { type PositionToken, positionsOf } from '@spacegrid/grid/core/position'
import type { DomainEvent } from '@spacegrid/grid/core/steps'
import type { Cache } from '@spacegrid/grid/core/transaction'
import type { CommandAnswer } from '@spacegrid/grid/doors/request/serving'
import { decodeEntryAsked, encodeEntryFound } from '@spacegrid/grid/engine/wire/archive-messages'
import { subjects } from '@spacegrid/grid/engine/wire/subjects'
import { Host } from '@spacegrid/grid/kit/host'
import { Network } from '@spacegrid/grid/kit/network'
import { SeededRandom } from '@spacegrid/grid/kit/seeded-random'
import { SimulatedClock } from '@spacegrid/grid/kit/simulated-clock'
import { SimulatedStream } from '@spacegrid/grid/kit/simulated-stream'
import type { UnitOptions } from '@spacegrid/runtime/unit-options'
import { LogReader } from './log-reader.ts'
import { TestUnit } from './test-unit.ts'

export interface TestGridOptions {
  /** Processing units. Default 1. */
  readonly units?: number
  /** Time at which the grid starts, ms since the epoch. Default: 2026-01-01T00:00:00Z. */
  readonly now?: number
  /** Settings of every unit. Default: those of production. */
  readonly unitOptions?: Partial<UnitOptions>
}

export interface WhenOptions {
  /** Number of the unit that is asked. Default 0. */
  readonly unit?: number
  readonly idempotencyKey?: string
  /** Default: the command's own. Nothing is stored here, so `persisted` is never reached. */
  readonly acknowledge?: Acknowledgement
}

/** Longest time that anything may take, ms of the grid's own time. */
const msMax = 60_000
const givenCommand = 'testGiven'
const entriesAtOnce = 500

/**
 * Starts a grid with a space in it: real processing units on a log, a network and a clock that are
 * simulated. Time stands still, except for what it takes to answer what the test waits for.
 */
export async function testGrid<S extends Space>(
  space: S,
  options: TestGridOptions = {},
): Promise<TestGrid<S>> {
  const grid = new TestGrid(space, options)
  await grid.ready()
  return grid
}

/**
 * Given entries, when commands are given, then it reads:
 *
 *     const grid = await testGrid(shop, { units: 2 })
 *     await grid.given([[stock, { id: 'tea', left: 1 }]])
 *     const first = grid.send(buy, { id: 'tea' }, { unit: 0 })
 *     const second = grid.send(buy, { id: 'tea' }, { unit: 1 })
 *     await grid.settle()
 *     await first // one of them is refused
 *     grid.entry(stock, 'tea')
 *
 * Nothing here knows a test runner: results, rejections and entries are plain values.
 */
export class TestGrid<S extends Space = Space> {
  readonly space: S
  readonly #units: readonly TestUnit[]
  readonly #clock: SimulatedClock
  /** One of each partition. */
  readonly #streams: readonly SimulatedStream[]
  readonly #logs: readonly LogReader[]
  #open = 0
  #isStopped = false

  constructor(space: S, { units = 1, now, unitOptions = {} }: TestGridOptions = {}) {
    this.space = space
    this.#clock = new SimulatedClock(now === undefined ? {} : { startMs: now })
    const { partitions = 1 } = space
    this.#streams = Array.from({ length: partitions }, () => new SimulatedStream(this.#clock))
    this.#logs = this.#streams.map((stream) => new LogReader(stream))
    const network = new Network(this.#clock, new SeededRandom(0))
    const streams = this.#streams
    const parts = { clock: this.#clock, streams, network, options: unitOptions, units }
    const served = withGiven(space)
    this.#units = Array.from({ length: units }, (_, number) => new TestUnit(number, served, parts))
    if (space.caches.some(({ archive }) => archive)) this.#serveArchive(network)
    for (const unit of this.#units) unit.start()
  }

  /** In a data reader's place: units ask for what has left memory. */
  #serveArchive(network: Network): void {
    const messaging = network.connect(new Host('store', this.#clock))
    const { name, partitions = 1 } = this.space
    for (const [at, logName] of logNamesOf(name, partitions).entries())
      messaging.respond(subjects.archivedEntry(logName), ({ data }) => {
        const { cache, key } = decodeEntryAsked(data)
        return { data: encodeEntryFound((this.#logs[at] as LogReader).stored(cache, key)) }
      })
  }

  /** ms since the epoch. */
  get now(): number {
    return this.#clock.now()
  }

  /** Every domain event in the log, in order; of several logs by time. */
  get events(): readonly DomainEvent[] {
    const events = this.#logs.flatMap((log) => log.events).sort((a, b) => a.time - b.time)
    return events.map(({ name, payload }) => ({ name, payload }))
  }

  /**
   * Puts entries, each with the cache it belongs to; those that have the same keys are replaced.
   */
  async given<const Values extends readonly unknown[]>(
    entries: { readonly [At in keyof Values]: readonly [Cache<Values[At]>, NoInfer<Values[At]>] },
  ): Promise<void> {
    const named = entries.map(([cache, value]) => ({ cache, value: value as Value }))
    const { partitions = 1 } = this.space
    const where = ({ cache, value }: (typeof named)[number]) =>
      partitions > 1 && cache.partitionBy
        ? hashBy(cache.partitionBy, value, `cache ${cache.name}`)
        : 0
    for (const group of Map.groupBy(named, (one) => where(one) % partitions).values()) {
      const [first] = group as [(typeof named)[number]]
      // An id that is where the entries are.
      const id = idWithHash('0'.repeat(22), where(first))
      const given = group.map(({ cache, value }) => ({ cache: cache.name, value }))
      for (let at = 0; at < given.length; at += entriesAtOnce)
        await this.answer(givenCommand, { id, entries: given.slice(at, at + entriesAtOnce) })
    }
  }

  /**
   * Gives a command and lets time pass until it is answered; one across partitions until each of
   * them has done its part. It is named by its definition, or by its name in this space.
   * @throws Rejection; GridError `unknown_command`, `invalid_input`, `contended`, …;
   * ApplicationFault
   */
  when<Of extends AnyCommand>(
    command: Of,
    input: InputOf<Of>,
    options?: WhenOptions,
  ): Promise<ResultOf<Of>>
  when<Name extends keyof CommandsOf<S> & string>(
    command: Name,
    input: CommandsOf<S>[Name]['input'],
    options?: WhenOptions,
  ): Promise<CommandsOf<S>[Name]['result']>
  async when(command: AnyCommand | string, input: unknown, options: WhenOptions = {}) {
    const { result } = await this.answer(command, input, options)
    return result
  }

  /**
   * Gives a command and returns at once: it is answered while time passes. Several may be on their
   * way to several units.
   */
  send<Of extends AnyCommand>(
    command: Of,
    input: InputOf<Of>,
    options?: WhenOptions,
  ): Promise<ResultOf<Of>>
  send<Name extends keyof CommandsOf<S> & string>(
    command: Name,
    input: CommandsOf<S>[Name]['input'],
    options?: WhenOptions,
  ): Promise<CommandsOf<S>[Name]['result']>
  send(command: AnyCommand | string, input: unknown, options: WhenOptions = {}): Promise<unknown> {
    const sent = this.#execute(command, input, options).then(({ result }) => result)
    // Whoever awaits it learns of it; nobody may do so before time has passed.
    sent.catch(() => undefined)
    return sent
  }

  /** The same as `when`, with where it took effect and whether its key was known. */
  async answer(
    command: AnyCommand | string,
    input: unknown,
    options: WhenOptions = {},
  ): Promise<CommandAnswer> {
    const answer = await this.#during(this.#execute(command, input, options))
    if (this.space.commands.get(nameOf(command))?.parts) await this.#finished(answer.position)
    return answer
  }

  /**
   * Runs a query on a unit, over everything that is committed.
   * @throws GridError `unknown_query`, `invalid_input`, `not_found`, `position_timeout`, …;
   * ApplicationFault
   */
  query<Of extends AnyQuery>(
    query: Of,
    input: InputOf<Of>,
    options?: Pick<WhenOptions, 'unit'>,
  ): Promise<ResultOf<Of>>
  query<Name extends keyof QueriesOf<S> & string>(
    query: Name,
    input: QueriesOf<S>[Name]['input'],
    options?: Pick<WhenOptions, 'unit'>,
  ): Promise<QueriesOf<S>[Name]['result']>
  async query(
    query: AnyQuery | string,
    input: unknown,
    { unit = 0 }: Pick<WhenOptions, 'unit'> = {},
  ): Promise<unknown> {
    const asked = this.#unit(unit).serving.query(nameOf(query), input, { latest: true })
    const { result } = await this.#during(asked)
    return result
  }

  /**
   * All entries of a cache, by the order of their keys: as the log has them, or as a unit holds
   * them.
   */
  entries<V>(cache: Cache<V>, { unit }: Pick<WhenOptions, 'unit'> = {}): V[] {
    const found =
      unit === undefined
        ? this.#logs.flatMap((log) => log.entries(cache))
        : this.#unit(unit).entries(cache)
    if (this.#logs.length === 1) return found
    const keyOf = (value: V) => String((value as Value)[cache.key])
    return found.sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1))
  }

  entry<V>(cache: Cache<V>, key: string, options: Pick<WhenOptions, 'unit'> = {}): V | undefined {
    return this.entries(cache, options).find(
      (value) => (value as Readonly<Record<string, unknown>>)[cache.key] === key,
    )
  }

  /** Lets time pass: entries expire, timers run, whatever is on its way arrives. */
  async advance(ms: number): Promise<void> {
    await this.#clock.advance(ms)
  }

  /**
   * Lets time pass until everything that was sent is answered, every unit that can has all of the
   * log, and commands across partitions are finished, also those whose unit has died meanwhile:
   * that takes the others 5 s and more.
   */
  async settle(): Promise<void> {
    await this.#until(
      () =>
        this.#open === 0 &&
        this.#units.every((unit) => unit.isSettled()) &&
        (this.#nobodyFinishes || this.#logs.every((log) => !log.isHeld())),
      'not everything is answered and finished',
    )
  }

  /** What was prepared by then is committed, and there, or dropped. */
  async #finished(position: PositionToken): Promise<void> {
    const positions = [...(positionsOf(position) ?? [])]
    const isHeld = () => positions.some(([at, last]) => this.#logs[at]?.isHeld(last))
    await this.#until(() => this.#nobodyFinishes || !isHeld(), 'what was prepared is not finished')
  }

  get #nobodyFinishes(): boolean {
    return this.#streams.some(({ full }) => full) || this.#units.every(({ isAway }) => isAway)
  }

  /** Lets time pass until every unit that can is ready. */
  async ready(): Promise<void> {
    await this.#until(() => this.#units.every((unit) => unit.isReady), 'a unit is not ready')
  }

  /**
   * As kill -9: whatever the unit knew and had not sent is lost; what it had sent arrives. Its
   * callers hear nothing.
   */
  crash(unit: number): void {
    this.#unit(unit).crash()
  }

  /** Starts a unit anew in the place of one that has crashed, and waits until it is ready. */
  async restart(unit: number): Promise<void> {
    this.#unit(unit).crash()
    this.#unit(unit).start()
    await this.#until(() => this.#unit(unit).isReady, `unit ${unit} is not ready`)
  }

  /** The unit stands still, as a process that is not scheduled: what arrives waits. */
  pause(unit: number): void {
    this.#unit(unit).pause()
  }

  resume(unit: number): void {
    this.#unit(unit).resume()
  }

  /** Cuts a unit off from the log and from the other units. */
  partition(unit: number): void {
    this.#unit(unit).cut(true)
  }

  /** Ends every cut: of a unit, or of all. */
  heal(unit?: number): void {
    for (const one of unit === undefined ? this.#units : [this.#unit(unit)]) one.heal()
  }

  /** No unit reaches the log, until `heal`. */
  pauseLog(): void {
    for (const unit of this.#units) unit.cut(false)
  }

  /** The log takes nothing more, until it is told otherwise: commands fail with `log_full`. */
  fillLog(isFull = true): void {
    for (const stream of this.#streams) stream.full = isFull
  }

  /**
   * Waits until all units have all of the log, and compares them with it.
   * @throws Error that names one that differs
   */
  async agree(): Promise<void> {
    await this.settle()
    for (const { name, states } of this.#units)
      for (const [at, state] of states.entries()) {
        const { position, digest } = this.#logs[at] as LogReader
        if (state === undefined) continue
        if (state.position !== position || state.digest.toString() !== digest)
          throw new Error(`${name} at ${state.position} differs from the log at ${position}`)
      }
  }

  async stop(): Promise<void> {
    this.#isStopped = true
    for (const unit of this.#units) unit.crash()
    await this.#clock.advance(0)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }

  #unit(number: number): TestUnit {
    const unit = this.#units[number]
    if (!unit) throw new RangeError(`there is no unit ${number}, there are ${this.#units.length}`)
    return unit
  }

  async #execute(
    command: AnyCommand | string,
    input: unknown,
    { unit = 0, ...options }: WhenOptions,
  ): Promise<CommandAnswer> {
    const slot = this.#unit(unit)
    const { serving } = slot
    this.#open++
    let isOpen = true
    const close = () => {
      if (isOpen) this.#open--
      isOpen = false
    }
    // Who asks a unit that dies then hears nothing: nobody waits for that.
    slot.whenGone(close)
    return await serving.execute(nameOf(command), input, options).finally(close)
  }

  async #during<T>(promise: Promise<T>): Promise<T> {
    let isOver = false
    const over = () => {
      isOver = true
    }
    promise.then(over, over)
    await this.#until(() => isOver, 'there is no answer')
    return await promise
  }

  async #until(condition: () => boolean, otherwise: string): Promise<void> {
    const end = this.#clock.monotonic() + msMax
    await turn()
    while (!condition()) {
      if (this.#isStopped) throw new Error('the grid has been stopped')
      if (!this.#clock.runNext(end)) throw new Error(`${otherwise} after ${msMax} ms`)
      await turn()
    }
  }
}

/** Whatever can go on without time passing does. */
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

const nameOf = (one: { readonly name: string } | string): string =>
  typeof one === 'string' ? one : one.name

/** The space with one command more, which puts what is given. */
function withGiven(space: Space): Space {
  const caches = new Map(space.caches.map((cache) => [cache.name, cache]))
  const given = defineCommand(givenCommand, {
    input: Type.Object({
      id: Type.String(),
      entries: Type.Array(Type.Object({ cache: Type.String(), value: Type.Unknown() })),
    }),
    partitionBy: { idOf: 'id' },
    handler: (tx, { entries }) => {
      for (const { cache: name, value } of entries) {
        const cache = caches.get(name)
        if (!cache) throw new TypeError(`cache ${name} is not one of space ${space.name}`)
        tx.put(cache, value)
      }
    },
  })
  return { ...space, commands: new Map([...space.commands, [givenCommand, given as AnyCommand]]) }
}
