import { GridError, isGridError } from '@spacegrid/grid/core/errors'
import { FrameKind } from '@spacegrid/grid/core/frame'
import type { LogName } from '@spacegrid/grid/core/log-name'
import type { MendWish } from '@spacegrid/grid/engine/agreement/audit-message'
import type { Auditor } from '@spacegrid/grid/engine/agreement/auditor'
import type { Life } from '@spacegrid/grid/engine/life/life'
import type { Report } from '@spacegrid/grid/engine/life/role-event'
import { Wakeup } from '@spacegrid/grid/engine/life/wakeup'
import type { ClockWatch } from '@spacegrid/grid/engine/replica/clock-watch'
import { stoppedText } from '@spacegrid/grid/engine/replica/record-reader'
import { Replica } from '@spacegrid/grid/engine/replica/replica'
import type { UnreadRecords } from '@spacegrid/grid/engine/replica/unread-records'
import { encodeFrame } from '@spacegrid/grid/engine/wire/frame-codec'
import type { WindowPart } from '@spacegrid/grid/engine/wire/window-codec'
import { type DigestDifference, DigestTrail } from './digest-trail.ts'
import { EventPublisher } from './event-publisher.ts'
import { GapWatch } from './gap-watch.ts'
import { ImageKeeper } from './image-keeper.ts'
import { PastKeeper } from './past-keeper.ts'
import type { PersistedPosition } from './persisted-position.ts'
import type { PumpPorts, PumpSettings } from './pump-options.ts'
import { findStart } from './pump-start.ts'
import { QueueWatch } from './queue-watch.ts'
import type { PumpStart } from './start-point.ts'
import { StoreMender } from './store-mender.ts'
import { WindowCollector } from './window-collector.ts'
import { WindowPublisher } from './window-publisher.ts'
import { WindowSchedule } from './window-schedule.ts'
import type { WrongWindows } from './wrong-windows.ts'

/** Corrections that are published with one window. */
const correctionsMax = 5000
/**
 * So much of that is theirs, whatever else there is to publish: under a steady load there would
 * never be room.
 */
const correctionsShare = 0.25
const tickMs = 1000
const standbyPollMs = 100
const doubtPollMs = 20
/** Whoever makes room for another one waits so many times longer before it goes on by itself. */
const yieldPatience = 3
export type PumpState = 'rehydrating' | 'active' | 'standby'

/** One life of a data pump: from an exact state on, along the log. */
export class PumpIncarnation {
  state: PumpState = 'rehydrating'
  image: ImageKeeper | undefined
  readonly #logName: LogName
  readonly #ports: PumpPorts
  readonly #settings: PumpSettings
  readonly #report: Report
  readonly #life: Life
  readonly #gaps: GapWatch
  readonly #wakeup: Wakeup
  readonly #publisher: WindowPublisher
  readonly #schedule: WindowSchedule
  readonly #auditor: Auditor
  readonly #watch: ClockWatch
  readonly #wrongWindows: WrongWindows
  readonly #unread: UnreadRecords
  /** Identity of the log that the life before this one followed. */
  readonly #logBefore: string | undefined
  readonly #trail = new DigestTrail((difference) => void this.#differs(difference))
  #waitingFor = ''
  #logIdentity = ''
  #replica: Replica | undefined
  #events: EventPublisher | undefined
  #mender: StoreMender | undefined
  #collector = new WindowCollector(0)
  /** Corrections that it has taken for the window that is collected. */
  #corrections = 0
  /** Queue position of the last record known. */
  #queueLast = 0
  /** Queue position from which on the windows are known to follow each other without a gap. */
  #chainFrom = 0
  #published = 0
  #publishing = false
  /** Melding waits, because what it leaves could not be published yet. */
  #paused: Promise<() => void> | undefined
  /**
   * In what this pump and a published window differ, while it is being asked which of the two is
   * wrong.
   */
  #difference: string | undefined
  /** What is published first has to end behind this position. */
  #wrongTo = 0
  #lastKnown = 0
  #isYielding = false
  /** undefined: the past is not kept. */
  readonly #past: PastKeeper | undefined

  constructor(
    logName: LogName,
    ports: PumpPorts,
    settings: PumpSettings,
    report: Report,
    life: Life,
    persisted: PersistedPosition,
    auditor: Auditor,
    watch: ClockWatch,
    wrongWindows: WrongWindows,
    unread: UnreadRecords,
    logBefore: string | undefined,
  ) {
    this.#logName = logName
    this.#ports = ports
    this.#settings = settings
    this.#report = report
    this.#life = life
    this.#auditor = auditor
    this.#watch = watch
    this.#wrongWindows = wrongWindows
    this.#unread = unread
    this.#logBefore = logBefore
    this.#wakeup = new Wakeup(ports.clock)
    const { past, log, clock } = ports
    this.#past = past && new PastKeeper(past, log, clock, settings, report)
    this.#gaps = new GapWatch(ports.changes, persisted, ports.clock, report)
    this.#publisher = new WindowPublisher(ports.changes, life, ports.random.integer())
    this.#schedule = new WindowSchedule(ports.clock, settings)
  }

  get replica(): Replica | undefined {
    return this.#replica
  }

  /** Identity of the log that this life follows, or, until it does, the one before it. */
  get logFollowed(): string | undefined {
    return this.#replica ? this.#logIdentity : this.#logBefore
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
    return this.#collector.size
  }

  /** Why it cannot do its work just now; undefined when it can. */
  unready(): string | undefined {
    if (!this.#replica) return `rehydrating${this.#waitingFor && `: ${this.#waitingFor}`}`
    const doubt = this.#difference ?? this.#auditor.doubt()
    if (doubt !== undefined) return doubt
    if (this.#paused) return 'the change queue takes nothing'
    if (this.#replica.unreadable) return stoppedText(this.#replica.unreadable)
    if (!this.#replica.connected) return 'the log is not connected'
    return undefined
  }

  async live(): Promise<void> {
    const { log } = this.#ports
    this.#logIdentity = (await this.#life.until(() => log.bounds())).identity
    const start = await findStart(
      this.#logName,
      this.#ports,
      this.#logIdentity,
      this.#logBefore,
      this.#life,
      this.#auditor,
      this.#wrongWindows.isWrong,
      (reason) => {
        this.#waitingFor = reason
      },
    )
    // It may have been replaced while the state was waited for.
    if (start.logIdentity !== this.#logIdentity) throw this.#replacedBy(start.logIdentity)
    const replica = this.#follow(start)
    try {
      this.#auditor.follow(replica)
      this.#unread.follow(replica, this.#logIdentity)
      replica.start()
      this.image?.start()
      this.#life.repeat(tickMs, () => this.#tick())
      if (this.#past) this.#life.repeat(tickMs, () => this.#lookAtPast(replica))
      this.#life.works()
      if (this.#isAbandoned(start)) await this.#beActive()
      else this.state = 'standby'
      while (!this.#life.signal.aborted)
        if (this.state === 'active') await this.#pump(replica)
        else await this.#standBy(replica)
    } finally {
      this.#auditor.rest()
      this.#mender?.stop()
      await this.#events?.rest()
      await replica.stop()
      await this.image?.stop()
    }
  }

  #follow({ state, seen, from, newest, last, wrongTo, corrections }: PumpStart): Replica {
    const { log, image, changes, events, messaging, clock, random } = this.#ports
    this.#collector = new WindowCollector(from)
    for (const change of corrections) this.#collector.correct(change)
    if (corrections.length > 0)
      this.#report({
        kind: 'store',
        level: 'warn',
        message: `what is stored is wrong in ${corrections.length} entries at position ${from}: they are published anew`,
      })
    this.#published = from
    this.#queueLast = last
    this.#wrongTo = wrongTo
    this.#chainFrom = newest ? 0 : last + 1
    if (newest) this.#trail.published(newest.to, newest.digest)
    this.#trail.passed(state)
    const replica = new Replica(log, state, { clock, seen })
    this.#watch.follow(replica)
    replica.listen({
      changed: ({ cache, key, value, version, archived }, before) => {
        const { name } = state.layout.cache(cache)
        const change = { cache: name, key, value, version, position: state.position }
        this.#collector.add(archived ? { ...change, value: before, archived } : change)
      },
      emitted: ({ name, payload }, transaction) => {
        const { position, time } = state
        this.#collector.emit({ name, payload, transaction, position, time })
      },
      melded: () => this.#melded(replica),
      broken: (error) => this.end(error),
    })
    this.#replica = replica
    if (events) {
      const [name, identity] = [this.#logName, this.#logIdentity]
      this.#events = new EventPublisher(events, messaging, name, identity, this.#life)
    }
    this.#mender = new StoreMender(this.#logName, this.#ports, replica, this.#report)
    if (image)
      this.image = new ImageKeeper(
        this.#logName,
        { image, changes, replica, clock, random, failed: (error) => this.end(error) },
        this.#logIdentity,
        this.#report,
        this.#settings,
      )
    return replica
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
    this.#mender?.wanted(wish, () => this.#wakeup.wake())
  }

  #melded(replica: Replica): void {
    const { state } = replica
    this.#trail.passed(state)
    if (state.position <= this.#collector.from) return
    const fill = this.#schedule.fill(this.#collector)
    if (fill >= 2 && state.position > this.#wrongTo) this.#pause(replica)
    if (this.#schedule.moved(this.#collector)) this.#wakeup.wake()
  }

  /**
   * Bounds memory: the log keeps what is not melded yet. Outcomes of one key take the place of each
   * other, but there may be many keys, and events pile up.
   */
  #pause(replica: Replica): void {
    this.#paused ??= replica.hold()
  }

  async #resume(): Promise<void> {
    if (!this.#paused || this.#schedule.fill(this.#collector) >= 1) return
    const release = await this.#paused
    this.#paused = undefined
    release()
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

  async #pump(replica: Replica): Promise<void> {
    if (this.#isYielding) {
      this.#rest('standing by: another pump is to go on')
      return
    }
    if (this.#mustNotPublish(replica)) return await this.#life.sleep(doubtPollMs)
    this.#correct(replica)
    const dueInMs = this.#schedule.dueInMs(this.#collector)
    if (dueInMs === undefined || dueInMs > 0) await this.#wakeup.sleep(this.#life.signal, dueInMs)
    else await this.#publish(replica)
  }

  /**
   * What is right at the replica's position is right at the end of the window, whatever the store
   * has.
   */
  #correct(replica: Replica): void {
    if (!this.#mender?.isWaiting) return
    const max = Math.min(this.#settings.windowChangesMax, correctionsMax)
    const share = Math.max(1, Math.floor(max * correctionsShare))
    const room = Math.max(share, max - this.#collector.size) - this.#corrections
    if (room < 1) return
    const taken = this.#mender.take(room)
    if (taken.length === 0) return
    this.#corrections += taken.length
    for (const change of taken) this.#collector.correct(change)
    if (replica.state.position > this.#collector.from) this.#schedule.moved(this.#collector)
    else this.#moveLog(replica)
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
  #mustNotPublish({ state }: Replica): boolean {
    const { isDisputing } = this.#auditor
    if (isDisputing || this.#difference !== undefined || this.#auditor.doubt() !== undefined)
      return true
    return state.position <= this.#wrongTo
  }

  async #publish(replica: Replica): Promise<void> {
    const { clock } = this.#ports
    const window = this.#collector.close(replica.state, this.#logIdentity)
    this.#corrections = 0
    this.#schedule.begin()
    this.#publishing = true
    // The window that was closed is bounded, and so is the next one: one is published while the
    // other is collected.
    await this.#resume()
    const startedAt = clock.monotonic()
    // What the log has lost must not be stored.
    const isInLog = () => replica.verify()
    try {
      // Before the window: it is from there that whoever comes after a crash goes on.
      if (window.events.length > 0) {
        await this.#life.until(isInLog, (error) => error.code === 'log_replaced')
        await this.#events?.publish(window.events)
      }
      const { last, bytes } = await this.#publisher.publish(window, this.#queueLast, isInLog)
      this.#queueLast = last
      this.#published = window.checkpoint.position
      this.#schedule.published(clock.monotonic() - startedAt)
      this.#trail.published(window.checkpoint.position, window.checkpoint.digest)
      this.image?.published(window, bytes)
    } catch (error) {
      this.#collector.reopen(window)
      this.#schedule.moved(this.#collector)
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
  async #standBy(replica: Replica): Promise<void> {
    const { changes, clock, random } = this.#ports
    // Two standbys must not wake at the same moment, again and again.
    const usualMs = this.#settings.takeoverMs + (random.integer() % 500)
    let patienceMs = (this.#isYielding ? yieldPatience : 1) * usualMs
    this.#isYielding = false
    const watch = new QueueWatch(changes, clock, this.#queueLast, {
      published: (window) => {
        patienceMs = usualMs
        this.#otherPublished(replica, window)
      },
      broken: (error) => this.end(error),
    })
    try {
      while (!this.#life.signal.aborted && !this.#isDue(watch, patienceMs)) {
        await this.#life.sleep(standbyPollMs)
        await this.#resume()
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
      message: `publishing from position ${this.#collector.from}`,
    })
  }

  #isDue({ connected, heardAt }: QueueWatch, patienceMs: number): boolean {
    const { movedAt } = this.#schedule
    if (!connected || movedAt === undefined) return false
    return this.#ports.clock.monotonic() - Math.max(heardAt, movedAt) >= patienceMs
  }

  #otherPublished(
    replica: Replica,
    { to, digest, logIdentity }: Pick<WindowPart, 'to' | 'digest' | 'logIdentity'>,
  ): void {
    if (logIdentity !== this.#logIdentity) return
    if (to < this.#collector.from) {
      const message = `Another pump has begun again and is at ${to}; this one no longer has the changes before ${this.#collector.from}`
      this.end(new GridError('not_ready', message))
      return
    }
    this.#trail.published(to, digest)
    this.#collector.forget(to)
    this.#published = to
    this.#schedule.begin()
    if (replica.state.position > to) this.#schedule.moved(this.#collector)
  }

  async #tick(): Promise<void> {
    this.#watch.tick()
    const { log } = this.#ports
    const { identity, last } = await log.bounds()
    this.#lastKnown = last
    if (identity !== this.#logIdentity) this.end(this.#replacedBy(identity))
    if (this.#paused) await this.#verifyPaused()
    if (this.state !== 'active' || this.#publishing) return
    const replica = this.#replica
    if (replica && this.#collector.size > 0 && replica.state.position <= this.#collector.from)
      this.#moveLog(replica)
    const gap = await this.#gaps.look(this.#chainFrom, this.published)
    if (gap) this.end(gap)
    await this.#events?.look()
  }

  /** Its tail does not run, so nobody tells it that the log has lost what it melded. */
  async #verifyPaused(): Promise<void> {
    try {
      await this.#replica?.verify()
    } catch (error) {
      if (isGridError(error, 'log_replaced')) this.end(error)
      else throw error
    }
  }

  async #lookAtPast(replica: Replica): Promise<void> {
    if (this.state !== 'active' || this.#mustNotPublish(replica)) return
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
    if (isWindowWrong) this.#wrongWindows.add(difference)
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
