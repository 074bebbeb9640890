import { GridError } from '@spacegrid/grid/errors'
import type { SpaceState } from '@spacegrid/grid/space/space-state'

/** Positions whose digest is remembered: a window that is published later than that is not compared. */
const positionsMax = 20_000

/**
 * Compares this pump's digests with those of the windows that others, or its former lives, have published: at the same position they must be
 * equal. architecture.md, invariant 9. A window may come before or after the replica gets to its position.
 */
export class DigestTrail {
  readonly #passed = new Map<number, string>()
  readonly #expected = new Map<number, string>()

  /** @throws GridError `internal` when a window says otherwise */
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
    compare(position, expected, found)
  }

  /** @throws GridError `internal` when the replica was different there */
  published(position: number, digest: string): void {
    const found = this.#passed.get(position)
    if (found !== undefined) compare(position, digest, found)
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
}

function compare(position: number, published: string, found: string): void {
  if (published !== found)
    throw new GridError(
      'internal',
      `At position ${position} this pump's digest is ${found}, the published window's ${published}`,
    )
}
