import type {
  AnyCache,
  AnyProjection,
  Cache,
  IndexRange,
  Projection,
  Reader,
} from '@spacegrid/grid/core/definition'
import { GridError } from '@spacegrid/grid/core/errors'
import { readValue } from '@spacegrid/grid/core/evolution'
import { outsideSpace } from '@spacegrid/grid/core/misuse'
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
    const found = this.#partitions.flatMap(({ state }) => {
      const layout = state.layout.named(cache.name)
      if (!layout) throw outsideSpace(cache.name)
      const number = layout.indexNumber(index)
      const order = number === undefined ? undefined : layout.orders[number]
      if (number === undefined || !order)
        throw new Error(`cache ${cache.name} has no index ${index}`)
      return collect(state, layout.number, number, range).map((entry) => ({ entry, order }))
    })
    const sign = range.reverse ? -1 : 1
    found.sort((a, b) => sign * a.order.compare(a.entry, b.entry))
    return found.slice(0, range.limit).map(({ entry }) => readValue(cache, entry.value) as V)
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
