import type { Space } from '../../core/definition.ts'
import { outboxCache } from '../../core/outbox.ts'
import type { ReadableFields } from '../../core/readable-part.ts'
import type { AnyCache } from '../../core/transaction.ts'

/**
 * The caches of a space whose entries callers may read one by one, by name. A cache is private to
 * its space unless it says otherwise. A space in which no cache says anything is still being
 * written: there, all of them are readable if `undeclared` is, or none.
 * @param undeclared whether caches of a space that declares nothing are readable: while developing
 */
export function readableCaches(
  { caches }: Space,
  undeclared: boolean,
): ReadonlyMap<string, ReadableFields> {
  const readable = new Map<string, ReadableFields>()
  const isDeclared = saysWhatIsReadable(caches)
  for (const cache of caches) {
    const declared = isDeclared || isOfTheGrid(cache) ? cache.readable : undeclared
    if (declared === true) readable.set(cache.name, 'all')
    else if (declared) readable.set(cache.name, declared)
  }
  return readable
}

/** The outbox of a space with reactions: what it says is no word of the application's. */
const isOfTheGrid = (cache: AnyCache): boolean => cache === (outboxCache as AnyCache)

const saysWhatIsReadable = (caches: readonly AnyCache[]): boolean =>
  caches.some((cache) => cache.readable !== undefined && !isOfTheGrid(cache))

/**
 * What whoever starts a grid should know about a space in which no cache says whether it is
 * readable; undefined: they say it.
 */
export function readableNotice({ name, caches }: Space, undeclared: boolean): string | undefined {
  if (caches.length === 0 || saysWhatIsReadable(caches)) return undefined
  const means = undeclared
    ? 'anyone can read their entries; in production nobody could'
    : 'nobody can read their entries'
  return `No cache of the space ${name} says whether it is readable: ${means} (GET /${name}/caches/…). Declare it: defineCache(…, { readable: … })`
}
