import type { ApplicationFault } from '@spacegrid/grid/core/application-fault'
import type { CacheNameOf, CommandsOf, QueriesOf } from '@spacegrid/grid/core/call-types'
import { refusePromise, runQuery } from '@spacegrid/grid/core/callback'
import { Compatibility } from '@spacegrid/grid/core/compatibility'
import type { IndexFields } from '@spacegrid/grid/core/data-types'
import type { Cache, Reader, Space } from '@spacegrid/grid/core/definition'
import { GridError } from '@spacegrid/grid/core/errors'
import { readValue } from '@spacegrid/grid/core/evolution'
import { type Frame, FrameKind } from '@spacegrid/grid/core/frame'
import { Melder } from '@spacegrid/grid/core/meld'
import { outsideSpace } from '@spacegrid/grid/core/misuse'
import { shapeOf } from '@spacegrid/grid/core/shape'
import { SpaceState } from '@spacegrid/grid/core/space-state'
import type { DomainEvent } from '@spacegrid/grid/core/steps'
import { checkFits } from '@spacegrid/grid/core/validation'
import { FaultDesk } from '@spacegrid/runtime/fault-desk'
import { Projections } from '@spacegrid/runtime/projections'
import { StateReader } from '@spacegrid/runtime/state-reader'
import { dueEntries, HarnessUnit, type Surroundings } from './harness-unit.ts'
import type { Attempt } from './started-command.ts'

export interface SpaceHarnessOptions {
  /** Time at which the harness starts, ms since the epoch. Default 1,750,000,000,000. */
  readonly now?: number
  /** Times a command is executed before it fails with `contended`. Default 64. */
  readonly attemptsMax?: number
}

/**
 * Runs a space without servers: its commands, queries, projections and expiry over the real meld,
 * each call done when it returns, time standing still until it is moved. Left out: acknowledgement
 * levels, idempotency keys, admission.
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
  readonly #state = new SpaceState()
  readonly #events: DomainEvent[] = []
  readonly #faults: ApplicationFault[] = []
  readonly #desk: FaultDesk
  readonly #projections: Projections
  readonly #melder: Melder
  readonly #version: Compatibility
  readonly #surroundings: Surroundings
  readonly #units = new Map<string, HarnessUnit<S>>()
  #now: number
  #idCount = 0
  /** Whose transactions the frame that is being melded holds. */
  #melding: readonly Attempt[] = []

  constructor(space: S, options: SpaceHarnessOptions = {}) {
    this.space = space
    this.#now = options.now ?? 1_750_000_000_000
    this.#melder = new Melder(this.#state, decodeNothing, {
      changed: (write, before) => this.#projections.changed(write, before),
      decided: (index, _transaction, _id, evaluation) => this.#melding[index]?.decide(evaluation),
      emitted: (event) => this.#events.push(event),
    })
    const newId = () => String(++this.#idCount).padStart(22, '0')
    this.#desk = new FaultDesk(newId, (fault) => this.#faults.push(fault))
    this.#version = new Compatibility(space.caches, () => this.#state.layout)
    this.#surroundings = {
      space,
      state: this.#state,
      attemptsMax: options.attemptsMax ?? 64,
      now: () => this.#now,
      newId,
      faults: this.#desk,
      version: this.#version,
      meld: (frame, attempts) => this.#meld(frame, attempts),
    }
    this.#meld({ kind: FrameKind.shape, shape: shapeOf(space) }, [])
    this.#projections = new Projections(space, this.#state, this.#desk)
  }

  /** ms since the epoch. */
  get now(): number {
    return this.#now
  }

  /** The committed state, as queries see it. */
  get read(): Reader<CacheNameOf<S>> {
    return new StateReader(this.#state, this.#projections, () => this.#now)
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
    const layout = this.#state.layout.named(cache.name)
    if (!layout) throw outsideSpace(cache.name)
    const { entries } = this.#state.cache(layout.number)
    return Array.from(entries.values(), ({ value }) => readValue(cache, value) as V)
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
      const result = runQuery(query, this.read, input, this.#version)
      refusePromise(result)
      // As the definition says, which has been checked.
      return result as QueriesOf<S>[Name]['result']
    } catch (thrown) {
      throw this.#desk.judge({ kind: 'query', name, declared: query }, thrown)
    }
  }

  /** The processing unit of this name; it is there from when it is first asked for. */
  unit(name: string): HarnessUnit<S> {
    let unit = this.#units.get(name)
    if (!unit) {
      unit = new HarnessUnit(name, this.#surroundings)
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
    const next = () => dueEntries(this.space, this.#state, until, 1)[0]
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

  #meld(frame: Frame, attempts: readonly Attempt[]): boolean {
    this.#melding = attempts
    return this.#melder.meld(frame, this.#state.position + 1, this.#now)
  }
}

/** Nothing travels here, so no frame is too large to be sent in one part. */
const decodeNothing = (): never => {
  throw new Error('a harness sends no parts')
}
