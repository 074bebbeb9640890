import type { IndexRange } from '@spacegrid/grid/core/data-types'
import { checkKeyPlace, checkRangePlace, type Place } from '@spacegrid/grid/core/place'
import type { Projection } from '@spacegrid/grid/core/projection/projection'
import type { Cache } from '@spacegrid/grid/core/transaction'
import { type ReadFrom, StateReader } from './state-reader.ts'

/** What a query of a divided space reads from: one partition, and never what belongs to another. */
export class PlacedReader extends StateReader {
  readonly #place: Place

  constructor(from: ReadFrom, readClock: () => number, place: Place) {
    super(from, readClock)
    this.#place = place
  }

  override get<V>(of: Cache<V> | Projection<V>, key: string): V | undefined {
    if ('schema' in of) checkKeyPlace(this.#place, of, key)
    return super.get(of, key)
  }

  protected override get partition(): number {
    return this.#place.partition
  }

  protected override checkRange<V>(
    of: Cache<V> | Projection<V>,
    index: string,
    range: IndexRange,
  ): void {
    checkRangePlace(this.#place, of, index, range)
  }

  override range<V>(
    of: Cache<V> | Projection<V>,
    index: string,
    range: IndexRange = {},
  ): readonly V[] {
    this.checkRange(of, index, range)
    return super.range(of, index, range)
  }
}
