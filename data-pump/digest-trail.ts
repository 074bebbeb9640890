import type { SpaceState } from '@spacegrid/grid/core/space-state'

/**
 * Positions whose digest is remembered: a window that is published later than that is not compared.
 */
const positionsMax = 20_000

/** At one position this pump and a published window have different digests. */
export interface DigestDifference {
  readonly position: number
  readonly published: string
  readonly found: string
}

/**
 * Compares this pump's digests with those of the windows that others, or its former lives, have
 * published: at the same position they must be equal. architecture.md, invariant 9. A window may
 * come before or after the replica gets to its position.
 */
export class DigestTrail {
  readonly #passed = new Map<number, string>()
  readonly #expected = new Map<number, string>()
  readonly #differs: (difference: DigestDifference) => void

  constructor(differs: (difference: DigestDifference) => void) {
    this.#differs = differs
  }

  passed({ position, digest }: SpaceState): void {
    const found = digest.toString()
    this.#passed.set(position, found)
    if (this.#passed.size > positionsMax) {
      const [oldest] = this.#passed.keys()
      if (oldest !== undefined) this.#passed.delete(oldest)
    }
    const expected = this.#expected.get(position)
    if (expected === undefined) return
    this.#expected.delete(position)
    this.#compare(position, expected, found)
  }

  published(position: number, digest: string): void {
    const found = this.#passed.get(position)
    if (found !== undefined) this.#compare(position, digest, found)
    else this.#expected.set(position, digest)
    for (const passed of this.#passed.keys()) {
      if (passed > position) break
      this.#passed.delete(passed)
    }
    for (const awaited of this.#expected.keys()) {
      if (awaited >= position) break
      this.#expected.delete(awaited)
    }
  }

  #compare(position: number, published: string, found: string): void {
    if (published !== found) this.#differs({ position, published, found })
  }
}
