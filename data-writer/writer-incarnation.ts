import { codeOf, GridError, isGridError } from '@spacegrid/grid/core/errors'
import type { LogName } from '@spacegrid/grid/core/log-name'
import { findWindowAfter, isReadable } from '@spacegrid/grid/engine/changes/change-queue'
import type { QueuedWindow } from '@spacegrid/grid/engine/changes/window-assembler'
import {
  mergeWindows,
  takeWindows,
  type WindowBatch,
} from '@spacegrid/grid/engine/changes/window-batch'
import { WindowFeed } from '@spacegrid/grid/engine/changes/window-feed'
import type { Life } from '@spacegrid/grid/engine/life/life'
import type { Report } from '@spacegrid/grid/engine/life/role-event'
import { Turns } from '@spacegrid/grid/engine/life/turns'
import { Wakeup } from '@spacegrid/grid/engine/life/wakeup'
import { KeptSnapshots } from '@spacegrid/grid/engine/past/kept-snapshots'
import type { Checkpoint } from '@spacegrid/grid/engine/ports/store'
import { encodePersisted } from '@spacegrid/grid/engine/wire/persisted'
import { subjects } from '@spacegrid/grid/engine/wire/subjects'
import type { QuarantineWatch } from './quarantine-watch.ts'
import { Trimmer } from './trimmer.ts'
import type { WriterPorts, WriterSettings } from './writer-options.ts'
import type { WriterTelemetry } from './writer-telemetry.ts'
import { type StoringSpans, storingSpans } from './writer-tracing.ts'

/** How often the position is told anew, what can be trimmed is, and the log is looked at. */
const tickMs = 1000
/** How often a standby looks whether the other writer still moves. */
const standbyPollMs = 200

/** Damage in the change queue is told at most this often. */
const damageTellMs = 60_000

/** Whoever makes room for another one waits so many times longer before it goes on by itself. */
const yieldPatience = 3

export type WriterState = 'starting' | 'active' | 'standby'

/**
 * What no patience helps against: the incarnation ends, and the next one looks at everything anew.
 */
const isDisorder = ({ code }: GridError): boolean =>
  code === 'stale_writer' || code === 'log_replaced' || code === 'record_damaged'

/** What one life of a data writer is made of. */
export interface WriterIncarnationParts {
  readonly logName: LogName
  readonly ports: WriterPorts
  readonly report: Report
  readonly quarantine: QuarantineWatch
  readonly telemetry: WriterTelemetry
  readonly life: Life
  /** What the life before it has left the store at, if there was one. */
  readonly known: Checkpoint | undefined
}

/** One life of a data writer: from the store's checkpoint on, along the change queue. */
export class WriterIncarnation {
  state: WriterState = 'starting'
  checkpoint: Checkpoint | undefined
  readonly #logName: LogName
  readonly #ports: WriterPorts
  readonly #settings: WriterSettings
  readonly #report: Report
  readonly #life: Life
  readonly #wakeup: Wakeup
  readonly #turns: Turns
  readonly #trimmer: Trimmer
  readonly #quarantine: QuarantineWatch
  readonly #telemetry: WriterTelemetry
  #logIdentity = ''
  #lastKnown = 0
  #feed: WindowFeed | undefined
  #gap: number | undefined
  #isYielding = false
  #damageToldAt = Number.NEGATIVE_INFINITY

  constructor(parts: WriterIncarnationParts, settings: WriterSettings) {
    const { logName, ports, report, quarantine, telemetry, life, known } = parts
    this.checkpoint = known
    this.#logName = logName
    this.#ports = ports
    this.#settings = settings
    this.#report = report
    this.#life = life
    this.#wakeup = new Wakeup(ports.clock)
    this.#turns = new Turns(ports.clock)
    const past = ports.past && new KeptSnapshots(ports.past)
    this.#trimmer = new Trimmer(ports.log, ports.changes, ports.clock, settings.trimDelayMs, past)
    this.#quarantine = quarantine
    this.#telemetry = telemetry
  }

  get position(): number {
    return this.checkpoint?.position ?? 0
  }

  get lag(): number {
    return Math.max(0, this.#lastKnown - this.position)
  }

  get waitingBytes(): number {
    return this.#feed?.bytes ?? 0
  }

  /** Another writer is to go on; this one does only if that one does not. */
  yield(): void {
    if (this.state !== 'active') return
    this.#isYielding = true
    this.#wakeup.wake()
  }

  /** Why it cannot do its work just now; undefined when it can. */
  unready(): string | undefined {
    if (this.state === 'starting') return 'starting'
    if (!this.#feed?.connected) return 'the change queue is not connected'
    if (this.#gap !== undefined)
      return `the change queue goes on at ${this.#gap}, the store is at ${this.position}: the data pump has to publish what is between${this.checkpoint ? '' : '; if the store has lost what it had: npx spacegrid recover --store'}`
    return undefined
  }

  async live(): Promise<void> {
    const { log, changes } = this.#ports
    this.#logIdentity = (await this.#life.until(() => log.bounds())).identity
    this.checkpoint = await this.#readCheckpoint()
    this.#checkIdentity()
    const after = await this.#life.until(() => findWindowAfter(changes, this.position))
    if (this.position > 0) this.#trimmer.reached(this.position, after)
    const feed = new WindowFeed(changes, after, {
      bytesMax: this.#settings.feedBytesMax,
      wake: () => this.#wakeup.wake(),
      damaged: (error, at) =>
        this.#tellDamage(`record ${at} of the change queue: ${error.message}`),
    })
    this.#feed = feed
    this.#life.repeat(tickMs, () => this.#tick())
    this.#life.repeat(tickMs, () => this.#quarantine.look())
    try {
      feed.start()
      this.state = 'active'
      this.#life.works()
      while (!this.#life.signal.aborted) await this.#work(feed)
    } finally {
      await feed.stop()
    }
  }

  async #work(feed: WindowFeed): Promise<void> {
    if (feed.failure) throw feed.failure
    if (this.#isYielding) {
      this.#isYielding = false
      await this.#standBy(feed, yieldPatience)
      return
    }
    const { batchBytesMax } = this.#settings
    const { windows, gap } = takeWindows(feed, this.position, this.#logIdentity, batchBytesMax)
    this.#noteGap(gap)
    const newest = windows.at(-1)
    if (!newest) {
      await this.#wakeup.sleep(this.#life.signal)
      return
    }
    const { tracing } = this.#ports
    const spans = tracing && storingSpans(tracing, this.#logName, windows)
    const batch = await this.#merge(windows, feed)
    if (!batch) return
    if (await this.#apply(batch, spans)) {
      spans?.end()
      this.#applied(newest)
    } else {
      spans?.end('stale_writer')
      feed.putBack(windows)
      await this.#standBy(feed)
    }
  }

  /**
   * undefined: one of the windows is not what a pump has made. It is passed over, and those before
   * and behind it come again.
   */
  async #merge(
    windows: readonly QueuedWindow[],
    feed: WindowFeed,
  ): Promise<WindowBatch | undefined> {
    const { pause } = this.#turns
    try {
      return await mergeWindows(windows, pause)
    } catch (error) {
      if (!isGridError(error, 'record_damaged')) throw error
      const sound: QueuedWindow[] = []
      for (const window of windows)
        if (await isReadable(window.parts, pause)) sound.push(window)
        else this.#tellDamage(`the window to ${window.to} in the change queue: ${error.message}`)
      feed.putBack(sound)
      return undefined
    }
  }

  /**
   * Whoever is behind it says so; the pump sees that the store stands still, and publishes anew
   * what is missing.
   */
  #tellDamage(what: string): void {
    const now = this.#ports.clock.monotonic()
    if (now - this.#damageToldAt < damageTellMs) return
    this.#damageToldAt = now
    this.#report({ kind: 'queue', level: 'error', message: `passes over ${what}` })
  }

  /** Whether the store has taken the batch from us; if not, it has moved on by itself. */
  async #apply(
    { checkpoint: next, changes }: WindowBatch,
    spans: StoringSpans | undefined,
  ): Promise<boolean> {
    const { store, clock } = this.#ports
    const from = this.position
    let isUncertain = false
    return await this.#life.until(async () => {
      const begun = clock.monotonic()
      const attempt = spans?.attempt()
      try {
        await store.apply(this.#logName, from, next, changes)
        attempt?.end()
        this.#telemetry.applied(changes.length, next.position - from, clock.monotonic() - begun)
      } catch (error) {
        attempt?.end(codeOf(error))
        this.#telemetry.failed(error, clock.monotonic() - begun)
        if (!isGridError(error)) throw error
        const isStale = error.code === 'stale_writer'
        const found = await this.#find()
        // Once an attempt's outcome was not heard, the checkpoint we wanted may well be our own.
        isUncertain ||= !isStale
        const isOurs =
          isUncertain && found?.position === next.position && found.digest === next.digest
        if (!isOurs) {
          if (!isStale && (found?.position ?? 0) === from) throw error
          this.#moved(found)
          return false
        }
      }
      this.checkpoint = next
      return true
    }, isDisorder)
  }

  #applied(window: QueuedWindow): void {
    this.#gap = undefined
    this.#trimmer.reached(this.position, window.first)
    this.#publishPosition()
  }

  /** Another writer works: this one follows the store's checkpoint until that stands still. */
  async #standBy(feed: WindowFeed, patience = 1): Promise<void> {
    const { clock } = this.#ports
    this.state = 'standby'
    this.#report({
      kind: 'standing_by',
      level: 'info',
      message: `standing by: the store is at ${this.position}`,
    })
    let since = clock.monotonic()
    while (!this.#life.signal.aborted && !feed.failure) {
      for (let next = feed.next; next && next.to <= this.position; next = feed.next) feed.take()
      await this.#life.sleep(standbyPollMs)
      const before = this.position
      this.#moved(await this.#readCheckpoint())
      const now = clock.monotonic()
      if (this.position !== before) patience = 1
      if (this.position !== before || !feed.next) since = now
      else if (now - since >= patience * this.#settings.takeoverMs) break
    }
    if (this.#life.signal.aborted) return
    this.state = 'active'
    this.#report({
      kind: 'took_over',
      level: 'info',
      message: `taking over: the store stands at ${this.position}`,
    })
  }

  #moved(found: Checkpoint | undefined): void {
    const position = found?.position ?? 0
    if (position < this.position)
      throw new GridError(
        'stale_writer',
        `The store has gone back from ${this.position} to ${position}`,
      )
    this.checkpoint = found
    this.#checkIdentity()
  }

  async #readCheckpoint(): Promise<Checkpoint | undefined> {
    return await this.#life.until(() => this.#find(), isDisorder)
  }

  /**
   * The store's checkpoint. One that somebody has removed or changed is put back first, if this
   * writer knows what it was: beside it may be what a later one had, but the windows behind it are
   * applied anew, and the audit compares the rest.
   * @throws GridError `record_damaged` when it is not known what it was
   */
  async #find(): Promise<Checkpoint | undefined> {
    const { store } = this.#ports
    // That of another log must not come back.
    const known = this.checkpoint?.logIdentity === this.#logIdentity ? this.checkpoint : undefined
    try {
      const found = await store.checkpoint(this.#logName)
      if (found || !known || !store.restore) return found
    } catch (error) {
      if (!isGridError(error, 'record_damaged') || !known || !store.restore) throw error
    }
    try {
      await store.restore(this.#logName, known)
      const message = `the store's checkpoint was changed or removed: it is put back to ${known.position}`
      this.#report({ kind: 'store', level: 'warn', message })
    } catch (error) {
      // Another writer has been here.
      if (!isGridError(error, 'stale_writer')) throw error
    }
    return await store.checkpoint(this.#logName)
  }

  #checkIdentity(): void {
    const stored = this.checkpoint?.logIdentity
    if (this.position < 0)
      throw new GridError(
        'log_replaced',
        'The store is being written anew, or was left so (npx spacegrid recover --store)',
      )
    if (stored !== undefined && stored !== this.#logIdentity)
      throw new GridError(
        'log_replaced',
        `The store holds ${this.#logName} at ${this.position} of the log ${stored}, but the log is ${this.#logIdentity}. If that log is lost: npx spacegrid recover --from store`,
      )
  }

  async #tick(): Promise<void> {
    this.#publishPosition()
    const { identity, last } = await this.#ports.log.bounds()
    this.#lastKnown = last
    if (identity !== this.#logIdentity)
      this.#life.end(
        new GridError('log_replaced', `The log is ${identity}, no longer ${this.#logIdentity}`),
      )
    else await this.#trimmer.trim(identity)
    if (this.state === 'active') await this.#find()
    if (this.#gap !== undefined) await this.#lookBehindGap()
  }

  /**
   * Another writer may have had what is missing here: then this one begins anew where the store is
   * by now.
   */
  async #lookBehindGap(): Promise<void> {
    const { position = 0 } = (await this.#find()) ?? {}
    if (position > this.position)
      this.#life.end(
        new GridError('stale_writer', `The store has gone on to ${position} without this writer`),
      )
  }

  #publishPosition(): void {
    try {
      const { messaging } = this.#ports
      messaging.publish(subjects.persisted(this.#logName), encodePersisted(this.position))
    } catch (error) {
      // Not connected just now: it is told again within a second.
      if (!isGridError(error)) throw error
    }
  }

  #noteGap(gap: number | undefined): void {
    if (gap === undefined || gap === this.#gap) return
    if (this.#gap === undefined)
      this.#report({
        kind: 'queue',
        level: 'warn',
        message: `the change queue goes on at ${gap}, the store is at ${this.position}`,
      })
    this.#gap = gap
  }
}
