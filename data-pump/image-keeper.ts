import { type GridError, isGridError } from '@spacegrid/grid/core/errors'
import type { LogName } from '@spacegrid/grid/core/log-name'
import { findWindowAfter } from '@spacegrid/grid/engine/changes/change-queue'
import { coalesce, mergeWindows, takeWindows } from '@spacegrid/grid/engine/changes/window-batch'
import { WindowFeed } from '@spacegrid/grid/engine/changes/window-feed'
import { Life } from '@spacegrid/grid/engine/life/life'
import type { Report } from '@spacegrid/grid/engine/life/role-event'
import { Turns } from '@spacegrid/grid/engine/life/turns'
import { Wakeup } from '@spacegrid/grid/engine/life/wakeup'
import type { Clock } from '@spacegrid/grid/engine/ports/clock'
import type { Log } from '@spacegrid/grid/engine/ports/log'
import type { Random } from '@spacegrid/grid/engine/ports/random'
import type { Store } from '@spacegrid/grid/engine/ports/store'
import type { Replica } from '@spacegrid/grid/engine/replica/replica'
import type { Window } from '@spacegrid/grid/engine/wire/window-codec'
import { rebuildImage } from './image-rebuild.ts'
import type { PumpSettings } from './pump-options.ts'

/**
 * Changes of published windows that wait for the image; beyond, it gets them from the change queue
 * later.
 */
const waitingChangesMax = 50_000
const retryMsMin = 100
const retryMsMax = 5000

export interface ImagePorts {
  readonly image: Store
  readonly changes: Log
  readonly replica: Replica
  readonly clock: Clock
  readonly random: Random
  /** Told of a bug: the pump's life has to end. */
  readonly failed: (error: Error) => void
}

/** Of the pump's settings those that concern the image. */
export type ImageLimits = Pick<
  PumpSettings,
  'imageEntriesMax' | 'imageBytesMax' | 'imageBatchBytesMax' | 'snapshotBytesMax'
>

export type ImageState = 'resting' | 'current' | 'catching up' | 'rebuilding' | 'away'

/**
 * Moves the warm image from window to window behind the pump that publishes them, and never holds
 * that up: windows wait here up to a limit, then are read from the change queue again; what is no
 * longer there is made up for by building the image anew from the pump's own state. Each step is
 * guarded by the image's checkpoint, so the image is exact at whatever position it shows, however
 * many pumps there are and wherever they die.
 */
export class ImageKeeper {
  state: ImageState = 'resting'
  readonly #logName: LogName
  readonly #ports: ImagePorts
  readonly #logIdentity: string
  readonly #report: Report
  readonly #limits: ImageLimits
  readonly #wakeup: Wakeup
  readonly #turns: Turns
  readonly #stopping = new AbortController()
  readonly #life: Life
  /** Published windows, in order and without a gap, that the image does not have yet. */
  #windows: Window[] = []
  #waitingChanges = 0
  #waitingBytes = 0
  /** Where the last published window ended; undefined while another pump looks after the image. */
  #published: number | undefined
  /** Where the image is; undefined: it has to be asked. */
  #position: number | undefined
  #working: Promise<void> | undefined

  constructor(
    logName: LogName,
    ports: ImagePorts,
    logIdentity: string,
    report: Report,
    limits: ImageLimits,
  ) {
    this.#limits = limits
    this.#logName = logName
    this.#ports = ports
    this.#logIdentity = logIdentity
    this.#report = report
    this.#wakeup = new Wakeup(ports.clock)
    this.#turns = new Turns(ports.clock)
    this.#life = new Life(ports.clock, this.#stopping.signal)
  }

  get position(): number | undefined {
    return this.#position
  }

  start(): void {
    this.#working = this.#work().catch((error) => this.#ports.failed(error))
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#working
  }

  /** This pump has published a window, of so many bytes. */
  published(window: Window, bytes: number): void {
    this.#published = window.checkpoint.position
    this.#windows.push(window)
    this.#waitingChanges += window.changes.length
    this.#waitingBytes += bytes
    const { imageBytesMax } = this.#limits
    if (this.#waitingChanges > waitingChangesMax || this.#waitingBytes > imageBytesMax) this.#drop()
    this.#wakeup.wake()
  }

  /** Another pump publishes from now on, and looks after the image. */
  rest(): void {
    this.#published = undefined
    this.#position = undefined
    this.#drop()
  }

  async #work(): Promise<void> {
    const { signal } = this.#life
    let pauseMs = retryMsMin
    while (!signal.aborted) {
      if (this.#isDone()) {
        this.state = this.#published === undefined ? 'resting' : 'current'
        await this.#wakeup.sleep(signal)
        continue
      }
      try {
        await this.#life.finish(() => this.#step())
        pauseMs = retryMsMin
      } catch (error) {
        this.#position = undefined
        if (signal.aborted) return
        if (!isGridError(error)) throw error
        this.#away(error)
        await this.#life.sleep(pauseMs)
        pauseMs = Math.min(pauseMs * 2, retryMsMax)
      }
    }
  }

  #isDone(): boolean {
    if (this.#published === undefined) return true
    return this.#position !== undefined && this.#position >= this.#published
  }

  /** @throws GridError when the image cannot be reached, or is moved by somebody else */
  async #step(): Promise<void> {
    this.#position ??= await this.#locate()
    const [next] = this.#windows
    if (this.#position === undefined) await this.#rebuild()
    else if (next && next.from <= this.#position) await this.#apply(this.#position)
    else await this.#catchUp(this.#position)
  }

  /** undefined: there is no image, or none that can be continued. */
  async #locate(): Promise<number | undefined> {
    const checkpoint = await this.#ports.image.checkpoint(this.#logName)
    if (checkpoint?.logIdentity !== this.#logIdentity || checkpoint.position <= 0) return undefined
    return checkpoint.position
  }

  async #apply(position: number): Promise<void> {
    const windows = this.#windows
    this.#drop()
    const useful = windows.filter(({ checkpoint }) => checkpoint.position > position)
    if (useful.length === 0) return
    const { checkpoint, changes } = coalesce(useful)
    await this.#ports.image.apply(this.#logName, position, checkpoint, changes)
    this.#position = checkpoint.position
  }

  /**
   * Reads what the image has missed from the change queue; rebuilds the image when it is not there
   * any more.
   */
  async #catchUp(position: number): Promise<void> {
    this.state = 'catching up'
    const { changes, image } = this.#ports
    const wakeup = new Wakeup(this.#ports.clock)
    const after = await findWindowAfter(changes, position)
    const { imageBytesMax: bytesMax, imageBatchBytesMax } = this.#limits
    const feed = new WindowFeed(changes, after, { bytesMax, wake: () => wakeup.wake() })
    try {
      feed.start()
      let reached = position
      while (
        this.#published !== undefined &&
        reached < (this.#windows[0]?.from ?? this.#published)
      ) {
        const { windows, gap } = takeWindows(feed, reached, this.#logIdentity, imageBatchBytesMax)
        if (windows.length === 0) {
          if (gap !== undefined || feed.failure) return await this.#rebuild()
          await wakeup.sleep(this.#life.signal, retryMsMin)
          if (this.#life.signal.aborted) return
          continue
        }
        const batch = await mergeWindows(windows, this.#turns.pause)
        await image.apply(this.#logName, reached, batch.checkpoint, batch.changes)
        reached = batch.checkpoint.position
        this.#position = reached
      }
    } finally {
      await feed.stop()
    }
  }

  async #rebuild(): Promise<void> {
    this.state = 'rebuilding'
    this.#report({ kind: 'image_rebuilding', level: 'info', message: 'rebuilding the warm image' })
    this.#position = await rebuildImage(
      this.#logName,
      this.#ports,
      this.#logIdentity,
      this.#limits,
      () => this.#published === undefined || this.#life.signal.aborted,
    )
    if (this.#position !== undefined)
      this.#report({
        kind: 'image',
        level: 'info',
        message: `the warm image is at ${this.#position}`,
      })
  }

  #drop(): void {
    this.#windows = []
    this.#waitingChanges = 0
    this.#waitingBytes = 0
  }

  #away(error: GridError): void {
    if (this.state !== 'away')
      this.#report({
        kind: 'image',
        level: 'warn',
        message: `the warm image waits: ${error.message}`,
        error,
      })
    this.state = 'away'
  }
}
