import { type ErrorCode, isGridError } from '@spacegrid/grid/core/errors'
import type { SpaceState } from '@spacegrid/grid/core/space-state'
import type { PastStates, Stretch } from '@spacegrid/grid/engine/past/past-states'
import type { ReplicaListener } from '@spacegrid/grid/engine/replica/replica'
import { batchBytesMax, happeningsMax } from './batch-limits.ts'
import { Recent, type Remembered } from './recent.ts'
import { Happened, type RememberedChange, type RememberedEvent } from './remembered.ts'

/** How a stretch of the log is melded again. */
export type MeldAgain = PastStates['forward']

/** Nobody can tell what has happened there, or not soon enough. */
const unreachable: readonly ErrorCode[] = [
  ...(['position_out_of_reach', 'position_timeout', 'overloaded', 'memory_full'] as const),
]

/**
 * What happened in a stretch of the log, found by melding it again: as a unit remembers it that has
 * been there (architecture.md, invariant 1). Of a bounded size, give or take one frame.
 */
export class MeldedAgain implements Stretch {
  readonly events: Recent<RememberedEvent>
  readonly changes: Recent<RememberedChange>
  readonly #cache: string | undefined
  #count = 0

  private constructor(from: number, cache: string | undefined) {
    this.events = new Recent(from)
    this.changes = new Recent(from)
    this.#cache = cache
  }

  /**
   * undefined: the log does not reach so far back, or it takes too long.
   * @param from what is at or before it is not looked at
   * @param to where enough is known from elsewhere
   * @param cache changes of its entries are wanted, too
   * @throws GridError `log_unavailable`, `stopping`
   */
  static async look(
    meldAgain: MeldAgain,
    from: number,
    to: number,
    cache: string | undefined,
  ): Promise<{ readonly found: MeldedAgain; readonly reached: number } | undefined> {
    const found = new MeldedAgain(from, cache)
    try {
      const reached = await meldAgain(from, to, found, () => found.#isEnough)
      return reached > from ? { found, reached } : undefined
    } catch (error) {
      if (unreachable.some((code) => isGridError(error, code))) return undefined
      throw error
    }
  }

  get #isEnough(): boolean {
    return this.#count >= happeningsMax || this.events.bytes + this.changes.bytes >= batchBytesMax
  }

  begin(state: SpaceState): ReplicaListener {
    const happened = new Happened(state.position)
    const add = <Item extends Remembered>(to: Recent<Item>, item: Item) => {
      to.add(item)
      this.#count++
    }
    return {
      melding: (_frame, position) => happened.melding(position),
      changed: (write, before) => {
        const isFollowed = state.layout.cache(write.cache).name === this.#cache
        const change = happened.change(write, before, isFollowed)
        if (change) add(this.changes, change)
      },
      emitted: (event, id) => add(this.events, happened.event(event, id)),
    }
  }
}
