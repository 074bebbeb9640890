import type { LogName } from '@spacegrid/grid/core/log-name'
import { type Clock, sleep } from '@spacegrid/grid/engine/ports/clock'
import type { Replica } from '@spacegrid/grid/engine/replica/replica'
import {
  SnapshotService,
  type SnapshotServiceOptions,
} from '@spacegrid/grid/engine/replica/snapshot-service'
import { ReplicaSnapshot } from '@spacegrid/grid/engine/replica/snapshot-source'
import { subjects } from '@spacegrid/grid/engine/wire/subjects'
import type { UnitOptions } from './unit-options.ts'
import type { UnitPorts } from './unit-ports.ts'

/** Snapshots a unit gives at the same time. */
const sessionsMax = 2
/** Pause between two looks whether the unit is ready. */
const lookMs = 20
/** Pause before what has failed is tried again. */
const retryMs = 1000

export interface OfferedFrom {
  /** @throws GridError while the unit does not serve */
  readonly replica: () => Replica
  readonly isLike: NonNullable<SnapshotServiceOptions['isLike']>
  readonly failed: (error: Error) => void
}

/** What peers may copy from a unit: snapshots of its replica, while it serves. */
export class OfferedSnapshots {
  readonly #service: SnapshotService
  readonly #clock: Clock
  readonly #failed: (error: Error) => void

  constructor(
    logName: LogName,
    { messaging, clock, random }: UnitPorts,
    { snapshotBytesMax, snapshotEntriesMax, snapshotPieceBytesMax }: UnitOptions,
    { replica, isLike, failed }: OfferedFrom,
  ) {
    this.#clock = clock
    this.#failed = failed
    const take = () => new ReplicaSnapshot(replica(), snapshotBytesMax)
    this.#service = new SnapshotService(messaging, clock, random, take, {
      ...{ logName, subject: subjects.snapshotFromPeer(logName), sessionsMax, isLike },
      entriesMax: snapshotEntriesMax,
      pieceBytesMax: snapshotPieceBytesMax,
    })
  }

  /** Begins once the unit is ready, unless that life of it is over before. */
  async offer(isReady: () => boolean, isOver: () => boolean, signal: AbortSignal): Promise<void> {
    while (!isReady()) {
      if (isOver()) return
      await sleep(this.#clock, lookMs, signal)
    }
    while (!isOver()) {
      try {
        return await this.#service.start()
      } catch (error) {
        // The unit serves all the same; those who join find another source until this works.
        this.#failed(error as Error)
        await sleep(this.#clock, retryMs, signal)
      }
    }
  }

  async stop(): Promise<void> {
    await this.#service.stop()
  }
}
