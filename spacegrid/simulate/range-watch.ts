import type { Callback } from '@spacegrid/grid/core/application-fault'
import type { IndexRange } from '@spacegrid/grid/core/data-types'

/** The smallest cache that a range was read in, and what it gave. */
interface Least {
  readonly size: number
  readonly read: number
}

/** Share of a cache that a range reads when it may be said to grow with it. */
const shareMin = 0.5

/** Notices ranges without a limit that read more and more as their cache grows. */
export class RangeWatch {
  readonly #entriesMax: number
  readonly #sizeOf: (cache: string) => number
  readonly #least = new Map<string, Least>()

  constructor(entriesMax: number, sizeOf: (cache: string) => number) {
    this.#entriesMax = entriesMax
    this.#sizeOf = sizeOf
  }

  /** What is wrong with it, if anything. */
  read(
    { kind, name }: Pick<Callback, 'kind' | 'name'>,
    cache: string,
    index: string,
    range: IndexRange | undefined,
    read: number,
  ): string | undefined {
    if (range?.limit !== undefined) return undefined
    const size = Math.max(read, this.#sizeOf(cache))
    const place = `${kind} ${name} ${cache}.${index}`
    const least = this.#least.get(place)
    if (!least || size < least.size) this.#least.set(place, { size, read })
    const hasGrown = least && least.size * 2 <= size && least.read * 2 <= read
    if (!hasGrown || read <= this.#entriesMax || read < size * shareMin) return undefined
    return (
      `reads ${read} of the ${size} entries of cache ${cache} (index ${index}, no limit); ` +
      `of ${least.size} it read ${least.read}: it grows with the cache`
    )
  }
}
