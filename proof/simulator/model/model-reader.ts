import type {
  AnyCache,
  AnyProjection,
  Cache,
  IndexRange,
  Reader,
} from '@spacegrid/grid/core/definition'
import { readOnly } from '@spacegrid/runtime/read-only'
import type { Model } from './model.ts'
import { naiveRange } from './naive-range.ts'

class NotFound extends Error {}

/** What a query answers on the model. */
export function ask(
  model: Model,
  query: (read: Reader, input: unknown) => unknown,
  input: unknown,
  position: number,
  now: number,
): unknown {
  const reader: Reader = {
    now,
    position,
    get: <V>(cache: Cache<V>, key: string) => model.find(cache.name, key) as V | undefined,
    range: <V>(cache: Cache<V>, index: string, range: IndexRange = {}) =>
      naiveRange(cache, model.entries(cache.name), index, range).map(([, value]) => value as V),
    count: (cache: AnyCache) => model.entries(cache.name).size,
    projection: <M, V>(projection: AnyProjection & { readonly cache: Cache<V> }) =>
      readOnly(model.projection(projection) as M),
    notFound: (message: string): never => {
      throw new NotFound(message)
    },
  }
  try {
    return query(reader, input)
  } catch (error) {
    if (error instanceof NotFound) return { notFound: error.message }
    throw error
  }
}
