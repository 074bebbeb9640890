import type { IndexRange } from '@spacegrid/grid/core/data-types'
import type { PageOptions } from '@spacegrid/grid/core/page-types'
import type { AnyProjection } from '@spacegrid/grid/core/projection/projection'
import type { AnyCache } from '@spacegrid/grid/core/transaction'
import type { ReadExplained } from '@spacegrid/grid/doors/request/serving'
import type { StateReader } from './state-reader.ts'

type Read = AnyCache | AnyProjection

const nameOf = (of: Read) => ('schema' in of ? { cache: of.name } : { projection: of.name })

/**
 * What a query reads, by cache and index: a reader that counts, and otherwise is the one that it
 * stands before.
 */
export class ExplainedReads {
  readonly reader: StateReader
  readonly #reads = new Map<string, ReadExplained>()

  constructor(reader: StateReader) {
    const counted: Readonly<Record<string, unknown>> = {
      get: (of: Read, key: string) => {
        const found = reader.get(of, key)
        const returned = found === undefined ? 0 : 1
        this.#count({ kind: 'get', ...nameOf(of), times: 1, examined: returned, returned })
        return found
      },
      range: (of: Read, index: string, range?: IndexRange) => {
        const found = reader.range(of, index, range)
        const { length } = found
        const read = { kind: 'range', ...nameOf(of), index, range: range ?? {} } as const
        this.#count({ ...read, times: 1, examined: length, returned: length })
        return found
      },
      page: (of: Read, index: string, options?: PageOptions) => {
        const { page, examined, range } = reader.readPage(of, index, options)
        const read = { kind: 'page', ...nameOf(of), index, range } as const
        this.#count({ ...read, times: 1, examined, returned: page.items.length })
        return page
      },
      count: (of: Read) => {
        this.#count({ kind: 'count', ...nameOf(of), times: 1, examined: 0, returned: 1 })
        return reader.count(of)
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
