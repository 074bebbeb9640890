import { Compatibility } from '@spacegrid/grid/core/compatibility'
import type { Space } from '@spacegrid/grid/core/definition'
import { GridError } from '@spacegrid/grid/core/errors'
import { mergeShapes, shapeOf } from '@spacegrid/grid/core/shape'
import type { SpaceState } from '@spacegrid/grid/core/space-state'
import type { AnyCache } from '@spacegrid/grid/core/transaction'
import { batched, checkedBatch } from '@spacegrid/grid/doors/request/query-batch'
import { pastInvalid } from '@spacegrid/grid/doors/request/request-options'
import type {
  AsOf,
  BatchAnswer,
  BatchedQuery,
  EntryAnswer,
  HistoryAsked,
  HistoryPage,
  KeyChange,
  PastReads,
  QueryAnswer,
  ReadOptions,
} from '@spacegrid/grid/doors/request/serving'
import { cursorOf, historyPage, kindOf } from '@spacegrid/grid/engine/past/history-page'
import type { EntryChange } from '@spacegrid/grid/engine/past/key-history'
import { PastStates } from '@spacegrid/grid/engine/past/past-states'
import type { FaultDesk } from '../fault-desk.ts'
import { Projections } from '../projections.ts'
import type { Reads, Seen } from '../reads.ts'
import type { UnitPorts } from '../unit-ports.ts'
import { PastRoom } from './past-room.ts'

type Explained = Pick<ReadOptions, 'explain'>

/** A state of the past, and what was made of it there. */
interface View {
  readonly position: number
  readonly seen: Seen
}

/** A change, and the cursor of the page behind it: pages of several partitions become one. */
export interface PlacedChange extends KeyChange<number> {
  readonly cursor: string
}

export interface PlacedHistory extends HistoryPage<number> {
  readonly changes: readonly PlacedChange[]
}

/** Nobody knows how old it is: it is as old as the caller wants it. */
const freshness = { at: Number.NEGATIVE_INFINITY }

/** What had left memory is in the store, and there as it is now. */
const archive: Seen['archive'] = {
  find: () => undefined,
  isInMemory: () => false,
  lookUp: () =>
    Promise.reject(
      new GridError(
        'position_out_of_reach',
        'What may have left memory by then cannot be told as it was',
      ),
    ),
}

/** Answers queries and reads of entries as of a position, or a time, of the past. */
export class UnitPast implements PastReads {
  readonly #space: Space
  readonly #reads: Reads
  readonly #states: PastStates
  readonly #faults: FaultDesk
  /** Of the state that was used last. */
  readonly #views = new WeakMap<SpaceState, View>()

  /** @param live the present state, if there is one */
  constructor(
    space: Space,
    reads: Reads,
    faults: FaultDesk,
    { log, past, clock, memory, pastRoom = new PastRoom() }: UnitPorts,
    live: () => SpaceState | undefined,
  ) {
    this.#space = space
    this.#reads = reads
    this.#faults = faults
    const open = past ?? (() => Promise.resolve({ log }))
    this.#states = new PastStates(open, clock, () => pastRoom.take(memory, live()))
  }

  /** Melds the log again, for who was away: `PastStates.forward`. */
  meldAgain(...asked: Parameters<PastStates['forward']>): Promise<number> {
    return this.#states.forward(...asked)
  }

  close(): void {
    this.#states.close()
  }

  async query(
    name: string,
    input: unknown,
    asOf: AsOf,
    { explain = false }: Explained = {},
  ): Promise<QueryAnswer<number>> {
    // A state is not made for what will be refused.
    this.#reads.queryAsked(name, input)
    return await this.#at(asOf, (seen, now) =>
      this.#reads.seen(name, input, () => seen, now, { explain }),
    )
  }

  async queries(
    batch: readonly BatchedQuery[],
    asOf: AsOf,
    { explain = false }: Explained = {},
  ): Promise<BatchAnswer<number>> {
    const asked = checkedBatch(batch)
    return await this.#at(asOf, async (seen, now) => {
      const { position } = seen.state
      // All of them run up to their first wait at once, on one state.
      const begun = asked.map(({ query, input }) =>
        batched(() => this.#reads.seen(query, input, () => seen, now, { explain })),
      )
      return { answers: await Promise.all(begun), position }
    })
  }

  async entry(cache: string, key: string, asOf: AsOf): Promise<EntryAnswer<number>> {
    const read = this.#reads.entryAsked(cache, key, {})
    return await this.#at(asOf, read)
  }

  async history(cacheName: string, key: string, asked: HistoryAsked = {}): Promise<PlacedHistory> {
    const cache = this.#reads.cacheAsked(cacheName, key)
    const { changes, next, reach } = await historyPage(this.#states, cacheName, key, asked)
    return {
      changes: changes.map((change) => this.#told(cache, change)),
      ...(next === undefined ? {} : { next }),
      since: { position: reach.oldest, time: reach.oldestTime },
      position: reach.newest,
    }
  }

  #told(cache: AnyCache, change: EntryChange): PlacedChange {
    const { position, time, before, after, transaction, unit, command } = change
    const { idempotencyKey, due } = change
    const told = (value: EntryChange['after']) => value && this.#reads.toldAsNow(cache, value)
    const [from, to] = [told(before), told(after)]
    return {
      ...{ position, time, change: kindOf(change), transaction, cursor: cursorOf(change) },
      ...(from ? { from } : {}),
      ...(to ? { to } : {}),
      ...(unit === undefined ? {} : { unit }),
      ...(command === undefined ? {} : { command }),
      ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
      ...(due ? { due } : {}),
    }
  }

  async #at<T>(asOf: AsOf, read: (seen: Seen, now: () => number) => T): Promise<Awaited<T>> {
    if (typeof asOf === 'string') throw pastInvalid()
    const position = typeof asOf === 'number' ? asOf : await this.#states.positionAt(+asOf)
    return await this.#states.at(position, (state) => {
      const seen = this.#seen(state)
      return read(seen, () => state.time)
    })
  }

  #seen(state: SpaceState): Seen {
    const { position } = state
    const known = this.#views.get(state)
    if (known?.position === position) return known.seen
    const merged = mergeShapes(state.layout.shape, shapeOf(this.#space))
    if (merged !== state.layout.shape) {
      // It was declared later: there it is empty. The log may tell it in another order, so nothing
      // of the log fits this state any more.
      state.reshape(merged)
      this.#states.forget()
    }
    const version = new Compatibility(this.#space.caches, () => state.layout)
    // Made of all entries at once: only for a query that reads one.
    let made: Projections | undefined
    const named = (name: string) => {
      made ??= new Projections(this.#space, state, this.#faults)
      return made.named(name)
    }
    const projections = { named }
    const seen = { state, projections, version, archive, freshness }
    this.#views.set(state, { position, seen })
    return seen
  }
}
