import type { Value } from './data-types.ts'
import { readingOf, storedName } from './evolution.ts'
import { Misuse } from './misuse.ts'
import type { AnyCache } from './transaction.ts'
import { isReadable, readProblem } from './validation.ts'

/** What becomes of a stored entry when a version of the application reads it. */
export type EntryFit =
  | { readonly how: 'kept' | 'renamed' | 'defaulted' | 'upcast' }
  /**
   * `unindexed`: an index holds it, if at all, at another place than that of the value that is
   * read.
   */
  | { readonly how: 'unreadable' | 'unindexed'; readonly field: string; readonly message: string }

const kept: EntryFit = { how: 'kept' }

export function entryFit(cache: AnyCache, stored: Value): EntryFit {
  if (cache.evolution === undefined) {
    if (isReadable(cache.schema, stored)) return kept
    return unreadable(cache, stored)
  }
  try {
    const reading = readingOf(cache)
    const made = reading.make(stored)
    if (made === stored) return cache.evolution.upcast ? kept : unreadable(cache, stored)
    if (reading.needsUpcast(stored)) return unindexed(cache, stored, made) ?? { how: 'upcast' }
    const fit = unreadable(cache, made)
    if (fit !== kept) return fit
    const isRenamed = [...cache.evolution.renamed.keys()].some((it) => Object.hasOwn(stored, it))
    return { how: isRenamed ? 'renamed' : 'defaulted' }
  } catch (error) {
    if (!(error instanceof Misuse)) throw error
    const message = error.message.slice(error.message.indexOf(': ') + 2)
    return { how: 'unreadable', field: error.field ?? '', message }
  }
}

function unreadable({ schema }: AnyCache, value: Value): EntryFit {
  const problem = readProblem(schema, value)
  return problem ? { how: 'unreadable', field: problem.path, message: problem.message } : kept
}

/** Melding knows of no upcast: it finds an entry by what is stored. */
function unindexed(cache: AnyCache, stored: Value, made: Value): EntryFit | undefined {
  const indexes = Object.entries(cache.indexes as Readonly<Record<string, readonly string[]>>)
  for (const [index, fields] of indexes)
    for (const field of fields)
      if (stored[storedName(cache, field)] !== made[field])
        return {
          how: 'unindexed',
          field,
          message: `is not stored as it is read, so index ${index} does not find it`,
        }
  return undefined
}
