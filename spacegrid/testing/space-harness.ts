import type { ApplicationFault } from '@spacegrid/grid/core/application-fault'
import type { CacheNameOf, CommandsOf, QueriesOf } from '@spacegrid/grid/core/call-types'
import { mergedResult, refusePromise, runQuery, runQueryPart } from '@spacegrid/grid/core/callback'
import type { IndexFields } from '@spacegrid/grid/core/data-types'
import type { AnyQuery, Reader, Space } from '@spacegrid/grid/core/definition'
import { GridError } from '@spacegrid/grid/core/errors'
import { readValue } from '@spacegrid/grid/core/evolution'
import { outsideSpace } from '@spacegrid/grid/core/misuse'
import { hashBy, partitionOfHash } from '@spacegrid/grid/core/partition'
import type { DomainEvent } from '@spacegrid/grid/core/steps'
import type { Cache } from '@spacegrid/grid/core/transaction'
import { checkFits } from '@spacegrid/grid/core/validation'
import { FaultDesk } from '@spacegrid/runtime/fault-desk'
import { DividedReader } from './divided-reader.ts'
import { HarnessPartition } from './harness-partition.ts'
import { HarnessUnit } from './harness-unit.ts'
import { dueEntries } from './unit-in-partition.ts'

export interface SpaceHarnessOptions {
  /** Time at which the harness starts, ms since the epoch. Default 1,750,000,000,000. */
  readonly now?: number
  /** Times a command is executed before it fails with `contended`. Default 64. */
  readonly attemptsMax?: number
}

/**
 * Runs a space without servers: its commands, queries, projections and expiry over the real meld,
 * each call done when it returns, time standing still until it is moved. Of a divided space it
 * keeps every partition, and asks the one that is meant. Left out: acknowledgement levels,
 * idempotency keys, admission.
 *
 *     const grid = new SpaceHarness(ticketing)
 *     grid.execute('createEvent', { eventId: 'concert', … })
 *     grid.advance(120_000)
 *     grid.query('availability', { eventId: 'concert' })
 *
 * To see what happens when processing units meet, let several start commands before either melds:
 *
 *     const first = grid.unit('one').start('holdSeats', …)
 *     const second = grid.unit('two').start('holdSeats', …)
 *     grid.settle()
 *     second.result()
 *
 * The compiler knows the names, inputs and results of the space it was made of. A `SpaceHarness`
 * without that knowledge, of any space, takes any name and input.
 */
export class SpaceHarness<S extends Space = Space> {
  readonly space: S
  readonly #events: DomainEvent[] = []
  readonly #faults: ApplicationFault[] = []
  readonly #desk: FaultDesk
  /** One, unless the space is divided. */
  readonly #partitions: readonly HarnessPartition[]
  readonly #units = new Map<string, HarnessUnit<S>>()
  #now: number
  #idCount = 0

  constructor(space: S, options: SpaceHarnessOptions = {}) {
    this.space = space
    this.#now = options.now ?? 1_750_000_000_000
    const { partitions = 1 } = space
    // In a divided space the last 6 characters are the partition key's.
    const counted = partitions === 1 ? 22 : 16
    const newId = () =>
      String(++this.#idCount)
        .padStart(counted, '0')
        .padEnd(22, '0')
    this.#desk = new FaultDesk(newId, (fault) => this.#faults.push(fault))
    const shared = {
      space,
      attemptsMax: options.attemptsMax ?? 64,
      now: () => this.#now,
      newId,
      faults: this.#desk,
      emitted: (event: DomainEvent) => this.#events.push(event),
    }
    this.#partitions = Array.from(
      { length: partitions },
      (_, partition) =>
        new HarnessPartition(partitions === 1 ? undefined : { partition, partitions }, shared),
    )
  }

  /** ms since the epoch. */
  get now(): number {
    return this.#now
  }

  /** The committed state, as queries see it; of a divided space that of all partitions. */
  get read(): Reader<CacheNameOf<S>> {
    return this.#partitions.length === 1
      ? this.#first.reader
      : new DividedReader(this.#partitions, this.#now)
  }

  get #first(): HarnessPartition {
    return this.#partitions[0] as HarnessPartition
  }

  /** Every domain event so far, in order. */
  get events(): readonly DomainEvent[] {
    return this.#events
  }

  /**
   * Every mistake of the application so far, in order: what units tell in their log. A projection
   * that has failed is among them.
   */
  get faults(): readonly ApplicationFault[] {
    return this.#faults
  }

  /** All entries of a cache, in no particular order. */
  entries<V, Name extends CacheNameOf<S>>(cache: Cache<V, IndexFields, Name>): V[] {
    return this.#partitions.flatMap(({ state }) => {
      const layout = state.layout.named(cache.name)
      if (!layout) throw outsideSpace(cache.name)
      const { entries } = state.cache(layout.number)
      return Array.from(entries.values(), ({ value }) => readValue(cache, value) as V)
    })
  }

  /**
   * Runs a command until it is decided.
   * @returns what its caller is answered, checked against the command's result schema
   * @throws Rejection; GridError `unknown_command`, `invalid_input`, `contended`; ApplicationFault
   * with the handler's error as its cause
   */
  execute<Name extends keyof CommandsOf<S> & string>(
    command: Name,
    input: CommandsOf<S>[Name]['input'],
  ): CommandsOf<S>[Name]['result'] {
    const unit = this.unit('main')
    const started = unit.start(command, input)
    unit.settle()
    return started.result()
  }

  /**
   * Runs a query over the committed state. A harness waits for nothing: a promise is a fault here.
   * @throws GridError `unknown_query`, `invalid_input`, `not_found`; ApplicationFault with the
   * handler's error as its cause
   */
  query<Name extends keyof QueriesOf<S> & string>(
    name: Name,
    input: QueriesOf<S>[Name]['input'],
  ): QueriesOf<S>[Name]['result'] {
    const query = this.space.queries.get(name)
    if (!query) throw new GridError('unknown_query', `No query is called ${name}`)
    checkFits(query.input, input, `query ${name}`)
    try {
      const result = this.#ask(query, input)
      refusePromise(result)
      // As the definition says, which has been checked.
      return result as QueriesOf<S>[Name]['result']
    } catch (thrown) {
      throw this.#desk.judge({ kind: 'query', name, declared: query }, thrown)
    }
  }

  #ask(query: AnyQuery, input: unknown): unknown {
    const { length } = this.#partitions
    const { version } = this.#first
    if (length > 1 && query.everyPartition) {
      const results = this.#partitions.map(({ reader }) => runQueryPart(query, reader, input))
      for (const result of results) refusePromise(result)
      return mergedResult(query, results, input, version)
    }
    if (length === 1 || !query.partitionBy)
      return runQuery(query, this.#first.reader, input, version)
    const value = input as Readonly<Record<string, unknown>>
    const hash = hashBy(query.partitionBy, value, `query ${query.name}`)
    const its = this.#partitions[partitionOfHash(hash, length)] as HarnessPartition
    return runQuery(query, its.reader, input, its.version)
  }

  /** The processing unit of this name; it is there from when it is first asked for. */
  unit(name: string): HarnessUnit<S> {
    let unit = this.#units.get(name)
    if (!unit) {
      unit = new HarnessUnit(name, this.space, this.#partitions)
      this.#units.set(name, unit)
    }
    return unit
  }

  /** Melds until no unit has anything pending. */
  settle(): void {
    for (const unit of this.#units.values()) unit.settle()
  }

  /**
   * Lets time pass. Entries expire, each at its own time, while what units have pending stays
   * pending. With `expire: false` nothing expires yet, as when every unit is late to look; see
   * `HarnessUnit.expire`.
   */
  advance(ms: number, { expire = true }: { readonly expire?: boolean } = {}): void {
    const until = this.#now + ms
    let due = expire
    while (due) due = this.#expireNext(until)
    this.#now = until
  }

  /** Returns whether there was anything to expire until then. */
  #expireNext(until: number): boolean {
    const next = () =>
      this.#partitions
        .flatMap(({ state }) => dueEntries(this.space, state, until, 1))
        .sort((a, b) => a.at - b.at)[0]
    const due = next()
    if (!due) return false
    this.#now = Math.max(this.#now, due.at)
    const unit = this.unit('expiry')
    unit.expire()
    unit.settle()
    const after = next()
    if (after?.cache === due.cache && after.key === due.key && after.at === due.at)
      throw new Error(`cache ${due.cache.name}: onExpire has left entry ${due.key} as it was`)
    return true
  }
}
