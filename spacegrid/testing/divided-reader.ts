import type { IndexRange } from '@spacegrid/grid/core/data-types'
import type { Reader } from '@spacegrid/grid/core/definition'
import type { EntryView } from '@spacegrid/grid/core/entry'
import { GridError } from '@spacegrid/grid/core/errors'
import { readValue } from '@spacegrid/grid/core/evolution'
import type { IndexOrder } from '@spacegrid/grid/core/index-order'
import { examinedEntriesMax } from '@spacegrid/grid/core/limits'
import { outsideSpace } from '@spacegrid/grid/core/misuse'
import { ExamineBudget, readPage } from '@spacegrid/grid/core/page'
import type { Page, PageOptions } from '@spacegrid/grid/core/page-types'
import type { AnyProjection, Projection } from '@spacegrid/grid/core/projection/projection'
import type { AnyCache, Cache } from '@spacegrid/grid/core/transaction'
import { collect } from '@spacegrid/grid/core/view'
import type { HarnessPartition } from './harness-partition.ts'

/** What is committed in all partitions, together. */
export class DividedReader implements Reader {
  readonly now: number
  readonly #partitions: readonly HarnessPartition[]

  constructor(partitions: readonly HarnessPartition[], now: number) {
    this.now = now
    this.#partitions = partitions
  }

  /** Records in all logs. */
  get position(): number {
    return this.#partitions.reduce((sum, { state }) => sum + state.position, 0)
  }

  get<V>(of: Cache<V> | Projection<V>, key: string): V | undefined {
    const cache = undividedCache(of)
    for (const { state } of this.#partitions) {
      const layout = state.layout.named(cache.name)
      if (!layout) throw outsideSpace(cache.name)
      const entry = state.find(layout.number, key)
      if (entry) return readValue(cache, entry.value) as V
    }
    return undefined
  }

  range<V>(of: Cache<V> | Projection<V>, index: string, range: IndexRange = {}): readonly V[] {
    const cache = undividedCache(of)
    const found = this.#found(cache, index, range).slice(0, range.limit)
    return found.map(({ entry }) => readValue(cache, entry.value) as V)
  }

  page<V>(of: Cache<V> | Projection<V>, index: string, options: PageOptions<V> = {}): Page<V> {
    const cache = undividedCache(of)
    const fields = this.#partitions[0]?.orderOf(cache, index).fields ?? []
    const { page } = readPage<V>(
      {
        ...{ cache: cache.name, index, fields, named: cache.indexes[index] ?? fields },
        partition: 0,
        scan: (range, visit, place) =>
          this.#found(cache, index, range).every(({ entry, order }) => {
            if (!place) return visit(entry)
            const distance = order.compare(entry, place.bound) * (range.reverse ? -1 : 1)
            return distance <= 0 || visit(entry)
          }),
        valueOf: ({ value }) => readValue(cache, value) as V,
        budget: new ExamineBudget(examinedEntriesMax),
      },
      options,
    )
    return page
  }

  /** In order. */
  #found(
    cache: AnyCache,
    index: string,
    range: IndexRange,
  ): { readonly entry: EntryView; readonly order: IndexOrder }[] {
    const found = this.#partitions.flatMap((partition) => {
      const order = partition.orderOf(cache, index)
      const { layout } = partition.state
      const { number = 0 } = layout.named(cache.name) ?? {}
      const at = layout.named(cache.name)?.indexNumber(index) ?? 0
      return collect(partition.state, number, at, range).map((entry) => ({ entry, order }))
    })
    const sign = range.reverse ? -1 : 1
    return found.sort((a, b) => sign * a.order.compare(a.entry, b.entry))
  }

  count(of: AnyCache | AnyProjection): number {
    const cache = undividedCache(of)
    return this.#partitions.reduce((sum, { reader }) => sum + reader.count(cache), 0)
  }

  notFound(message: string): never {
    throw new GridError('not_found', message)
  }
}

/** @throws TypeError for a projection: there is one of it in each partition */
function undividedCache<V>(of: Cache<V> | Projection<V>): Cache<V> {
  if ('schema' in of) return of
  throw new TypeError(
    `projection ${of.name} is one of each partition: read it in a query, where there is one of them`,
  )
}
