import { GridError } from '@spacegrid/grid/core/errors'
import { findOldestFrom, leadsOn } from '@spacegrid/grid/engine/changes/change-queue'
import type { Report } from '@spacegrid/grid/engine/life/role-event'
import { Turns } from '@spacegrid/grid/engine/life/turns'
import type { Clock } from '@spacegrid/grid/engine/ports/clock'
import type { Log } from '@spacegrid/grid/engine/ports/log'
import type { PersistedPosition } from './persisted-position.ts'

/**
 * Looks in a row that must find the queue cut off from the store: one alone may have seen a
 * position that was on its way.
 */
const gapLooksMax = 3

/**
 * Looks whether the change queue still leads on from the store. If it does not, somebody has
 * purged, deleted or damaged it, and the pump has to begin again at the store.
 */
export class GapWatch {
  readonly #changes: Log
  readonly #persisted: PersistedPosition
  readonly #turns: Turns
  readonly #report: Report
  #gapLooks = 0
  /** Where the store was when it was looked at last, and where the queue was found to lead on. */
  #storeAt = -1
  #leadsOnAt = -1

  constructor(changes: Log, persisted: PersistedPosition, clock: Clock, report: Report) {
    this.#changes = changes
    this.#persisted = persisted
    this.#turns = new Turns(clock)
    this.#report = report
  }

  /**
   * @param chainFrom queue position from which on the windows are known to follow each other
   * @param published log position up to which everything has been published
   * @returns why the pump cannot go on, once that has been seen several times in a row
   */
  async look(chainFrom: number, published: number): Promise<GridError | undefined> {
    const persisted = this.#persisted.fresh()
    const oldest = await findOldestFrom(this.#changes, chainFrom)
    const isGap = persisted !== undefined && (oldest ?? published) > persisted
    const isHole =
      !isGap && persisted !== undefined && !(await this.#leadsOn(persisted, chainFrom, published))
    this.#gapLooks = isGap || isHole ? this.#gapLooks + 1 : 0
    if (this.#gapLooks < gapLooksMax) return undefined
    const what = isGap ? `begins at ${oldest ?? published}` : 'is damaged behind that'
    const message = `The store is at ${persisted}, but the change queue ${what}`
    if (isHole)
      this.#report({
        kind: 'queue',
        level: 'error',
        message: `${message}: what follows is published anew`,
      })
    return new GridError('not_ready', message)
  }

  /**
   * Whether what follows in the queue can be read by whoever writes it to the store. Looked at once
   * for each position at which the store stands still.
   */
  async #leadsOn(persisted: number, chainFrom: number, published: number): Promise<boolean> {
    const hasMoved = persisted !== this.#storeAt
    this.#storeAt = persisted
    if (hasMoved || persisted >= published || persisted === this.#leadsOnAt) return true
    const { pause } = this.#turns
    if (!(await leadsOn(this.#changes, persisted, pause, chainFrom))) return false
    this.#leadsOnAt = persisted
    return true
  }
}
