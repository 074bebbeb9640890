import type { LogName } from '../core/log-name.ts'
import type { SpaceStatus } from '../doors/request/serving.ts'
import type { Readiness } from '../engine/life/readiness.ts'
import type { PlacementStatus } from '../engine/placement/placement-status.ts'

/**
 * What everybody may see of a component's work on one space, at `/status`: as much of a unit's
 * figures as it has.
 */
export interface ComponentStatus extends Partial<SpaceStatus> {
  /** What it is doing, in one word: `starting`, `rehydrating`, `active`, `standby`. */
  readonly state: string
}

/**
 * The part of a program that serves one log: a data pump, a data writer or a data reader. `start`
 * returns at once and the component then lives through every fault of the world by itself;
 * `readiness` says whether it can do its work just now.
 */
export interface Component {
  start(): void
  /**
   * Finishes what is under way (bounded) and leaves nothing running. Its collaborators are closed
   * by whoever made them.
   */
  stop(): Promise<void>
  readiness(): Readiness
  status(): ComponentStatus
  /**
   * Another one stands by that should do the work: lets it take over, and does it again itself only
   * if that one does not.
   */
  yield?(): void
  /** How many partitions its space has by the definition it has met; undefined: not known yet. */
  readonly partitions?: number | undefined
  /** Those of a divided space that it works for just now, which are shown in its place. */
  readonly parts?: ReadonlyMap<LogName, Component>
  /** Who keeps what of a divided space, as far as the component has a part in that. */
  placement?(): PlacementStatus
}
