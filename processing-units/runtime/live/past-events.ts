import { isGridError } from '@spacegrid/grid/core/errors'
import type { ResumePoint } from '@spacegrid/grid/core/resume-point'
import type { EventHappening } from '@spacegrid/grid/doors/request/live'
import { findWindowAfter } from '@spacegrid/grid/engine/changes/change-queue'
import { numberedEvents } from '@spacegrid/grid/engine/changes/numbered-events'
import { type QueuedWindow, WindowAssembler } from '@spacegrid/grid/engine/changes/window-assembler'
import { openedOnce } from '@spacegrid/grid/engine/life/opened-once'
import { Turns } from '@spacegrid/grid/engine/life/turns'
import type { Clock } from '@spacegrid/grid/engine/ports/clock'
import type { Log } from '@spacegrid/grid/engine/ports/log'
import { decodeWindow, type WindowEvent } from '@spacegrid/grid/engine/wire/window-codec'
import { batchBytesMax, happeningsMax } from './batch-limits.ts'
import { roughBytes } from './recent.ts'

/** The change queue, opened by whoever needs it first. */
export type OpenChanges = () => Promise<Log>

export interface PastAsked {
  readonly after: ResumePoint
  /** Names of domain events; undefined: all of them. */
  readonly names: ReadonlySet<string> | undefined
  /** The unit itself remembers what is behind this position. */
  readonly upTo: number
  readonly logIdentity: string
}

/** What happened behind the point that was asked, in order. */
export interface PastPart {
  readonly happenings: readonly EventHappening[]
  /** Behind all that it tells, or leaves out; as it was: the queue has come no further yet. */
  readonly upTo: ResumePoint
}

/** Windows that are read for one look, at most: the next look goes on behind them. */
const windowsMax = 256

/**
 * Domain events that a unit does not remember, read from the change queue for those who come back
 * for them: it holds each of what is not stored yet, and of what has been stored lately. One look
 * at a time, and of a bounded size, so that many who come back cost no memory and leave the unit
 * its time.
 */
export class PastEvents {
  readonly #partition: number
  readonly #clock: Clock
  readonly #opened: OpenChanges
  #looking: Promise<unknown> = Promise.resolve()

  constructor(partition: number, clock: Clock, open: OpenChanges) {
    this.#partition = partition
    this.#clock = clock
    this.#opened = openedOnce(open)
  }

  /**
   * undefined: the queue does not reach so far back, or what it has cannot be read.
   * @throws GridError `log_unavailable`
   */
  async look(asked: PastAsked): Promise<PastPart | undefined> {
    const look = this.#looking.then(() => this.#look(asked))
    this.#looking = look.catch(() => undefined)
    try {
      return await look
    } catch (error) {
      // Of another version, or damaged: nobody here can tell what happened.
      if (isGridError(error, 'format_unsupported') || isGridError(error, 'record_damaged'))
        return undefined
      throw error
    }
  }

  async #look(asked: PastAsked): Promise<PastPart | undefined> {
    const { after, names, upTo, logIdentity } = asked
    const changes = await this.#opened()
    const { pause } = new Turns(this.#clock)
    // Of the position itself there may be more to tell.
    let reached = after.told === undefined ? after.position : Math.max(0, after.position - 1)
    const part = new PartBuilder(after, names, this.#partition)
    const assembler = new WindowAssembler()
    const first = (await findWindowAfter(changes, reached)) + 1
    for (let at = first, windows = 0; reached < upTo && windows < windowsMax; at++) {
      const record = await changes.read(at)
      if (!record) {
        // Trimmed meanwhile, or there is no more.
        if (at <= (await changes.bounds()).last) return undefined
        break
      }
      const window = assembler.add(at, record.data)
      if (!window || !isNext(window, reached, logIdentity)) continue
      if (window.from > reached) return undefined
      windows++
      if (!part.add((await decodeWindow(window.parts, pause)).events, reached)) return part.cut()
      reached = window.to
    }
    return part.ended(reached)
  }
}

/** Not of another log, and not what has been read before: it may be in the queue twice. */
const isNext = (window: QueuedWindow, reached: number, logIdentity: string): boolean =>
  window.logIdentity === logIdentity && window.to > reached

/** Puts together what is told of several windows, until it is enough. */
class PartBuilder {
  readonly #after: ResumePoint
  readonly #names: ReadonlySet<string> | undefined
  readonly #partition: number
  readonly #happenings: EventHappening[] = []
  #bytes = 0

  constructor(after: ResumePoint, names: ReadonlySet<string> | undefined, partition: number) {
    this.#after = after
    this.#names = names
    this.#partition = partition
  }

  /** Takes events behind a position, a window's; false: it is enough, and not all were taken. */
  add(events: readonly WindowEvent[], reached: number): boolean {
    for (const { event, number } of numberedEvents(events)) {
      const { position } = event
      if (position <= reached || !this.#isWanted(event, number)) continue
      if (this.#happenings.length >= happeningsMax || this.#bytes >= batchBytesMax) return false
      const { name, payload, transaction: version } = event
      const point = { position, told: number }
      const of = { partition: this.#partition, point, version }
      this.#happenings.push({ kind: 'event', name, payload, ...of })
      this.#bytes += roughBytes(payload)
    }
    return true
  }

  /** Up to the last one that was taken. */
  cut(): PastPart {
    const { point } = this.#happenings.at(-1) as EventHappening
    return { happenings: this.#happenings, upTo: point }
  }

  /** All up to a position. */
  ended(position: number): PastPart {
    const isFurther = position >= this.#after.position
    return { happenings: this.#happenings, upTo: isFurther ? { position } : this.#after }
  }

  #isWanted({ name, position }: WindowEvent, number: number): boolean {
    const { position: after, told = Number.POSITIVE_INFINITY } = this.#after
    if (position < after || (position === after && number <= told)) return false
    return this.#names === undefined || this.#names.has(name)
  }
}
