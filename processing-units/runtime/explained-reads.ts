import type { AnyCache, IndexRange, PageOptions } from '@spacegrid/grid/core/definition'
import type { ReadExplained } from '@spacegrid/grid/doors/request/serving'
import type { StateReader } from './state-reader.ts'

type Named = { readonly name: string }

/**
 * What a query reads, by cache and index: a reader that counts, and otherwise is the one that it
 * stands before.
 */
export class ExplainedReads {
  readonly reader: StateReader
  readonly #reads = new Map<string, ReadExplained>()

  constructor(reader: StateReader) {
    const counted: Readonly<Record<string, unknown>> = {
      get: (cache: AnyCache, key: string) => {
        const found = reader.get(cache, key)
        const returned = found === undefined ? 0 : 1
        this.#count({ kind: 'get', cache: cache.name, times: 1, examined: returned, returned })
        return found
      },
      range: (cache: AnyCache, index: string, range?: IndexRange) => {
        const found = reader.range(cache, index, range)
        const { length } = found
        const read = { kind: 'range', cache: cache.name, index, range: range ?? {} } as const
        this.#count({ ...read, times: 1, examined: length, returned: length })
        return found
      },
      page: (cache: AnyCache, index: string, options?: PageOptions) => {
        const { page, examined, range } = reader.readPage(cache, index, options)
        const read = { kind: 'page', cache: cache.name, index, range } as const
        this.#count({ ...read, times: 1, examined, returned: page.items.length })
        return page
      },
      count: (cache: AnyCache) => {
        this.#count({ kind: 'count', cache: cache.name, times: 1, examined: 0, returned: 1 })
        return reader.count(cache)
      },
      projection: (projection: Named) => {
        const { name } = projection
        this.#count({ kind: 'projection', projection: name, times: 1, examined: 0, returned: 1 })
        return reader.projection(projection as never)
      },
    }
    this.reader = new Proxy(reader, {
      get: (target, name) => {
        const own = typeof name === 'string' ? counted[name] : undefined
        if (own !== undefined) return own
        const value: unknown = Reflect.get(target, name, target)
        return typeof value === 'function' ? value.bind(target) : value
      },
    })
  }

  get reads(): readonly ReadExplained[] {
    return [...this.#reads.values()]
  }

  #count(read: ReadExplained): void {
    const { kind, cache, index, projection } = read
    const id = JSON.stringify([kind, cache, index, projection])
    const known = this.#reads.get(id)
    this.#reads.set(id, {
      // The range is that of the first.
      ...(known ?? read),
      times: (known?.times ?? 0) + 1,
      examined: (known?.examined ?? 0) + read.examined,
      returned: (known?.returned ?? 0) + read.returned,
    })
  }
}
