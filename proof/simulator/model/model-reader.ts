import { sameForAll } from '@spacegrid/grid/core/access'
import type { IndexRange } from '@spacegrid/grid/core/data-types'
import type { AnyQuery, Reader } from '@spacegrid/grid/core/definition'
import type { Page, PageOptions } from '@spacegrid/grid/core/page-types'
import type { AnyProjection, Projection } from '@spacegrid/grid/core/projection/projection'
import type { AnyCache, Cache } from '@spacegrid/grid/core/transaction'
import type { Model } from './model.ts'
import { naivePage } from './naive-page.ts'
import { naiveRange } from './naive-range.ts'

class NotFound extends Error {}

/** What a query answers on the model. */
export function ask(
  model: Model,
  query: AnyQuery['handler'],
  input: unknown,
  position: number,
  now: number,
): unknown {
  const reader: Reader = {
    now,
    position,
    get: <V>({ name }: Cache<V> | Projection<V>, key: string) =>
      model.find(name, key) as V | undefined,
    range: <V>(of: Cache<V> | Projection<V>, index: string, range: IndexRange = {}) =>
      naiveRange(of, model.readable(of.name), index, range).map(([, value]) => value as V),
    page: <V>(of: Cache<V> | Projection<V>, index: string, options: PageOptions<V> = {}) => {
      const asked = options as unknown as PageOptions
      return naivePage(of, model.readable(of.name), index, asked) as Page<V>
    },
    count: ({ name }: AnyCache | AnyProjection) => model.readable(name).size,
    notFound: (message: string): never => {
      throw new NotFound(message)
    },
  }
  try {
    return query(reader, input as never, sameForAll)
  } catch (error) {
    if (error instanceof NotFound) return { notFound: error.message }
    throw error
  }
}
