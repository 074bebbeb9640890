import {
  comparePoints,
  type PointKind,
  pointsText,
  type ResumePoint,
} from '../../core/resume-point.ts'
import type { FollowedBatch, FollowFilter, Following, Happening } from '../request/live.ts'
import { Channel, type ChannelOptions } from './channel.ts'
import { eventText, idText, retryText, typeOfEvent } from './event-text.ts'
import type { StreamReader } from './stream-reader.ts'

export interface EventChannelOptions extends ChannelOptions {
  readonly filter: FollowFilter
  readonly isDivided: boolean
  /**
   * Follows a unit that is ready.
   * @throws GridError `invalid_header`
   */
  readonly follow: (after: string | undefined) => Following
  /** What readers may see of a domain event; undefined: nothing. */
  readonly shown: (name: string, payload: Readonly<Record<string, unknown>>) => unknown
  /** It is about to leave the place at which its readers have come back. */
  readonly advanced: (channel: EventChannel) => void
  /** It has told what there was: others may be at the same place. */
  readonly caughtUp: (channel: EventChannel) => void
}

/** How long readers wait before they connect again, when their connection breaks, ms. */
const retryMs = 2000

/** Readers of one filter's events that are at the same place. */
export class EventChannel extends Channel {
  readonly #options: EventChannelOptions
  readonly #kind: PointKind
  #following: Following
  #points: readonly ResumePoint[] | undefined
  /** Until the points are known: the token that the first reader has come with. */
  #after: string | undefined
  /** Readers that have been told more than the others: until where. */
  readonly #ahead = new Map<StreamReader, readonly ResumePoint[]>()

  /** @throws GridError `invalid_header` */
  constructor(options: EventChannelOptions, after: string | undefined) {
    super(options)
    this.#options = options
    this.#kind = options.filter.entries ? 'entries' : 'events'
    this.#after = after
    this.#following = options.follow(after)
  }

  /** Asks where things stand, unless readers have said where they are. */
  protected async open(): Promise<void> {
    if (this.#after === undefined) this.#points = (await this.#following.next()).points
  }

  protected get id(): string | undefined {
    return this.#points ? this.#textOf(this.#points) : this.#after
  }

  /** Of a reader whose headers have been sent. */
  join(reader: StreamReader): void {
    this.#options.telemetry.begun()
    this.add(reader)
    reader.send(Buffer.from(retryText(retryMs) + idText(this.id)))
  }

  override close(): void {
    super.close()
    this.#following.close()
  }

  /** All readers go on in another channel of the same filter, if that has not told more. */
  moveTo(other: EventChannel): boolean {
    const [mine, theirs] = [this.#points, other.#points]
    if (!mine || !theirs || other.closed) return false
    if (theirs.some((point, at) => comparePoints(point, mine[at] as ResumePoint) > 0)) return false
    for (const reader of this.readers) {
      other.add(reader)
      other.#ahead.set(reader, this.#ahead.get(reader) ?? mine)
    }
    this.readers.clear()
    this.close()
    return true
  }

  protected counted(readers: number): void {
    this.#following.readers = readers
  }

  protected begin(): void {
    this.#following.close()
    this.#following = this.#options.follow(this.id)
    this.counted(this.size)
  }

  protected async step(): Promise<void> {
    const batch = await this.#following.next()
    if (this.closed) return
    this.#points = batch.points
    if (this.#after !== undefined) this.#options.advanced(this)
    const text = this.#batchText(batch)
    if (text !== '') {
      const bytes = Buffer.from(text)
      await this.tell((reader) => {
        const ahead = this.#ahead.get(reader)
        if (ahead === undefined) this.deliver(reader, bytes)
        else this.#sendBehind(reader, batch, ahead)
      })
    }
    for (const [reader, ahead] of this.#ahead)
      if (batch.points.every((point, at) => comparePoints(point, ahead[at] as ResumePoint) >= 0))
        this.#ahead.delete(reader)
    if (this.#after !== undefined) this.#options.caughtUp(this)
  }

  /** To a reader that has been told part of it elsewhere. */
  #sendBehind(reader: StreamReader, batch: FollowedBatch, ahead: readonly ResumePoint[]): void {
    const happenings = batch.happenings.filter(
      ({ partition, point }) => comparePoints(point, ahead[partition] as ResumePoint) > 0,
    )
    const text = this.#batchText({ ...batch, happenings })
    if (text !== '') this.deliver(reader, Buffer.from(text))
  }

  #batchText({ happenings, from, points, reset }: FollowedBatch): string {
    let text = ''
    if (reset !== undefined) {
      // What it has missed it cannot be told; what comes is told from here on.
      const data = { reason: reset, position: this.#positionOf(points) }
      text += eventText('reset', this.#textOf(points), JSON.stringify(data))
    }
    const reached = [...from]
    for (let at = 0; at < happenings.length; at++) {
      const happening = happenings[at] as Happening
      reached[happening.partition] = happening.point
      const next = happenings[at + 1]
      // With nothing more to tell of its position, it is all of that that is behind.
      if (next && next.point.position > happening.point.position)
        reached[happening.partition] = { position: happening.point.position }
      // Behind the last one is behind the batch.
      const id = this.#textOf(next ? reached : points)
      text += this.#happeningText(happening, id)
    }
    return text
  }

  #happeningText(happening: Happening, id: string): string {
    const { version, point, partition } = happening
    const position = this.#options.isDivided ? `${partition}.${point.position}` : point.position
    if (happening.kind === 'event') {
      const { name } = happening
      const payload = this.#options.shown(name, happening.payload)
      if (payload === undefined) return ''
      const data = { name, payload, position, version }
      return eventText(typeOfEvent(name), id, JSON.stringify(data))
    }
    const { change, key, value } = happening
    const cache = this.#options.filter.entries?.cache
    const data = { cache, change, key, value, position, version }
    return eventText('entry', id, JSON.stringify(data))
  }

  #positionOf(points: readonly ResumePoint[]): string | number {
    const whole = points.map(({ position }) => ({ position }))
    const text = pointsText(whole, this.#kind, this.#options.isDivided)
    return this.#options.isDivided ? text : Number(text)
  }

  #textOf(points: readonly ResumePoint[]): string {
    return pointsText(points, this.#kind, this.#options.isDivided)
  }
}
