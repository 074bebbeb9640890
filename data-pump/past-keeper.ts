import { isGridError } from '@spacegrid/grid/core/errors'
import { SpaceState } from '@spacegrid/grid/core/space-state'
import type { Report } from '@spacegrid/grid/engine/life/role-event'
import {
  continuedBy,
  type KeptList,
  type KeptSnapshot,
  KeptSnapshots,
} from '@spacegrid/grid/engine/past/kept-snapshots'
import type { Clock } from '@spacegrid/grid/engine/ports/clock'
import type { Log, LogBounds } from '@spacegrid/grid/engine/ports/log'
import type { Replica } from '@spacegrid/grid/engine/replica/replica'
import { ReplicaSnapshot } from '@spacegrid/grid/engine/replica/snapshot-source'

export interface PastKeeping {
  /** How long the past can be asked for, ms of log time. */
  readonly pastMs: number
  /** What log and kept snapshots may take together for it, bytes. */
  readonly pastBytesMax: number
}

/** What a snapshot is taken of. */
type Copied = Pick<Replica, 'state' | 'listen' | 'verify'>

const nothingYet = (): Copied => ({
  state: new SpaceState(),
  listen: () => () => undefined,
  verify: async () => undefined,
})

/** Snapshots in the time that the past is kept: the more, the less has to be melded again. */
const snapshotsInTime = 4
/** The log is trimmed by the data writer, a moment after it may be. */
const roomMs = 5000
const tellMs = 60_000

/**
 * Keeps snapshots of a space, one every so often, so that its past can be made again from them and
 * the log behind them; lets go of those that nobody needs, and the data writer then of that part of
 * the log. When log and snapshots outgrow their room the oldest go first: the past gets shorter,
 * nothing else suffers. Only the pump that publishes keeps them; two that do so for a moment fence
 * each other off.
 */
export class PastKeeper {
  readonly #kept: KeptSnapshots
  readonly #log: Log
  readonly #clock: Clock
  readonly #settings: PastKeeping
  readonly #snapshotBytesMax: number
  readonly #report: Report
  #roomAt = Number.NEGATIVE_INFINITY
  #toldAt = Number.NEGATIVE_INFINITY
  /** What was too large is not tried again before. */
  #notBefore = Number.NEGATIVE_INFINITY

  /** @param past where they are kept */
  constructor(
    past: Log,
    log: Log,
    clock: Clock,
    settings: PastKeeping & { readonly snapshotBytesMax: number },
    report: Report,
  ) {
    this.#kept = new KeptSnapshots(past)
    this.#log = log
    this.#clock = clock
    this.#settings = settings
    this.#snapshotBytesMax = settings.snapshotBytesMax
    this.#report = report
  }

  /** @throws GridError when log or snapshots cannot be reached: it is tried again later. */
  async look(replica: Copied, logIdentity: string): Promise<void> {
    const bounds = await this.#log.bounds()
    if (bounds.identity !== logIdentity) return
    const list = await this.#kept.list()
    const { state } = replica
    const kept = continuedBy(bounds, list)
    if (await this.#letGo(list, kept, state)) return
    if (!this.#hasRoom(list, bounds)) await this.#makeRoom(kept)
    // The beginning of a log is a snapshot that is had for nothing.
    else if (kept.length === 0 && bounds.first === 1) await this.#keep(nothingYet(), logIdentity)
    else if (this.#isDue(kept[0], state)) await this.#keep(replica, logIdentity)
  }

  /** What is older than anybody may ask for, or leads to nothing. */
  async #letGo(
    { kept }: KeptList,
    usable: readonly KeptSnapshot[],
    { time }: SpaceState,
  ): Promise<boolean> {
    const since = time - this.#settings.pastMs
    // The one before `since` is where what happened then begins.
    const oldest = usable.find((it) => it.time <= since) ?? usable.at(-1)
    if (kept.length === 0 || oldest === kept.at(-1)) return false
    await this.#kept.forgetBefore(oldest)
    return true
  }

  #hasRoom(list: KeptList, { bytes = 0 }: LogBounds): boolean {
    return bytes + (list.bounds.bytes ?? 0) <= this.#settings.pastBytesMax
  }

  /** One at a time: what becomes of it takes a moment to be seen. */
  async #makeRoom(kept: readonly KeptSnapshot[]): Promise<void> {
    const now = this.#clock.monotonic()
    if (kept.length === 0 || now - this.#roomAt < roomMs) return
    this.#roomAt = now
    await this.#kept.forgetBefore(kept.at(-2))
    if (kept.length === 1) this.#notBefore = now + this.#settings.pastMs
    this.#tell(now)
  }

  #tell(now: number): void {
    if (now - this.#toldAt < tellMs) return
    this.#toldAt = now
    this.#report({
      kind: 'past',
      level: 'warn',
      message: `log and kept snapshots have outgrown PAST_BYTES_MAX (${this.#settings.pastBytesMax}): less of the past can be asked for`,
    })
  }

  #isDue(newest: KeptSnapshot | undefined, { time, digest }: SpaceState): boolean {
    if (this.#clock.monotonic() < this.#notBefore) return false
    if (!newest) return true
    if (time - newest.time < this.#settings.pastMs / snapshotsInTime) return false
    return digest.toString() !== newest.digest
  }

  async #keep(replica: Copied, logIdentity: string): Promise<void> {
    await replica.verify()
    const source = new ReplicaSnapshot(replica, this.#snapshotBytesMax)
    try {
      const { position, time } = replica.state
      await this.#kept.keep(source, { logIdentity, position, time })
    } catch (error) {
      if (!isGridError(error, 'log_full')) throw error
      // It stands behind all others, and takes their room.
      await this.#kept.forgetBefore(undefined)
      const now = this.#clock.monotonic()
      this.#notBefore = now + this.#settings.pastMs
      this.#tell(now)
    } finally {
      source.close()
    }
  }
}
