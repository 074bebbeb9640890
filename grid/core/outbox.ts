import { Type } from 'typebox'
import type { Static, Value } from './data-types.ts'
import { GridError } from './errors.ts'
import type { Process } from './process.ts'
import type { DomainEvent } from './steps.ts'
import type { AnyCache, Cache, Transaction } from './transaction.ts'

const anyValue = Type.Record(Type.String(), Type.Unknown())

const outboxEntry = Type.Object({
  id: Type.String(),
  /** Of the reaction or process. */
  reaction: Type.String(),
  event: Type.String(),
  payload: anyValue,
  /**
   * Of its transaction, among those of its unit: those in one frame of the log are in this order.
   */
  number: Type.Integer(),
  /** Its place among the events of its transaction, from 1. */
  nth: Type.Integer(),
  /** When the event was emitted, ms since the epoch. */
  at: Type.Number(),
  /** Since when it has been at its step. */
  since: Type.Number(),
  /** How often it has been written anew: another number is that of an older state. */
  turn: Type.Integer(),
  /** Attempts of its step that have failed. */
  attempts: Type.Integer(),
  /** The step that is next. Left out: the first one. */
  step: Type.Optional(Type.String()),
  /** Results of the steps so far. */
  results: Type.Optional(anyValue),
  /** Steps that are still to be compensated, in order. Left out: nothing has failed. */
  undo: Type.Optional(Type.Array(Type.String())),
  failure: Type.Optional(
    Type.Object({ step: Type.String(), reason: Type.String(), details: anyValue }),
  ),
  /** What was wrong last. */
  fault: Type.Optional(Type.String()),
  /** It is a dead letter, since then. */
  dead: Type.Optional(Type.Number()),
  /** Of a dead letter: it was refused, so that it has certainly not been done. */
  refused: Type.Optional(Type.Boolean()),
  /** How often it has been tried anew after a refusal. */
  round: Type.Optional(Type.Integer()),
  /** Log position where it was written first: later writings do not change its place. */
  first: Type.Optional(Type.Number()),
})

/** What is still to be done about one event by one reaction or process. */
export type OutboxEntry = Static<typeof outboxEntry>

/**
 * The cache of a space with reactions in which its outbox is kept: entries like all others, which
 * survive whatever the space survives.
 */
export const outboxCache: Cache<OutboxEntry> = {
  name: 'outbox',
  schema: outboxEntry,
  key: 'id',
  indexes: {},
  expiry: undefined,
  onExpire: undefined,
  readable: false,
  partitionBy: { fields: ['id'], isId: true },
}

/** As one of a space's caches. */
export const outboxCaches: readonly AnyCache[] = [outboxCache as AnyCache]

/**
 * Puts what follows from an event into the outbox, in the transaction that emits it: both are
 * there, or neither.
 */
export class Outbox {
  readonly #byEvent: ReadonlyMap<string, readonly Process[]>
  readonly #count: () => number
  readonly #max: number

  /**
   * @param count entries that are there
   * @param max entries at which nothing is added
   */
  constructor(reactions: Iterable<Process>, count: () => number, max: number) {
    this.#byEvent = Map.groupBy(reactions, ({ on }) => on.name)
    this.#count = count
    this.#max = max
  }

  /** @throws GridError `outbox_full` */
  note(tx: Transaction, { name, payload }: DomainEvent, number: number, nth: number): void {
    const reactions = this.#byEvent.get(name)
    if (!reactions) return
    if (this.#count() >= this.#max)
      throw new GridError(
        'outbox_full',
        `${this.#max} reactions are waiting, and ${name} would add to them`,
        { details: { event: name, max: this.#max }, retryAfterMs: 1000 },
      )
    const { now } = tx
    for (const { name: reaction } of reactions)
      tx.put(outboxCache, {
        ...{ id: tx.newId(), reaction, event: name, payload: payload as Value, number, nth },
        ...{ at: now, since: now, turn: 0, attempts: 0 },
      })
  }
}
