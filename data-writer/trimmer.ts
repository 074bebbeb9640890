import { type KeptSnapshots, keptFrom } from '@spacegrid/grid/engine/past/kept-snapshots'
import type { Clock } from '@spacegrid/grid/engine/ports/clock'
import type { Log } from '@spacegrid/grid/engine/ports/log'

/** What the store reached, and where the change queue tells of it. */
interface Reached {
  readonly at: number
  readonly position: number
  /** Queue position of the first record of the window that ends at `position`. */
  readonly queuePosition: number
}

/** How often a place is remembered: the delay is this exact. */
const spacingMs = 1000
/** Whoever keeps the first snapshot for the past begins in this time. */
const firstSnapshotMs = 30_000

/**
 * Trims the log and the change queue to where the store was some time ago, so that whoever has just
 * read the store finds what follows, and the log no further than to the oldest snapshot that is
 * kept for the past. architecture.md, invariant 7: never beyond the checkpoint. The
 * record at the checkpoint, and the window that led to it, stay: neither of the two is ever empty
 * again, so a pump always finds the last window that was published.
 */
export class Trimmer {
  readonly #log: Log
  readonly #changes: Log
  readonly #clock: Clock
  readonly #delayMs: number
  readonly #past: KeptSnapshots | undefined
  readonly #begunAt: number
  #reached: Reached[] = []
  #trimmed = 0

  constructor(log: Log, changes: Log, clock: Clock, delayMs: number, past?: KeptSnapshots) {
    this.#log = log
    this.#changes = changes
    this.#clock = clock
    this.#delayMs = delayMs
    this.#past = past
    this.#begunAt = clock.monotonic()
  }

  /** The store is at `position`, durably. */
  reached(position: number, queuePosition: number): void {
    const at = this.#clock.monotonic()
    const before = this.#reached.at(-2)
    if (before && at - before.at < spacingMs) this.#reached.pop()
    this.#reached.push({ at, position, queuePosition })
  }

  /** @throws GridError `log_unavailable`: asked again later, it does no less. */
  async trim(logIdentity: string): Promise<void> {
    const until = this.#clock.monotonic() - this.#delayMs
    const due = this.#reached.findLast(({ at }) => at <= until)
    if (!due || due.position <= this.#trimmed) return
    await this.#changes.trim(due.queuePosition)
    // Looked at only now: a snapshot that is begun later ends behind where the store was.
    const keptAt = this.#past && (await this.#keptAt(this.#past, logIdentity))
    const position = Math.min(due.position, keptAt ?? due.position)
    if (position > this.#trimmed) await this.#log.trim(position)
    this.#trimmed = Math.max(position, this.#trimmed)
    this.#reached = this.#reached.filter(({ at }) => at >= due.at)
  }

  async #keptAt(past: KeptSnapshots, logIdentity: string): Promise<number | undefined> {
    const list = await past.list()
    const isNew = list.bounds.last === 0
    if (isNew && this.#clock.monotonic() - this.#begunAt < firstSnapshotMs) return 0
    return keptFrom(list, logIdentity)
  }
}
