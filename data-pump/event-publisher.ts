import { type LogName, partitionOf } from '@spacegrid/grid/core/log-name'
import { type DeclaredEvents, readableEvents } from '@spacegrid/grid/core/readable-events'
import { pointsText } from '@spacegrid/grid/core/resume-point'
import { type NumberedEvent, numberedEvents } from '@spacegrid/grid/engine/changes/numbered-events'
import type { Life } from '@spacegrid/grid/engine/life/life'
import type {
  EventMessage,
  EventStream,
  EventStreamState,
} from '@spacegrid/grid/engine/ports/event-stream'
import type { Messaging, Subscription } from '@spacegrid/grid/engine/ports/messaging'
import { subjects } from '@spacegrid/grid/engine/wire/subjects'
import type { WindowEvent } from '@spacegrid/grid/engine/wire/window-codec'

/** Events that are on their way to the stream at the same time. */
const batchMax = 256
const nothing = new Uint8Array()

/** What the stream ends with: its last message, and until where events are in it. */
interface StreamEnd {
  readonly last: number
  readonly newest: EventPlace | undefined
  readonly messageBytesMax: number
}

interface EventPlace {
  readonly position: number
  readonly number: number
}

/**
 * Publishes the domain events that callers may see, for other services: each once, in the order of
 * the log, before the window that they belong to. Whoever goes on after a crash begins at or before
 * that window, and the stream itself says what of it is there already: each message is fenced by
 * the one before it, so that of several pumps only one gets through at any place.
 */
export class EventPublisher {
  readonly #stream: EventStream
  readonly #messaging: Messaging
  readonly #logName: LogName
  readonly #logIdentity: string
  readonly #life: Life
  #asked: Subscription | undefined
  /** undefined: there is no stream. */
  #readable: DeclaredEvents | undefined
  #looks = 0
  #lookedAt = 0
  /** undefined: it has to be looked at. */
  #end: StreamEnd | undefined
  /** Newest event that this publisher knows to be in the stream. */
  #newest: EventPlace | undefined
  #published = 0

  constructor(
    stream: EventStream,
    messaging: Messaging,
    logName: LogName,
    logIdentity: string,
    life: Life,
  ) {
    this.#stream = stream
    this.#messaging = messaging
    this.#logName = logName
    this.#logIdentity = logIdentity
    this.#life = life
  }

  /** Events that it has appended. */
  get published(): number {
    return this.#published
  }

  /** Its pump is the active one from now on. */
  async begin(): Promise<void> {
    // First: whoever changes what is to be told after the look below asks for another one.
    this.#asked ??= this.#messaging.respond(subjects.readable(this.#logName), async () => {
      await this.look()
      return { data: nothing }
    })
    this.#end = undefined
    await this.#life.until(() => this.look())
  }

  async rest(): Promise<void> {
    const asked = this.#asked
    this.#asked = undefined
    await asked?.stop()
  }

  /** Finds out which events are to be published from now on. @throws GridError `log_unavailable` */
  async look(): Promise<EventStreamState | undefined> {
    const number = ++this.#looks
    const found = await this.#stream.look()
    // An answer that comes behind a later one is old.
    if (number > this.#lookedAt) {
      this.#lookedAt = number
      this.#readable = found?.readable
    }
    return found
  }

  /** Returns when all of them are in the stream, or there is none. */
  async publish(events: readonly WindowEvent[]): Promise<void> {
    if (this.#readable === undefined) return
    const numbered = numberedEvents(events)
    for (let at = 0; at < numbered.length && this.#readable !== undefined; at += batchMax) {
      const batch = numbered.slice(at, at + batchMax)
      await this.#life.until(() => this.#append(batch))
    }
  }

  async #append(batch: readonly NumberedEvent[]): Promise<void> {
    const end = this.#end ?? (await this.#findEnd())
    const readable = this.#readable
    if (!end || readable === undefined) return
    const { shown } = readableEvents({ readableEvents: readable }, false)
    const appends: Promise<number>[] = []
    const due: NumberedEvent[] = []
    for (const numbered of batch) {
      const { event } = numbered
      if (!isBehind(numbered, end.newest)) continue
      const payload = shown(event.name, event.payload)
      if (payload === undefined) continue
      const message = this.#messageOf(numbered, payload, end.messageBytesMax)
      appends.push(this.#stream.append(message, end.last + appends.length))
      due.push(numbered)
    }
    const outcomes = await Promise.allSettled(appends)
    const failed = outcomes.find(({ status }) => status === 'rejected')
    // Which of them are there only the stream knows: each waits for the one before it.
    if (failed?.status === 'rejected') {
      this.#end = undefined
      throw failed.reason
    }
    const newest = due.at(-1)
    if (!newest) return
    this.#published += due.length
    this.#newest = placeOf(newest)
    this.#end = { ...end, last: end.last + due.length, newest: this.#newest }
  }

  async #findEnd(): Promise<StreamEnd | undefined> {
    const found = await this.look()
    if (!found) return undefined
    const { messageBytesMax } = found
    const held = await this.#stream.newest()
    // Another pump may have appended since the look: both are to be of one moment, for what stands
    // behind the fence must be all that is there.
    const last = held?.number ?? found.last
    const read = placeIn(held?.id, this.#logIdentity)
    // Somebody may have removed the last ones: what this pump has told it does not tell again.
    const isRead = read && (!this.#newest || isBehind(read, this.#newest))
    this.#end = { last, messageBytesMax, newest: isRead ? read : this.#newest }
    return this.#end
  }

  #messageOf(numbered: NumberedEvent, payload: unknown, bytesMax: number): EventMessage {
    const { name, position, transaction, time } = numbered.event
    const partition = partitionOf(this.#logName)
    const place = partition === undefined ? position : `${partition}.${position}`
    const told = { name, payload, position: place, version: transaction }
    const { number } = numbered
    const point = pointsText([{ position, told: number }], 'events', false)
    const headers: Record<string, string> = {
      'Grid-Event-Id': partition === undefined ? point : `${partition}.${point}`,
      'Grid-Position': `${place}`,
      ...(time === undefined ? {} : { 'Grid-Time': new Date(time).toISOString() }),
    }
    const id = idOf(placeOf(numbered), this.#logIdentity)
    const data = Buffer.from(JSON.stringify(told))
    if (data.byteLength <= bytesMax) return { name, id, headers, data }
    // It says what has happened, at least; who needs the rest asks for it.
    const { payload: _, ...short } = told
    const rest = Buffer.from(JSON.stringify(short))
    const refused = { ...headers, 'Grid-Error': 'body_too_large' }
    return { name, id, headers: refused, data: rest.byteLength <= bytesMax ? rest : nothing }
  }
}

const placeOf = ({ event: { position }, number }: NumberedEvent): EventPlace => ({
  position,
  number,
})

const idOf = ({ position, number }: EventPlace, logIdentity: string): string =>
  `${logIdentity}:${position}:${number}`

/** undefined: the id is of another log, or not of ours. */
function placeIn(id: string | undefined, logIdentity: string): EventPlace | undefined {
  if (!id?.startsWith(`${logIdentity}:`)) return undefined
  const [, position, number] = /^(\d+):(\d+)$/.exec(id.slice(logIdentity.length + 1)) ?? []
  return position === undefined ? undefined : { position: Number(position), number: Number(number) }
}

function isBehind(of: NumberedEvent | EventPlace, newest: EventPlace | undefined): boolean {
  if (!newest) return true
  const { position, number } = 'event' in of ? placeOf(of) : of
  return position > newest.position || (position === newest.position && number > newest.number)
}
