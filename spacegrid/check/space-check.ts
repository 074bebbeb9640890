import type { Value } from '@spacegrid/grid/core/data-types'
import type { Space } from '@spacegrid/grid/core/definition'
import { type DefinitionNote, definitionNotes } from '@spacegrid/grid/core/definition-notes'
import { entryFit } from '@spacegrid/grid/core/entry-fit'
import { isGridError } from '@spacegrid/grid/core/errors'
import { fieldOf } from '@spacegrid/grid/core/fields'
import {
  type CacheShape,
  expiryIndex,
  initialShape,
  mergeShapes,
  type SpaceShape,
  shapeOf,
} from '@spacegrid/grid/core/shape'
import type { AnyCache } from '@spacegrid/grid/core/transaction'

/** Keys that are named of each finding. */
const examplesMax = 5

/** Entries of which the version cannot read one field, or could not find them by an index. */
export interface Finding {
  readonly how: 'unreadable' | 'unindexed'
  /** Dotted path; '' is the whole entry. */
  readonly field: string
  readonly message: string
  readonly entries: number
  readonly keys: readonly string[]
}

/** What would become of one cache's entries. */
export interface CacheCheck {
  readonly cache: string
  /** Looked at. */
  readonly entries: number
  readonly kept: number
  readonly renamed: number
  readonly defaulted: number
  readonly upcast: number
  readonly findings: readonly Finding[]
}

/** What would happen if units with this definition were started on what is there. */
export interface SpaceCheck {
  readonly space: string
  /** Whether they would serve. */
  readonly holds: boolean
  /** The definition contradicts the log's. */
  readonly conflict: string | undefined
  /** What it would add to the definition in the log. */
  readonly additions: readonly string[]
  /** What other versions have declared, and this one has not, or has otherwise. */
  readonly notes: readonly DefinitionNote[]
  readonly caches: readonly CacheCheck[]
}

/** Compares a definition with that of the log, and with entries as they are stored. */
export class SpaceChecker {
  readonly #space: Space
  readonly #logged: SpaceShape
  readonly #counts = new Map<AnyCache, Counts>()
  readonly #byName: ReadonlyMap<string, AnyCache>

  /** @param logged the definition in the log; undefined: there is none yet */
  constructor(space: Space, logged: SpaceShape | undefined) {
    this.#space = space
    this.#logged = logged ?? initialShape
    this.#byName = new Map(space.caches.map((cache) => [cache.name, cache]))
    for (const cache of space.caches) this.#counts.set(cache, new Counts())
  }

  /**
   * How many entries of a cache have been looked at; of one that the definition has not, all of
   * them.
   */
  looked(cacheName: string): number {
    const cache = this.#byName.get(cacheName)
    return cache ? (this.#counts.get(cache)?.entries ?? 0) : Number.POSITIVE_INFINITY
  }

  look(cacheName: string, key: string, value: Value): void {
    const cache = this.#byName.get(cacheName)
    if (cache) this.#counts.get(cache)?.look(cache, key, value)
  }

  result(): SpaceCheck {
    const conflict = this.#conflict()
    const caches = [...this.#counts].map(([cache, counts]) => counts.result(cache.name))
    return {
      space: this.#space.name,
      holds: conflict === undefined && caches.every(({ findings }) => findings.length === 0),
      conflict,
      additions: conflict === undefined ? this.#additions() : [],
      notes: definitionNotes(this.#space, this.#logged),
      caches,
    }
  }

  #conflict(): string | undefined {
    try {
      mergeShapes(this.#logged, shapeOf(this.#space))
      return undefined
    } catch (error) {
      if (!isGridError(error, 'definition_conflict')) throw error
      return error.message
    }
  }

  #additions(): string[] {
    const before = new Map(this.#logged.caches.map((cache) => [cache.name, cache]))
    return shapeOf(this.#space).caches.flatMap((cache) => {
      const logged = before.get(cache.name)
      return logged ? addedTo(logged, cache) : [`cache ${cache.name}`]
    })
  }
}

function addedTo(logged: CacheShape, cache: CacheShape): string[] {
  const names = new Set(logged.indexes.map(({ name }) => name))
  const fields = new Set((logged.fields ?? []).map((text) => fieldOf(text).path))
  const index = (name: string, of: readonly string[]) =>
    name === expiryIndex
      ? `cache ${cache.name}: the expiry ${of.join()}`
      : `cache ${cache.name}: index ${name} (${of.join(', ')})`
  return [
    ...cache.indexes
      .filter(({ name }) => !names.has(name))
      .map((added) => index(added.name, added.fields)),
    ...(cache.fields ?? [])
      .map(fieldOf)
      .filter(({ path }) => !fields.has(path))
      .map(({ path, types }) => `cache ${cache.name}: field ${path} (${types.join(' or ')})`),
  ]
}

class Counts {
  entries = 0
  readonly #ways = { kept: 0, renamed: 0, defaulted: 0, upcast: 0 }
  readonly #findings = new Map<string, Finding & { entries: number; readonly keys: string[] }>()

  look(cache: AnyCache, key: string, value: Value): void {
    this.entries++
    const fit = entryFit(cache, value)
    if (fit.how !== 'unreadable' && fit.how !== 'unindexed') {
      this.#ways[fit.how]++
      return
    }
    const { how, field, message } = fit
    const name = JSON.stringify([how, field, message])
    const finding = this.#findings.get(name) ?? { how, field, message, entries: 0, keys: [] }
    finding.entries++
    if (finding.keys.length < examplesMax) finding.keys.push(key)
    this.#findings.set(name, finding)
  }

  result(cache: string): CacheCheck {
    return { cache, entries: this.entries, ...this.#ways, findings: [...this.#findings.values()] }
  }
}
