import { Compatibility } from '@spacegrid/grid/core/compatibility'
import type { Reader, Space } from '@spacegrid/grid/core/definition'
import { type Frame, FrameKind } from '@spacegrid/grid/core/frame'
import type { IndexOrder } from '@spacegrid/grid/core/index-order'
import { Melder } from '@spacegrid/grid/core/meld'
import { outsideSpace } from '@spacegrid/grid/core/misuse'
import type { Place } from '@spacegrid/grid/core/place'
import { shapeOf } from '@spacegrid/grid/core/shape'
import { SpaceState } from '@spacegrid/grid/core/space-state'
import type { DomainEvent } from '@spacegrid/grid/core/steps'
import type { AnyCache } from '@spacegrid/grid/core/transaction'
import type { FaultDesk } from '@spacegrid/runtime/fault-desk'
import { PlacedReader } from '@spacegrid/runtime/placed-reader'
import { Projections } from '@spacegrid/runtime/projections'
import { StateReader } from '@spacegrid/runtime/state-reader'
import type { Attempt } from './started-command.ts'
import type { Surroundings } from './unit-in-partition.ts'

/** What all partitions of a harness have in common. */
export interface Shared {
  readonly space: Space
  readonly attemptsMax: number
  readonly now: () => number
  readonly newId: () => string
  readonly faults: FaultDesk
  readonly emitted: (event: DomainEvent) => void
}

/** One log of a harness, and what follows from it. */
export class HarnessPartition {
  readonly state = new SpaceState()
  readonly version: Compatibility
  readonly projections: Projections
  readonly surroundings: Surroundings
  readonly #now: () => number
  readonly #place: Place | undefined
  readonly #melder: Melder
  /** Whose transactions the frame that is being melded holds. */
  #melding: readonly Attempt[] = []

  /** @param place undefined: the space has only one */
  constructor(place: Place | undefined, { emitted, ...shared }: Shared) {
    this.#now = shared.now
    this.#place = place
    this.#melder = new Melder(this.state, decodeNothing, {
      changed: (write, before) => this.projections.changed(write, before),
      decided: (index, _transaction, _id, evaluation) => this.#melding[index]?.decide(evaluation),
      emitted,
    })
    const { space, faults } = shared
    this.version = new Compatibility(space.caches, () => this.state.layout)
    const meld: Surroundings['meld'] = (frame, attempts) => this.#meld(frame, attempts)
    this.surroundings = { ...shared, state: this.state, place, version: this.version, meld }
    this.#meld({ kind: FrameKind.shape, shape: shapeOf(space) }, [])
    this.projections = new Projections(space, this.state, faults)
  }

  get reader(): Reader {
    return this.#place
      ? new PlacedReader(this, this.#now, this.#place)
      : new StateReader(this, this.#now)
  }

  /** @throws Misuse, Error when there is no such cache or index */
  orderOf(cache: AnyCache, index: string): IndexOrder {
    const layout = this.state.layout.named(cache.name)
    if (!layout) throw outsideSpace(cache.name)
    const number = layout.indexNumber(index)
    const order = number === undefined ? undefined : layout.orders[number]
    if (!order) throw new Error(`cache ${cache.name} has no index ${index}`)
    return order
  }

  #meld(frame: Frame, attempts: readonly Attempt[]): boolean {
    this.#melding = attempts
    const accepted = this.#melder.meld(frame, this.state.position + 1, this.#now())
    this.projections?.settle(this.state.position)
    return accepted
  }
}

/** Nothing travels here, so no frame is too large to be sent in one part. */
const decodeNothing = (): never => {
  throw new Error('a harness sends no parts')
}
