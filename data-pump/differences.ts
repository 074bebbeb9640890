import type { EntryKey } from '@spacegrid/grid/engine/ports/store'

/**
 * Entries of one cache that are remembered by name; with more the cache is called wrong as a whole.
 */
const namesMax = 100_000

/** In which entries two copies differ, in bounded memory. */
export class Differences {
  readonly #names = new Map<string, EntryKey[]>()
  readonly #whole = new Set<string>()
  readonly #namesMax: number

  constructor(max = namesMax) {
    this.#namesMax = max
  }

  add(name: EntryKey): void {
    const names = this.#names.get(name.cache)
    if (!names) this.#names.set(name.cache, [name])
    else if (names.length < this.#namesMax) names.push(name)
    else this.addAll(name.cache)
  }

  addAll(cache: string): void {
    this.#whole.add(cache)
  }

  /** Caches that differ in more entries than are named. */
  get whole(): Iterable<string> {
    return this.#whole
  }

  /** The first ones of each cache. */
  *names(): Generator<EntryKey> {
    for (const names of this.#names.values()) yield* names
  }
}
