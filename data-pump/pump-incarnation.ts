import { codeOf, GridError, isGridError } from '@spacegrid/grid/core/errors'
import { FrameKind } from '@spacegrid/grid/core/frame'
import type { LogName } from '@spacegrid/grid/core/log-name'
import type { MendWish } from '@spacegrid/grid/engine/agreement/audit-message'
import type { Auditor } from '@spacegrid/grid/engine/agreement/auditor'
import type { Life } from '@spacegrid/grid/engine/life/life'
import type { Report } from '@spacegrid/grid/engine/life/role-event'
import { Wakeup } from '@spacegrid/grid/engine/life/wakeup'
import { stoppedText } from '@spacegrid/grid/engine/replica/record-reader'
import { Replica } from '@spacegrid/grid/engine/replica/replica'
import { encodeFrame } from '@spacegrid/grid/engine/wire/frame-codec'
import type { WindowPart } from '@spacegrid/grid/engine/wire/window-codec'
import { type DigestDifference, DigestTrail } from './digest-trail.ts'
import { EventPublisher } from './event-publisher.ts'
import { GapWatch } from './gap-watch.ts'
import { ImageKeeper } from './image-keeper.ts'
import { NextWindow } from './next-window.ts'
import { PastKeeper } from './past-keeper.ts'
import type { PumpPorts, PumpSettings } from './pump-options.ts'
import type { PumpParts } from './pump-parts.ts'
import { findStart } from './pump-start.ts'
import { QueueWatch } from './queue-watch.ts'
import type { PumpStart } from './start-point.ts'
import { StoreMender } from './store-mender.ts'
import { WindowPublisher } from './window-publisher.ts'

const tickMs = 1000
const standbyPollMs = 100
const doubtPollMs = 20
/** Whoever makes room for another one waits so many times longer before it goes on by itself. */
const yieldPatience = 3
export type PumpState = 'rehydrating' | 'active' | 'standby'

/** What a life works with, once it has found where to begin. */
interface Work {
  readonly replica: Replica
  readonly window: NextWindow
  readonly mender: StoreMender
}

/** One life of a data pump: from an exact state on, along the log. */
export class PumpIncarnation {
  state: PumpState = 'rehydrating'
  image: ImageKeeper | undefined
  readonly #parts: PumpParts
  readonly #logName: LogName
  readonly #ports: PumpPorts
  readonly #settings: PumpSettings
  readonly #report: Report
  readonly #life: Life
  readonly #gaps: GapWatch
  readonly #wakeup: Wakeup
  readonly #publisher: WindowPublisher
  readonly #auditor: Auditor
  /** Identity of the log that the life before this one followed. */
  readonly #logBefore: string | undefined
  readonly #trail = new DigestTrail((difference) => void this.#differs(difference))
  #waitingFor = ''
  #logIdentity = ''
  #work: Work | undefined
  #events: EventPublisher | undefined
  /** Queue position of the last record known. */
  #queueLast = 0
  /** Queue position from which on the windows are known to follow each other without a gap. */
  #chainFrom = 0
  #published = 0
  #publishing = false
  /**
   * In what this pump and a published window differ, while it is being asked which of the two is
   * wrong.
   */
  #difference: string | undefined
  #lastKnown = 0
  #isYielding = false
  /** undefined: the past is not kept. */
  readonly #past: PastKeeper | undefined

  constructor(parts: PumpParts, life: Life, logBefore: string | undefined) {
    const { ports, settings, report, persisted } = parts
    const { past, log, changes, clock, random } = ports
    this.#parts = parts
    this.#logName = parts.logName
    this.#ports = ports
    this.#settings = settings
    this.#report = report
    this.#life = life
    this.#auditor = parts.auditor
    this.#logBefore = logBefore
    this.#wakeup = new Wakeup(clock)
    this.#past = past && new PastKeeper(past, log, clock, settings, report)
    this.#gaps = new GapWatch(changes, persisted, clock, report)
    this.#publisher = new WindowPublisher(changes, life, random.integer())
  }

  get replica(): Replica | undefined {
    return this.#work?.replica
  }

  /** Identity of the log that this life follows, or, until it does, the one before it. */
  get logFollowed(): string | undefined {
    return this.#work ? this.#logIdentity : this.#logBefore
  }

  /** The log position up to which everything has been published. */
  get published(): number {
    return this.#published
  }

  get lag(): number {
    return Math.max(0, this.#lastKnown - this.published)
  }

  /** Domain events that this life has published for other services. */
  get eventsPublished(): number {
    return this.#events?.published ?? 0
  }

  /** Changes and events that wait to be published. */
  get waiting(): number {
    return this.#work?.window.size ?? 0
  }

  /** Why it cannot do its work just now; undefined when it can. */
  unready(): string | undefined {
    if (!this.#work) return `rehydrating${this.#waitingFor && `: ${this.#waitingFor}`}`
    const { replica, window } = this.#work
    const doubt = this.#difference ?? this.#auditor.doubt()
    if (doubt !== undefined) return doubt
    if (window.isHeld) return 'the change queue takes nothing'
    if (replica.unreadable) return stoppedText(replica.unreadable)
    if (!replica.connected) return 'the log is not connected'
    return undefined
  }

  async live(): Promise<void> {
    const { log } = this.#ports
    this.#logIdentity = (await this.#life.until(() => log.bounds())).identity
    const start = await findStart(this.#parts, this.#life, {
      logIdentity: this.#logIdentity,
      logFollowed: this.#logBefore,
      waiting: (reason) => {
        this.#waitingFor = reason
      },
    })
    // It may have been replaced while the state was waited for.
    if (start.logIdentity !== this.#logIdentity) throw this.#replacedBy(start.logIdentity)
    const work = this.#follow(start)
    const { replica } = work
    try {
      this.#auditor.follow(replica)
      this.#parts.unread.follow(replica, this.#logIdentity)
      replica.start()
      this.image?.start()
      this.#life.repeat(tickMs, () => this.#tick())
      if (this.#past) this.#life.repeat(tickMs, () => this.#lookAtPast(work))
      this.#life.works()
      if (this.#isAbandoned(start)) await this.#beActive()
      else this.state = 'standby'
      while (!this.#life.signal.aborted)
        if (this.state === 'active') await this.#pump(work)
        else await this.#standBy(work.window)
    } finally {
      this.#auditor.rest()
      work.mender.stop()
      await this.#events?.rest()
      await replica.stop()
      await this.image?.stop()
    }
  }

  #follow(start: PumpStart): Work {
    const { state, timeSeen, from, newest, last, corrections } = start
    const { log, image, changes, events, messaging, clock, random } = this.#ports
    if (corrections.length > 0)
      this.#report({
        kind: 'store',
        level: 'warn',
        message: `what is stored is wrong in ${corrections.length} entries at position ${from}: they are published anew`,
      })
    this.#published = from
    this.#queueLast = last
    this.#chainFrom = newest ? 0 : last + 1
    if (newest) this.#trail.published(newest.to, newest.digest)
    this.#trail.passed(state)
    const replica = new Replica(log, state, { clock, timeSeen })
    this.#parts.watch.follow(replica)
    replica.listen({
      melded: () => this.#trail.passed(state),
      broken: (error) => this.end(error),
    })
    this.#parts.telemetry.melds.follow(replica)
    this.#parts.tracing?.melds.follow(replica)
    const window = new NextWindow(replica, start, clock, this.#settings, () => this.#wakeup.wake())
    const mender = new StoreMender(this.#logName, this.#ports, replica, this.#report)
    this.#work = { replica, window, mender }
    if (events) {
      const [name, identity] = [this.#logName, this.#logIdentity]
      this.#events = new EventPublisher(events, messaging, name, identity, this.#life)
    }
    if (image)
      this.image = new ImageKeeper(
        this.#logName,
        { image, changes, replica, clock, random, failed: (error) => this.end(error) },
        this.#logIdentity,
        this.#report,
        this.#settings,
      )
    return this.#work
  }

  /**
   * Whether nobody else can be expected to publish: then there is no need to wait and see. The
   * fence decides in any case.
   */
  #isAbandoned({ newest, storedAt }: PumpStart): boolean {
    return !newest || this.#ports.clock.now() - storedAt > this.#settings.takeoverMs
  }

  /**
   * The store is wrong: what it should have goes with the next windows. Only the pump that
   * publishes does it.
   */
  mend(wish: MendWish): void {
    if (this.state !== 'active') return
    this.#work?.mender.wanted(wish, () => this.#wakeup.wake())
  }

  async #beActive(): Promise<void> {
    this.state = 'active'
    await this.#events?.begin()
  }

  /** Another pump is to go on; this one does only if that one does not. */
  yield(): void {
    if (this.state !== 'active') return
    this.#isYielding = true
    this.#wakeup.wake()
  }

  async #pump(work: Work): Promise<void> {
    const { replica, window, mender } = work
    if (this.#isYielding) {
      this.#rest('standing by: another pump is to go on')
      return
    }
    if (this.#mustNotPublish(window)) return await this.#life.sleep(doubtPollMs)
    if (window.correct(mender)) this.#moveLog(replica)
    const { dueInMs } = window
    if (dueInMs === undefined || dueInMs > 0) await this.#wakeup.sleep(this.#life.signal, dueInMs)
    else await this.#publish(work)
  }

  /**
   * A window ends behind where it began, so corrections wait for the log to move; on a grid at rest
   * the pump moves it, by saying what is the case already.
   */
  #moveLog({ state, unreadable }: Replica): void {
    // Whatever is behind a record that it cannot read does not move it.
    if (unreadable) return
    const { log, clock } = this.#ports
    const at = clock.now()
    const frame = encodeFrame({ kind: FrameKind.shape, shape: state.layout.shape, at })
    // What was not stored is tried again with the next tick.
    log.append(frame).catch((error) => {
      if (!isGridError(error)) this.end(error)
    })
  }

  /** Better late than wrong: what is published will be stored. */
  #mustNotPublish(window: NextWindow): boolean {
    const { isDisputing } = this.#auditor
    if (isDisputing || this.#difference !== undefined || this.#auditor.doubt() !== undefined)
      return true
    return !window.isRight
  }

  async #publish({ replica, window: next }: Work): Promise<void> {
    const { clock } = this.#ports
    const window = next.close(this.#logIdentity)
    const spans = this.#parts.tracing?.publishing(window.checkpoint.position)
    this.#publishing = true
    // The window that was closed is bounded, and so is the next one: one is published while the
    // other is collected.
    await next.resume()
    const startedAt = clock.monotonic()
    // What the log has lost must not be stored.
    const isInLog = () => replica.verify()
    try {
      // Before the window: it is from there that whoever comes after a crash goes on.
      if (window.events.length > 0) {
        await this.#life.until(isInLog, (error) => error.code === 'log_replaced')
        await this.#events?.publish(window.events)
      }
      const { last, bytes } = await this.#publisher.publish(
        window,
        this.#queueLast,
        isInLog,
        spans?.traceparents,
      )
      spans?.end()
      this.#queueLast = last
      this.#published = window.checkpoint.position
      const tookMs = clock.monotonic() - startedAt
      next.published(tookMs)
      this.#parts.telemetry.published(window, bytes, tookMs)
      this.#trail.published(window.checkpoint.position, window.checkpoint.digest)
      this.image?.published(window, bytes)
    } catch (error) {
      spans?.end(codeOf(error))
      this.#parts.telemetry.failed(error, clock.monotonic() - startedAt)
      next.reopen(window)
      if (!isGridError(error, 'fenced')) throw error
      this.#rest(`standing by: another pump goes on from ${window.from}`)
    } finally {
      this.#publishing = false
    }
  }

  #rest(message: string): void {
    this.state = 'standby'
    this.image?.rest()
    void this.#events?.rest()
    this.#report({ kind: 'standing_by', level: 'info', message })
  }

  /**
   * Follows what the other pump publishes, until it has published nothing for a while although the
   * log has moved.
   */
  async #standBy(next: NextWindow): Promise<void> {
    const { changes, clock, random } = this.#ports
    // Two standbys must not wake at the same moment, again and again.
    const usualMs = this.#settings.takeoverMs + (random.integer() % 500)
    let patienceMs = (this.#isYielding ? yieldPatience : 1) * usualMs
    this.#isYielding = false
    const watch = new QueueWatch(changes, clock, this.#queueLast, {
      published: (window) => {
        patienceMs = usualMs
        this.#otherPublished(next, window)
      },
      broken: (error) => this.end(error),
    })
    try {
      while (!this.#life.signal.aborted && !this.#isDue(next, watch, patienceMs)) {
        await this.#life.sleep(standbyPollMs)
        await next.resume()
      }
    } finally {
      await watch.stop()
    }
    this.#queueLast = watch.last
    if (this.#life.signal.aborted) return
    await this.#beActive()
    this.#report({
      kind: 'took_over',
      level: 'info',
      message: `publishing from position ${next.from}`,
    })
  }

  #isDue({ movedAt }: NextWindow, { connected, heardAt }: QueueWatch, patienceMs: number): boolean {
    if (!connected || movedAt === undefined) return false
    return this.#ports.clock.monotonic() - Math.max(heardAt, movedAt) >= patienceMs
  }

  #otherPublished(
    next: NextWindow,
    { to, digest, logIdentity }: Pick<WindowPart, 'to' | 'digest' | 'logIdentity'>,
  ): void {
    if (logIdentity !== this.#logIdentity) return
    if (to < next.from) {
      const message = `Another pump has begun again and is at ${to}; this one no longer has the changes before ${next.from}`
      this.end(new GridError('not_ready', message))
      return
    }
    this.#trail.published(to, digest)
    next.forget(to)
    this.#published = to
  }

  async #tick(): Promise<void> {
    this.#parts.watch.tick()
    const { log } = this.#ports
    const { identity, last } = await log.bounds()
    this.#lastKnown = last
    if (identity !== this.#logIdentity) this.end(this.#replacedBy(identity))
    if (this.#work?.window.isHeld) await this.#verifyHeld(this.#work.replica)
    if (this.state !== 'active' || this.#publishing) return
    if (this.#work?.window.waitsForLog) this.#moveLog(this.#work.replica)
    const gap = await this.#gaps.look(this.#chainFrom, this.published)
    if (gap) this.end(gap)
    await this.#events?.look()
  }

  /** Its tail does not run, so nobody tells it that the log has lost what it melded. */
  async #verifyHeld(replica: Replica): Promise<void> {
    try {
      await replica.verify()
    } catch (error) {
      if (isGridError(error, 'log_replaced')) this.end(error)
      else throw error
    }
  }

  async #lookAtPast({ replica, window }: Work): Promise<void> {
    if (this.state !== 'active' || this.#mustNotPublish(window)) return
    await this.#past?.look(replica, this.#logIdentity)
  }

  /**
   * Either this pump is wrong or whoever published the window: the units know. In any case the next
   * life begins at the store.
   */
  async #differs(difference: DigestDifference): Promise<void> {
    const { position, published, found } = difference
    const what = `At position ${position} this pump's digest is ${found}, the published window's ${published}`
    this.#difference = what
    const isWindowWrong = await this.#auditor.confirms(position, found)
    if (isWindowWrong) this.#parts.wrongWindows.add(difference)
    const then = isWindowWrong ? "; the units have this pump's: it publishes anew" : ''
    this.end(new GridError('diverged', `${what}${then}`))
  }

  #replacedBy(identity: string): GridError {
    return new GridError('log_replaced', `The log is ${identity}, no longer ${this.#logIdentity}`)
  }

  /** What it knows no longer fits the world: the next life begins anew. */
  end(error: Error): void {
    this.#life.end(error)
  }
}
