import type { Space } from '@spacegrid/grid/core/definition'
import { GridError } from '@spacegrid/grid/core/errors'
import { FrameKind } from '@spacegrid/grid/core/frame'
import { mergeShapes, shapeOf } from '@spacegrid/grid/core/shape'
import type { SpaceState } from '@spacegrid/grid/core/space-state'
import type { Clock } from '@spacegrid/grid/engine/ports/clock'
import type { Log } from '@spacegrid/grid/engine/ports/log'
import { encodeFrame } from '@spacegrid/grid/engine/wire/frame-codec'
import { DataCheck } from './data-check.ts'
import type { DefinitionTeller } from './definition-teller.ts'
import type { UnitOptions } from './unit-options.ts'

/** Pause before data that could not be read are looked at again. */
const lookAgainMs = 10_000

export interface AdoptionParts {
  readonly space: Space
  readonly state: SpaceState
  readonly log: Log
  readonly clock: Clock
  readonly definition: DefinitionTeller
  /** Whether the replica has come to where the log ended when it was first asked. */
  readonly isThere: () => boolean
  /** Whether the life that this belongs to is over. */
  readonly isOver: () => boolean
  /** Told once, when the application can be served. */
  readonly adopted: () => void
}

/**
 * Brings what the application declares into the log's definition, and finds out whether the
 * application can read what is stored: a replica serves once both are so. Nothing is asked of the
 * log before it is known that the application can work with what is there.
 */
export class DefinitionAdoption {
  readonly #parts: AdoptionParts
  readonly #options: Pick<UnitOptions, 'takesCommands' | 'republishMs'>
  readonly #data: DataCheck
  #isAdopted = false
  #conflict: GridError | undefined
  #isLooking = false
  #lookAgainAt = 0
  #askedAt = Number.NEGATIVE_INFINITY

  constructor(parts: AdoptionParts, options: Pick<UnitOptions, 'takesCommands' | 'republishMs'>) {
    this.#parts = parts
    this.#options = options
    this.#data = new DataCheck(parts.space, parts.state)
  }

  /** Why the application cannot be served with what is in the log. */
  get conflict(): GridError | undefined {
    return this.#conflict
  }

  /** Whether what is stored is being looked through. */
  get isLooking(): boolean {
    return this.#isLooking
  }

  /** Called often: tries again what may have become possible. */
  tick(): void {
    if (!this.#isAdopted && (!this.#conflict || this.#data.problem)) this.adopt()
  }

  /** The definition has changed, or how far the log reaches is known. */
  adopt(): void {
    const { space, state, isThere, adopted } = this.#parts
    try {
      const current = state.layout.shape
      const merged = mergeShapes(current, shapeOf(space))
      if (!this.#isAdopted && !(isThere() && this.#canRead())) return
      if (merged !== current) this.#askForShape()
      else if (!this.#isAdopted) {
        this.#isAdopted = true
        adopted()
      }
      this.#refuse(undefined)
    } catch (error) {
      if (!(error instanceof GridError)) throw error
      this.#refuse(error)
    }
  }

  #refuse(conflict: GridError | undefined): void {
    const { definition, state } = this.#parts
    this.#conflict = conflict
    if (conflict) definition.refused(conflict)
    else definition.follows(state.layout.shape)
  }

  /**
   * Whether the stored data have been found readable. Looks at them, if that is not known. @throws
   * GridError `definition_conflict`
   */
  #canRead(): boolean {
    const now = this.#parts.clock.monotonic()
    if (!this.#isLooking && this.#data.problem && now >= this.#lookAgainAt) this.#data.again()
    if (!this.#isLooking && !this.#data.done) this.#look()
    if (!this.#data.done) return false
    if (this.#data.problem) throw new GridError('definition_conflict', this.#data.problem)
    return true
  }

  /** A turn at a time, the first one at once: most spaces are looked through with that. */
  #look(): void {
    const { clock, isOver } = this.#parts
    if (isOver()) return
    this.#data.step()
    const wasLooking = this.#isLooking
    this.#isLooking = !this.#data.done
    if (this.#isLooking) clock.soon(() => this.#look())
    else {
      this.#lookAgainAt = clock.monotonic() + lookAgainMs
      if (wasLooking) this.adopt()
    }
  }

  #askForShape(): void {
    const { space, log, clock } = this.#parts
    if (!this.#options.takesCommands) return
    const now = clock.monotonic()
    if (now - this.#askedAt < this.#options.republishMs) return
    this.#askedAt = now
    const at = clock.now()
    // Seen in the log or not: that alone tells whether it worked, so a failure needs no handling
    // but the next try.
    log
      .append(encodeFrame({ kind: FrameKind.shape, shape: shapeOf(space), at }))
      .catch(() => undefined)
  }
}
