import { estimateBytes } from '@spacegrid/grid/core/estimate-bytes'
import type { Place } from '@spacegrid/grid/core/place'
import type { SpaceStatus } from '@spacegrid/grid/doors/request/serving'
import type { Auditor } from '@spacegrid/grid/engine/agreement/auditor'
import type { LogLoad } from '@spacegrid/grid/engine/load/load-told'
import type { MemoryWatch } from '@spacegrid/grid/engine/memory/memory-watch'
import type { Clock } from '@spacegrid/grid/engine/ports/clock'
import type { Log } from '@spacegrid/grid/engine/ports/log'
import type { ClockWatch } from '@spacegrid/grid/engine/replica/clock-watch'
import type { UnreadRecords } from '@spacegrid/grid/engine/replica/unread-records'
import type { ComponentStatus } from '@spacegrid/grid/program/component'
import type { Affinity } from './affinity/affinity.ts'
import { holdsStatus } from './holds-status.ts'
import type { Incarnation } from './incarnation.ts'
import type { UnitLive } from './live/unit-live.ts'
import type { LoadControl } from './overload/load-control.ts'
import { RateMeter } from './rate-meter.ts'
import type { UnitReactions } from './reactions/unit-reactions.ts'

/** What figures are read from. */
export interface FigureSources {
  readonly clock: Clock
  readonly log: Pick<Log, 'filled'>
  readonly place: Place | undefined
  readonly memory: MemoryWatch | undefined
  readonly watch: ClockWatch
  readonly unread: UnreadRecords
  readonly auditor: Auditor
  readonly live: UnitLive
  readonly load: LoadControl
  readonly affinity: Affinity | undefined
  readonly reactions: UnitReactions
}

/** What a unit shows of itself; counts go on from one of its lives to the next. */
export class UnitFigures {
  readonly #from: FigureSources
  readonly #rate: RateMeter
  #collisionsBefore = 0
  #answeredBefore = 0

  constructor(from: FigureSources) {
    this.#from = from
    this.#rate = new RateMeter(from.clock)
  }

  /** A life is over. */
  lived({ runner }: Incarnation): void {
    this.#collisionsBefore += runner.collisions
    this.#answeredBefore += runner.answered
  }

  /** @param incarnation the present life; undefined: there is none */
  status(incarnation: Incarnation | undefined): SpaceStatus & ComponentStatus {
    const { log, place, watch, unread, auditor, live, load, affinity } = this.#from
    const state = incarnation?.state
    const memory = this.#from.memory?.status()
    const reactions = this.#from.reactions.status()
    return {
      state: incarnation ? 'active' : 'rehydrating',
      position: state?.position ?? 0,
      lag: incarnation?.lag ?? 0,
      entries: state?.entryCount ?? 0,
      bytes: state ? estimateBytes(state) : 0,
      digest: state?.digest.toString() ?? '',
      digestPosition: state?.position ?? 0,
      pending: incarnation?.runner.pendingCount ?? 0,
      collisions: this.#collisionsBefore + (incarnation?.runner.collisions ?? 0),
      commandsPerSecond: this.#rate.perSecond(incarnation?.runner.answered ?? 0),
      damagedRecords: unread.damaged,
      logFilled: log.filled,
      clock: watch.status(),
      audit: auditor.status(),
      ...(place && state ? { holds: holdsStatus(state, incarnation?.runner.waiting ?? 0) } : {}),
      ...(memory ? { memory } : {}),
      ...(affinity ? { affinity: affinity.status() } : {}),
      ...(reactions ? { reactions } : {}),
      live: live.status(),
      load: load.status(),
    }
  }

  /** How it fares, for whoever scales the grid: cheaper than everything that there is to say. */
  load(incarnation: Incarnation | undefined): LogLoad {
    const figures = this.#from.load.figures()
    return {
      ...figures,
      partition: this.#from.place?.partition ?? 0,
      answered: this.#answeredBefore + (incarnation?.runner.answered ?? 0),
      pending: incarnation?.runner.pendingCount ?? 0,
      // A log that says nothing at all is on its longest way.
      tripMs: Math.max(figures.tripMs, incarnation?.silentMs ?? 0),
      hotKeys: this.#from.affinity?.hotKeys ?? 0,
    }
  }
}
