import { Type } from 'typebox'
import { GridError, Rejection } from '../errors.ts'
import type { Clock } from '../ports/clock.ts'
import type { Random } from '../ports/random.ts'
import type { AnyCache, Cache, Value } from '../space/definition.ts'
import type { CacheLayout } from '../space/layout.ts'
import { Recorder } from '../space/recorder.ts'
import { expiryIndex, idempotencyCache } from '../space/shape.ts'
import type { SpaceState } from '../space/space-state.ts'
import { transactionId } from '../space/version.ts'
import { collect } from '../space/view.ts'
import type { FrameChain } from './frame-chain.ts'
import type { UnitOptions } from './unit-options.ts'

/** How much later than the one before it each unit looks for due entries: usually the first one has done the work by then. */
const rankDelayMs = 300

/**
 * Ends the entries whose time has come, by ordinary transactions: whether it has come is judged by the log's time when the transaction is
 * melded, and its reads are validated, so that any number of units may try and each entry expires once.
 */
export class Expirer {
  readonly #caches: readonly AnyCache[]
  readonly #state: SpaceState
  readonly #chain: FrameChain
  readonly #clock: Clock
  readonly #random: Random
  readonly #options: UnitOptions
  readonly #report: (error: Error) => void
  /** Entries whose transaction is under way, as cache number and key. */
  readonly #underWay = new Set<string>()

  constructor(
    caches: readonly AnyCache[],
    state: SpaceState,
    chain: FrameChain,
    clock: Clock,
    random: Random,
    options: UnitOptions,
    report: (error: Error) => void,
  ) {
    this.#caches = [...caches, rememberedCommands]
    this.#state = state
    this.#chain = chain
    this.#clock = clock
    this.#random = random
    this.#options = options
    this.#report = report
  }

  sweep(): void {
    if (!this.#chain.joined) return
    const due = this.#clock.now() - this.#rank() * rankDelayMs
    for (const cache of this.#caches) {
      const layout = this.#state.layout.named(cache.name)
      const index = layout?.indexNumber(expiryIndex)
      if (!layout || index === undefined) continue
      const range = { to: due, limit: this.#options.expiryBatchMax }
      for (const entry of collect(this.#state, layout.number, index, range))
        this.#expire(cache, layout, entry.key)
    }
  }

  /** This unit's place among those that are known, by age. */
  #rank(): number {
    let rank = 0
    for (const [origin, { lastTime }] of this.#state.origins)
      if (
        origin < this.#chain.origin &&
        lastTime > this.#state.time - 3 * this.#options.heartbeatMs
      )
        rank++
    return Math.min(rank, 10)
  }

  #expire(cache: AnyCache, layout: CacheLayout, key: string): void {
    const name = `${layout.number} ${key}`
    if (this.#underWay.has(name)) return
    const number = this.#chain.nextNumber()
    const recorder = new Recorder(this.#state, {
      id: transactionId(this.#chain.origin, number),
      now: Math.max(this.#clock.now(), this.#state.time),
      newId: () => this.#random.id(),
      freeze: this.#options.freeze,
    })
    const value = recorder.get<Value>(cache as Cache<Value>, key)
    if (value === undefined || !this.#handle(cache, recorder, value, key)) return
    const { reads, ranges, steps, events } = recorder
    this.#underWay.add(name)
    const finished = () => this.#underWay.delete(name)
    this.#chain.send({
      record: {
        number,
        reads,
        ranges,
        steps,
        events,
        notBefore: value[layout.expiry as string] as number,
      },
      cancelled: false,
      decided: finished, // Whatever came of it, the next sweep sees what is still due.
      abandoned: finished,
    })
  }

  #handle(cache: AnyCache, recorder: Recorder, value: Value, key: string): boolean {
    try {
      if (cache.onExpire) cache.onExpire(recorder, value)
      else recorder.delete(cache, key)
      return recorder.writes
    } catch (error) {
      if (!(error instanceof Rejection))
        this.#report(
          new GridError('internal', `Expiring ${cache.name}/${key} failed`, { cause: error }),
        )
      return false
    }
  }
}

/** Remembered commands expire like any entry. */
const rememberedCommands: AnyCache = {
  name: idempotencyCache,
  schema: Type.Object({}),
  key: 'key',
  indexes: {},
  expiry: 'expiresAt',
  onExpire: undefined,
}
