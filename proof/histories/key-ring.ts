import type { SeededRandom } from '@spacegrid/grid/kit/seeded-random'

/**
 * Names of a few keys that everybody works on at a time. One that has been used often gives way to
 * a new one, so that no list grows for ever, and no search of a key's history either.
 */
export class KeyRing {
  /** All that there have been. */
  readonly names: string[] = []
  readonly #prefix: string
  readonly #usesMax: number
  readonly #active: { readonly name: string; uses: number }[]

  constructor(prefix: string, active: number, usesMax: number) {
    this.#prefix = prefix
    this.#usesMax = usesMax
    this.#active = Array.from({ length: active }, () => this.#fresh())
  }

  take(random: SeededRandom): string {
    const at = random.below(this.#active.length)
    const key = this.#active[at] ?? this.#fresh()
    if (++key.uses >= this.#usesMax) this.#active[at] = this.#fresh()
    return key.name
  }

  /** Several, all different. */
  some(count: number, random: SeededRandom): string[] {
    const names = new Set<string>()
    while (names.size < Math.min(count, this.#active.length)) names.add(this.take(random))
    return [...names]
  }

  #fresh(): { readonly name: string; uses: number } {
    const name = `${this.#prefix}${this.names.length + 1}`
    this.names.push(name)
    return { name, uses: 0 }
  }
}
