import { GridError } from '../../core/errors.ts'
import { dashed, type LogName } from '../../core/log-name.ts'
import type { Clock, Timer } from '../ports/clock.ts'
import type { Message, Messaging, Subscription } from '../ports/messaging.ts'
import type { Random } from '../ports/random.ts'
import { encodeSnapshotChunk, type SnapshotChunk } from '../wire/snapshot-codec.ts'
import {
  decodeOpened,
  decodeOpening,
  decodePieceNumber,
  encodeOpened,
  encodeOpening,
  encodePieceNumber,
  type Suspect,
} from '../wire/snapshot-messages.ts'
import { subjects } from '../wire/subjects.ts'
import { hedgedRequest } from './hedged-request.ts'
import type { SnapshotSource } from './snapshot-source.ts'

const defaultEntriesMax = 1000
const defaultPieceBytesMax = 4 * 1024 * 1024
/**
 * A piece may take so long, ms: an eighth of what has passed since the one before it, for a
 * snapshot must not hold up the unit's requests, and a unit that is busy with them, or gets little
 * of a processor, gets round to a piece only now and then; but no less than the first and no more
 * than the second. Pieces shrink
 * when one takes longer, and grow while it takes less than half of that. The first one is small,
 * for its code may never have run before.
 */
const pieceMs = { min: 0.5, max: 5, share: 1 / 8 } as const
const firstEntries = 64
/**
 * Pieces do not shrink below this: on a busy machine every piece takes long, and the fewer there
 * are the sooner the snapshot is over.
 */
const leastEntries = 16
/**
 * A snapshot of which nothing has been asked for by then is closed: whoever opened it has gone, or
 * was given another one.
 */
const unclaimedMsMax = 3000
/**
 * Snapshots of which nothing has been asked for yet: they cost nothing. Beyond, the oldest is
 * closed.
 */
const unclaimedMax = 64
/** A snapshot whose reader has not asked for this long is closed. */
const idleMsMax = 15_000
/**
 * The same while somebody else waits for a place: a reader asks again as soon as it has taken in
 * what it got.
 */
const idleOthersWaitMsMax = 3000
/** The same once its last piece has been given: long enough to give it again if it was lost. */
const finishedMsMax = 2000
/**
 * Whoever may give a snapshot is asked anew this often: the one asked before may be frozen. Where
 * every other one is, one in a thousand asks none that lives within a second.
 */
const openAgainMs = 100
/**
 * A piece is asked for once more this often: its giver may have died with the request, and then
 * messaging says that nobody is there. Giving it once more costs a message.
 */
const pieceAgainMs = 1000

export type { Suspect }

export interface SnapshotServiceOptions {
  readonly logName: LogName
  /** On which subject snapshots are asked for. */
  readonly subject: string
  /** Snapshots given at the same time; more are refused with `overloaded`. */
  readonly sessionsMax: number
  /**
   * Most entries read per piece; fewer when that takes more than its time, half a millisecond to
   * five. Default 1,000.
   */
  readonly entriesMax?: number
  /**
   * A piece is full with the entry that reaches this; it is in memory several times. Default 4 MiB.
   */
  readonly pieceBytesMax?: number
  /** Whether what is given here is wrong in the same way. Default: no. */
  readonly isLike?: (suspect: Suspect) => boolean
}

/**
 * Gives snapshots of a space to those who join: opening one answers with a subject, which is asked
 * for one numbered piece after the other (the last answer is kept, so that a lost one can be asked
 * for again). Readers set the pace. A place is taken when the first piece is asked for, not before,
 * and given to somebody else when its reader falls silent: so nobody who opens snapshots and never
 * reads them keeps units from joining.
 */
export class SnapshotService {
  readonly #messaging: Messaging
  readonly #clock: Clock
  readonly #random: Random
  readonly #options: SnapshotServiceOptions
  readonly #open: () => Promise<SnapshotSource> | SnapshotSource
  readonly #sessions = new Set<Session>()
  #subscription: Subscription | undefined
  /** Counts starts and stops: a start that is overtaken by a stop takes itself back. */
  #turn = 0

  constructor(
    messaging: Messaging,
    clock: Clock,
    random: Random,
    open: () => Promise<SnapshotSource> | SnapshotSource,
    options: SnapshotServiceOptions,
  ) {
    this.#messaging = messaging
    this.#clock = clock
    this.#random = random
    this.#open = open
    this.#options = options
  }

  async start(): Promise<void> {
    const { logName, subject } = this.#options
    const turn = ++this.#turn
    const subscription = await this.#messaging.serve({
      name: `spacegrid-${dashed(logName)}-snapshot`,
      version: '1.0.0',
      description: `Snapshots of the space ${logName}, for processing units that join`,
      endpoints: [{ subject, respond: ({ data }) => this.#begin(data) }],
    })
    if (turn === this.#turn) this.#subscription = subscription
    else await subscription.stop()
  }

  async stop(): Promise<void> {
    this.#turn++
    const subscription = this.#subscription
    this.#subscription = undefined
    await subscription?.stop()
    for (const session of [...this.#sessions]) session.end()
  }

  #begin(request: Uint8Array): Message {
    const suspect = decodeOpening(request)
    if (suspect && this.#options.isLike?.(suspect))
      throw new GridError('diverged', 'This replica has the very thing that was found wrong')
    this.#checkPlace()
    const unclaimed = [...this.#sessions].filter((session) => !session.claimed)
    if (unclaimed.length >= unclaimedMax) unclaimed[0]?.end()
    const subject = subjects.snapshotChunk(this.#options.logName, this.#random.id())
    const session = new Session(this.#clock, {
      messageBytesMax: this.#messaging.messageBytesMax - 1024,
      entriesMax: this.#options.entriesMax ?? defaultEntriesMax,
      pieceBytesMax: this.#options.pieceBytesMax ?? defaultPieceBytesMax,
      claim: () => this.#claim(),
      ended: () => this.#sessions.delete(session),
    })
    session.subscription = this.#messaging.respond(subject, ({ data }) =>
      session.give(decodePieceNumber(data)),
    )
    this.#sessions.add(session)
    return { data: encodeOpened(subject) }
  }

  /** A place for one who reads, made if need be. */
  #claim(): Promise<SnapshotSource> | SnapshotSource {
    this.#checkPlace()?.end()
    return this.#open()
  }

  /**
   * The session that has to go for another one, if any has to. @throws GridError `overloaded` when
   * all places are in use
   */
  #checkPlace(): Session | undefined {
    const { logName, sessionsMax } = this.#options
    const claimed = [...this.#sessions].filter((session) => session.claimed)
    if (claimed.length < sessionsMax) return undefined
    const longest = claimed.reduce((one, other) => (other.idleMs > one.idleMs ? other : one))
    if (longest.idleMs >= idleOthersWaitMsMax) return longest
    throw new GridError('overloaded', `${sessionsMax} snapshots of ${logName} are being read`, {
      retryAfterMs: 500,
    })
  }
}

interface SessionOptions {
  readonly messageBytesMax: number
  readonly entriesMax: number
  readonly pieceBytesMax: number
  /** Asked for when the first piece is. */
  readonly claim: () => Promise<SnapshotSource> | SnapshotSource
  readonly ended: () => void
}

class Session {
  subscription: Subscription | undefined
  readonly #clock: Clock
  readonly #options: SessionOptions
  #source: SnapshotSource | undefined
  #claimed = false
  #over = false
  /** In the next piece. */
  #entries: number
  readonly #ready: Uint8Array[] = []
  #last: Uint8Array | undefined
  #given = 0
  /** The source has given its last piece, and: all of it has been passed on. */
  #atEnd = false
  #finished = false
  #giving: Promise<unknown> = Promise.resolve()
  /** Pieces that are being asked for just now. */
  #asking = 0
  #askedAt: number
  /** When the last piece had been made. */
  #madeAt: number
  #timer: Timer

  constructor(clock: Clock, options: SessionOptions) {
    this.#clock = clock
    this.#options = options
    this.#entries = Math.min(firstEntries, options.entriesMax)
    this.#askedAt = clock.monotonic()
    this.#madeAt = this.#askedAt
    this.#timer = clock.after(unclaimedMsMax, () => this.end())
  }

  /** Whether it has a place among those that are read. */
  get claimed(): boolean {
    return this.#claimed
  }

  /** How long its reader has been silent. */
  get idleMs(): number {
    return this.#asking > 0 ? 0 : this.#clock.monotonic() - this.#askedAt
  }

  /** One message at a time: one that was doubled must not read a piece that nobody gets. */
  give(number: number): Promise<Message> {
    this.#asking++
    const given = this.#giving.then(() => this.#give(number))
    this.#giving = given.then(
      () => this.#answered(),
      () => this.#answered(),
    )
    return given
  }

  #answered(): void {
    this.#asking--
    this.#askedAt = this.#clock.monotonic()
  }

  async #give(number: number): Promise<Message> {
    this.#expireIn(this.#finished ? finishedMsMax : idleMsMax)
    if (number === this.#given && this.#last) return { data: this.#last }
    if (this.#finished || number !== this.#given + 1)
      throw new GridError('not_found', `The snapshot is at piece ${this.#given}, not ${number}`)
    if (this.#ready.length === 0) {
      const source = await this.#open()
      const begun = this.#clock.monotonic()
      const chunk = await this.#next(source)
      this.#ready.push(...slicesOf(encodeSnapshotChunk(chunk), this.#options.messageBytesMax))
      const sinceMs = begun - this.#madeAt
      this.#madeAt = this.#clock.monotonic()
      this.#adapt(this.#madeAt - begun, sinceMs)
      this.#atEnd = chunk.end !== undefined
    }
    this.#given = number
    this.#last = this.#ready.shift() as Uint8Array
    this.#finished = this.#atEnd && this.#ready.length === 0
    if (this.#finished) this.#expireIn(finishedMsMax)
    return { data: this.#last }
  }

  /**
   * What has failed cannot be gone on with: whoever reads begins anew, and must not find the place
   * taken by the ruin.
   */
  async #next(source: SnapshotSource): Promise<SnapshotChunk> {
    try {
      return await source.next(this.#entries, this.#options.pieceBytesMax)
    } catch (error) {
      this.end()
      throw error
    }
  }

  /** Whoever is first asked for takes the place. */
  async #open(): Promise<SnapshotSource> {
    if (this.#source) return this.#source
    try {
      const opening = this.#options.claim()
      this.#claimed = true
      const source = await opening
      if (this.#over) source.close()
      this.#source = source
      return source
    } catch (error) {
      this.end()
      throw error
    }
  }

  #adapt(tookMs: number, sinceMs: number): void {
    const mayMs = Math.min(pieceMs.max, Math.max(pieceMs.min, sinceMs * pieceMs.share))
    if (tookMs < mayMs / 2) this.#entries = Math.min(this.#entries * 2, this.#options.entriesMax)
    else if (tookMs > mayMs)
      this.#entries = Math.max(
        this.#entries >>> 1,
        Math.min(leastEntries, this.#options.entriesMax),
      )
  }

  #expireIn(ms: number): void {
    this.#timer.cancel()
    this.#timer = this.#clock.after(ms, () => this.end())
  }

  end(): void {
    this.#over = true
    this.#timer.cancel()
    this.#source?.close()
    void this.subscription?.stop()
    this.#options.ended()
  }
}

/** First byte of a message: whether its piece ends with it. */
const SliceKind = { last: 0, more: 1 } as const

/** A piece as messages. They are cut anywhere, for a single entry may be larger than a message. */
function slicesOf(bytes: Uint8Array, bytesMax: number): Uint8Array[] {
  const slices: Uint8Array[] = []
  for (let from = 0; from < bytes.byteLength; from += bytesMax) {
    const to = Math.min(from + bytesMax, bytes.byteLength)
    const slice = new Uint8Array(1 + to - from)
    slice[0] = to < bytes.byteLength ? SliceKind.more : SliceKind.last
    slice.set(bytes.subarray(from, to), 1)
    slices.push(slice)
  }
  return slices
}

/** How long the answers of a snapshot's giver are waited for, in ms. */
export interface SnapshotPatience {
  /** Until somebody has opened one. */
  readonly openMs: number
  /** For each piece. */
  readonly answerMs: number
}

/**
 * Reads a whole snapshot, piece by piece; the reader stops at its last one. While a message is
 * being used the next one is on its way.
 * @throws GridError `no_responder` when nobody gives one, or whatever the giver failed with
 */
export async function* readSnapshot(
  messaging: Messaging,
  clock: Clock,
  subject: string,
  { openMs, answerMs }: SnapshotPatience,
  suspect?: Suspect,
): AsyncGenerator<Uint8Array> {
  const request = encodeOpening(suspect)
  const patience = { timeoutMs: openMs, againMs: openAgainMs }
  const opened = await hedgedRequest(messaging, clock, subject, request, patience)
  const session = decodeOpened(opened.data)
  const ask = (number: number) =>
    hedgedRequest(messaging, clock, session, encodePieceNumber(number), {
      ...{ timeoutMs: answerMs, againMs: pieceAgainMs, isOfOne: true },
    })
  let next = ask(1)
  let slices: Uint8Array[] = []
  for (let number = 2; ; number++) {
    const { data } = await next
    next = ask(number)
    // A failure is for whoever wants that message; behind the last one there is none.
    next.catch(() => undefined)
    slices.push(data.subarray(1))
    if (data[0] === SliceKind.more) continue
    yield slices.length === 1 ? (slices[0] as Uint8Array) : Buffer.concat(slices)
    slices = []
  }
}
