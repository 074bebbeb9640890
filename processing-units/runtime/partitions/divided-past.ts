import { tokenOf, tokenOfAll } from '@spacegrid/grid/core/position'
import { invalidField } from '@spacegrid/grid/core/validation'
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
import { historyLimit } from '@spacegrid/grid/engine/past/history-page'
import type { PlacedChange, PlacedHistory } from '../past/unit-past.ts'
import type { PartitionReads } from './partition-reads.ts'
import { everyOne } from './scatter.ts'

type Explained = Pick<ReadOptions, 'explain'>

/** What a partition has told, and where it was asked to go on from. */
interface Part {
  readonly partition: number
  readonly from: string | undefined
  readonly page: PlacedHistory
}

/**
 * The past of a divided space: each partition that a read is about is asked for the state at its
 * own position, or at a time, at one of those that keep it.
 */
export class DividedPast implements PastReads {
  readonly #reads: PartitionReads
  readonly #scatterMax: number

  constructor(reads: PartitionReads, scatterMax: number) {
    this.#reads = reads
    this.#scatterMax = scatterMax
  }

  query(
    query: string,
    input: unknown,
    asOf: AsOf,
    options?: Explained,
  ): Promise<QueryAnswer<string>> {
    return this.#reads.query(query, input, { ...options, asOf })
  }

  queries(
    batch: readonly BatchedQuery[],
    asOf: AsOf,
    options?: Explained,
  ): Promise<BatchAnswer<string>> {
    return this.#reads.queries(batch, { ...options, asOf })
  }

  entry(cache: string, key: string, asOf: AsOf): Promise<EntryAnswer<string>> {
    return this.#reads.entry(cache, key, { asOf })
  }

  /**
   * Of a key that does not say where its entry is every partition is asked; what they tell is put
   * together by its time.
   */
  async history(
    cache: string,
    key: string,
    asked: HistoryAsked = {},
  ): Promise<HistoryPage<string>> {
    const places = this.#reads.placesOfEntry(cache, key)
    const limit = historyLimit(asked)
    const from = asked.cursor === undefined ? undefined : cursorsOf(asked.cursor, places)
    const wanted = from ? places.filter((partition) => from.has(partition)) : places
    const parts = await everyOne(wanted, this.#scatterMax, async (partition): Promise<Part> => {
      const cursor = from?.get(partition)
      const page = await this.#reads.historyAt(partition, cache, {
        ...{ key, limit },
        ...(cursor ? { cursor } : {}),
      })
      return { partition, from: cursor, page }
    })
    return together(parts, limit)
  }

  /** That of one partition, which is known. */
  at(partition: number): PastReads {
    const reads = this.#reads
    return {
      query: (query, input, asOf, options) =>
        reads.queryAt(partition, query, input, { ...options, asOf }),
      queries: (batch, asOf, options) => reads.queriesAt(partition, batch, { ...options, asOf }),
      entry: (cache, key, asOf) => reads.entryAt(partition, cache, key, { asOf }),
      history: async (cache, key, asked) => {
        const page = await reads.historyAt(partition, cache, { key, ...asked })
        const { changes, since, position } = page
        return {
          ...page,
          changes: changes.map((change) => toldOf(partition, change)),
          since: { ...since, position: tokenOf(partition, since.position) },
          position: tokenOf(partition, position),
        }
      },
    }
  }
}

/** A change as callers get it. */
const toldOf = (
  partition: number,
  { cursor: _, position, ...change }: PlacedChange,
): KeyChange<string> => ({ position: tokenOf(partition, position), ...change })

/** The newest of all, so many, and where each partition goes on behind them. */
function together(parts: readonly Part[], limit: number): HistoryPage<string> {
  const told = parts.flatMap(({ partition, page }) =>
    page.changes.map((change) => ({ partition, change })),
  )
  // Those of one partition stand in their order, and stay in it.
  told.sort((one, other) => other.change.time - one.change.time)
  const taken = told.slice(0, limit)
  const next: string[] = []
  for (const { partition, from, page } of parts) {
    const own = taken.filter((it) => it.partition === partition)
    const isWhole = own.length === page.changes.length
    if (isWhole && page.next === undefined) continue
    const cursor = isWhole ? page.next : (own.at(-1)?.change.cursor ?? from)
    next.push(`${partition}:${cursor ?? ''}`)
  }
  const positions = (of: (page: PlacedHistory) => number) =>
    tokenOfAll(new Map(parts.map(({ partition, page }) => [partition, of(page)] as const)))
  return {
    changes: taken.map(({ partition, change }) => toldOf(partition, change)),
    ...(next.length > 0 ? { next: next.join('_') } : {}),
    since: {
      position: positions(({ since }) => since.position),
      time: Math.max(...parts.map(({ page }) => page.since.time)),
    },
    position: positions(({ position }) => position),
  }
}

/**
 * Where each partition goes on; '': from its beginning.
 * @throws GridError `invalid_input`
 */
function cursorsOf(cursor: string, places: readonly number[]): ReadonlyMap<number, string> {
  const cursors = new Map<number, string>()
  for (const part of cursor.split('_')) {
    const [, partition, own = ''] = /^(\d{1,9}):(.{0,30})$/.exec(part) ?? []
    if (partition === undefined || !places.includes(Number(partition)))
      throw invalidField('cursor', 'must be the `next` of a page')
    cursors.set(Number(partition), own)
  }
  return cursors
}
