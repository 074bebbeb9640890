import { GridError, isGridError } from '@spacegrid/grid/core/errors'
import type { LogName } from '@spacegrid/grid/core/log-name'
import { Auditor } from '@spacegrid/grid/engine/agreement/auditor'
import type { Life } from '@spacegrid/grid/engine/life/life'
import { Lives } from '@spacegrid/grid/engine/life/lives'
import type { Readiness } from '@spacegrid/grid/engine/life/readiness'
import type { Report } from '@spacegrid/grid/engine/life/role-event'
import { type RehydrationSource, rehydrate } from '@spacegrid/grid/engine/replica/rehydration'
import { UnreadRecords } from '@spacegrid/grid/engine/replica/unread-records'
import { aborted } from './aborted.ts'
import { CopySearch } from './copy-search.ts'
import { failedEvent } from './failed-event.ts'
import { Incarnation, type IncarnationParts } from './incarnation.ts'
import { OfferedSnapshots } from './offered-snapshots.ts'
import type { UnitOptions } from './unit-options.ts'
import type { UnitPorts } from './unit-ports.ts'

/** Pause before what has failed is tried again. */
const retryMs = 1000
/** An incarnation that ends sooner has probably met something that the next one meets as well. */
const shortLifeMs = 1000

/** What the lives of a unit are made of. */
export interface UnitLivesParts {
  readonly logName: LogName
  readonly ports: UnitPorts
  /** Where an exact state may come from, in the order of preference. */
  readonly sources: readonly RehydrationSource[]
  /** What all incarnations are made of. */
  readonly incarnations: IncarnationParts
  /** As the unit itself says it: what kind of unit it is may be a reason as well. */
  readonly readiness: () => Readiness
  readonly report: Report
}

/** What goes along with each life; told in this order. */
export interface LivesListener {
  /** It is there, and hears of everything that it is going to meld. */
  born(incarnation: Incarnation): void
  /** It follows the log. */
  follows(incarnation: Incarnation, logIdentity: string): void
  /** It is over; one that ends because the unit stops may still answer. */
  over(): void
  /** Nobody can ask it for anything any more. */
  gone(incarnation: Incarnation): void
  /** The log that it followed is another one now. */
  logReplaced(): void
}

/**
 * The lives of a unit, one after the other: each finds an exact copy of the space, follows the log
 * from there and is offered to those who join, until its replica can no longer follow, or differs
 * from what others have. Whoever needs a replica asks here whether there is one that serves. What a
 * life leaves to the next one is only what that has to look out for: which log it followed, and
 * whom it must not copy from.
 */
export class UnitLives {
  readonly #parts: UnitLivesParts
  readonly #options: UnitOptions
  readonly #listener: LivesListener
  readonly #lives: Lives
  readonly #search: CopySearch
  readonly snapshots: OfferedSnapshots
  readonly unread: UnreadRecords
  readonly auditor: Auditor
  #incarnation: Incarnation | undefined
  /** The log that the last incarnation followed has gone. */
  #logReplaced = false
  /** Identity of the log that the last incarnation followed. */
  #logFollowed: string | undefined
  /** Monotonic ms at which the incarnation began. */
  #bornAt = 0

  constructor(parts: UnitLivesParts, options: UnitOptions, listener: LivesListener) {
    const { logName, ports, incarnations, report } = parts
    const { clock } = ports
    this.#parts = parts
    this.#options = options
    this.#listener = listener
    this.#lives = new Lives(clock, report, {
      tell: (life) => this.#tellEnd(life),
      // What works at once again should serve at once again.
      pauseMs: ({ worked }) => {
        const isLong = clock.monotonic() - this.#bornAt >= shortLifeMs
        return worked && isLong ? 0 : retryMs
      },
    })
    this.#search = new CopySearch(report)
    this.snapshots = new OfferedSnapshots(logName, ports, options, {
      replica: () => this.serving().replica,
      isLike: (suspect) => this.auditor.isLike(suspect),
      failed: (error) => report(failedEvent(error)),
    })
    this.unread = new UnreadRecords(clock, (level, message) =>
      report({ kind: 'log', level, message }),
    )
    this.auditor = new Auditor(ports, {
      logName,
      name: incarnations.name,
      role: 'unit',
      tellMs: options.auditMs,
      sampleEntries: options.auditEntries,
      snapshotBytesMax: options.snapshotBytesMax,
      diverged: (error) => this.#incarnation?.end(error),
      report: (level, message) => report({ kind: 'audit', level, message }),
    })
  }

  /** The present one, whether it serves or not. */
  get incarnation(): Incarnation | undefined {
    return this.#incarnation
  }

  /** The first life begins; `readiness` says when it serves. */
  start(): void {
    this.auditor.start()
    this.#lives.start((life) => this.#live(life))
  }

  get stopping(): boolean {
    return this.#lives.stopping
  }

  /** The present life is the last one. Its incarnation is left to whoever stops the unit. */
  stop(): Promise<void> {
    return this.#lives.stop()
  }

  /**
   * On the way of every read: what is said when none serves is put together elsewhere.
   * @throws GridError `not_ready`, `stopping`
   */
  serving(): Incarnation {
    const incarnation = this.#incarnation
    if (incarnation?.serves && !this.auditor.doubts && !this.#lives.stopping) return incarnation
    throw this.#noneServes()
  }

  #noneServes(): GridError {
    if (this.#lives.stopping)
      return new GridError('stopping', 'The processing unit is stopping', { retryAfterMs: 1000 })
    return new GridError(
      'not_ready',
      `The processing unit is not ready: ${this.#parts.readiness().reason}`,
      { retryAfterMs: 1000 },
    )
  }

  readiness(): Readiness {
    if (this.#lives.stopping) return { ready: false, reason: 'stopping' }
    const incarnation = this.#incarnation
    const doubt = this.auditor.doubt()
    if (!incarnation) {
      const { text } = this.#search
      return { ready: false, reason: doubt === undefined ? text : `${doubt}; ${text}` }
    }
    const reason = doubt ?? incarnation.unready()
    return reason === undefined ? { ready: true } : { ready: false, reason }
  }

  /** One incarnation, from where its state comes to its end. */
  async #live(life: Life): Promise<void> {
    const { signal } = life
    const { logName, sources, incarnations, readiness, report } = this.#parts
    const { log, messaging, clock } = this.#parts.ports
    this.#search.begin()
    const rehydrated = await rehydrate(log, messaging, clock, {
      logName,
      sources,
      signal,
      logReplaced: this.#logReplaced,
      logFollowed: this.#logFollowed,
      suspect: this.auditor.suspect,
      confirms: (position, digest) => this.auditor.confirms(position, digest),
      progress: (progress) => this.#search.progressed(progress),
      failed: (from, error) => this.#search.failed(from, error),
    })
    const { state, source, logIdentity, copied } = rehydrated
    this.#logFollowed = logIdentity
    this.#search.found()
    // Stopped while the last answer came in: an incarnation made now would never be told.
    if (signal.aborted) return
    const { entryCount: entries, position } = state
    report({
      kind: 'rehydrated',
      level: 'info',
      message: `rehydrated from ${source}: ${entries} entries at position ${position}`,
      details: { source, entries, position, ...copied },
    })
    const incarnation = new Incarnation(rehydrated, incarnations, this.#options, (error) =>
      life.end(error),
    )
    this.#incarnation = incarnation
    this.#bornAt = clock.monotonic()
    this.unread.follow(incarnation.replica, logIdentity)
    this.auditor.follow(incarnation.replica)
    this.#listener.born(incarnation)
    incarnation.start()
    this.#listener.follows(incarnation, logIdentity)
    life.works()
    const isOver = () => signal.aborted || this.#incarnation !== incarnation
    void this.snapshots.offer(() => readiness().ready, isOver, signal)
    await aborted(signal)
    this.auditor.rest()
    this.#listener.over()
    // Whoever stops the unit ends its last incarnation, when that has answered.
    if (this.#lives.stopping) return
    await this.snapshots.stop()
    this.#incarnation = undefined
    this.#listener.gone(incarnation)
    await incarnation.replica.stop()
  }

  #tellEnd({ failure, worked }: Life): void {
    if (!failure) return
    const { report } = this.#parts
    if (!worked) {
      report(failedEvent(failure))
      return
    }
    this.#logReplaced = isGridError(failure, 'log_replaced')
    if (this.#logReplaced) this.#listener.logReplaced()
    report({
      kind: 'rehydrating',
      level: 'warn',
      message: `left service to rehydrate: ${failure.message}`,
      error: failure,
    })
  }
}
