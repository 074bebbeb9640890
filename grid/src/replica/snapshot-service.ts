import { Packr } from 'msgpackr'
import { GridError } from '../errors.ts'
import type { Clock, Timer } from '../ports/clock.ts'
import type { Message, Messaging, Subscription } from '../ports/messaging.ts'
import type { Random } from '../ports/random.ts'
import { encodeSnapshotChunk, type SnapshotChunk } from '../records/snapshot-codec.ts'
import { subjects } from '../records/subjects.ts'
import type { SnapshotSource } from './snapshot-source.ts'

/** Entries read per piece: about a millisecond's work, so that a snapshot never holds up the unit's requests. */
const chunkEntriesMax = 1000
/** A snapshot whose reader has not asked for this long is closed. */
const idleMsMax = 15_000
/** The same once its last piece has been given: long enough to give it again if it was lost. */
const finishedMsMax = 2000

const packr = new Packr({ useRecords: false })

export interface SnapshotServiceOptions {
  readonly space: string
  /** On which subject snapshots are asked for. */
  readonly subject: string
  /** Snapshots given at the same time; more are refused with `overloaded`. */
  readonly sessionsMax: number
}

/**
 * Gives snapshots of a space to those who join: opening one answers with a subject, which is asked for one numbered piece after the other
 * (the last answer is kept, so that a lost one can be asked for again). Readers set the pace.
 */
export class SnapshotService {
  readonly #messaging: Messaging
  readonly #clock: Clock
  readonly #random: Random
  readonly #options: SnapshotServiceOptions
  readonly #open: () => Promise<SnapshotSource> | SnapshotSource
  readonly #sessions = new Set<Session>()
  #subscription: Subscription | undefined
  #opening = 0

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
    const { space, subject } = this.#options
    this.#subscription = await this.#messaging.serve({
      name: `spacegrid-${space}-snapshot`,
      version: '1.0.0',
      description: `Snapshots of the space ${space}, for processing units that join`,
      endpoints: [{ subject, respond: () => this.#begin() }],
    })
  }

  async stop(): Promise<void> {
    await this.#subscription?.stop()
    for (const session of [...this.#sessions]) session.end()
  }

  async #begin(): Promise<Message> {
    const { space, sessionsMax } = this.#options
    if (this.#sessions.size + this.#opening >= sessionsMax)
      throw new GridError('overloaded', `${sessionsMax} snapshots of ${space} are being read`, {
        retryAfterMs: 500,
      })
    this.#opening++
    try {
      const source = await this.#open()
      const subject = subjects.snapshotChunk(space, this.#random.id())
      const session = new Session(source, this.#clock, this.#messaging.messageBytesMax, () =>
        this.#sessions.delete(session),
      )
      session.subscription = this.#messaging.respond(subject, (message) =>
        session.give(packr.unpack(message.data) as number),
      )
      this.#sessions.add(session)
      return { data: packr.pack(subject) }
    } finally {
      this.#opening--
    }
  }
}

class Session {
  subscription: Subscription | undefined
  readonly #source: SnapshotSource
  readonly #clock: Clock
  readonly #bytesMax: number
  readonly #ended: () => void
  readonly #ready: Uint8Array[] = []
  #last: Uint8Array | undefined
  #given = 0
  /** The source has given its last piece, and: all of it has been passed on. */
  #atEnd = false
  #finished = false
  #timer: Timer

  constructor(source: SnapshotSource, clock: Clock, messageBytesMax: number, ended: () => void) {
    this.#source = source
    this.#clock = clock
    this.#bytesMax = messageBytesMax - 1024
    this.#ended = ended
    this.#timer = clock.after(idleMsMax, () => this.end())
  }

  async give(number: number): Promise<Message> {
    this.#expireIn(this.#finished ? finishedMsMax : idleMsMax)
    if (number === this.#given && this.#last) return { data: this.#last }
    if (this.#finished || number !== this.#given + 1)
      throw new GridError('not_found', `The snapshot is at piece ${this.#given}, not ${number}`)
    if (this.#ready.length === 0) {
      const chunk = await this.#next()
      this.#ready.push(...encodeWithin(chunk, this.#bytesMax))
      this.#atEnd = chunk.end !== undefined
    }
    this.#given = number
    this.#last = this.#ready.shift() as Uint8Array
    this.#finished = this.#atEnd && this.#ready.length === 0
    if (this.#finished) this.#expireIn(finishedMsMax)
    return { data: this.#last }
  }

  /** What has failed cannot be gone on with: whoever reads begins anew, and must not find the place taken by the ruin. */
  async #next(): Promise<SnapshotChunk> {
    try {
      return await this.#source.next(chunkEntriesMax)
    } catch (error) {
      this.end()
      throw error
    }
  }

  #expireIn(ms: number): void {
    this.#timer.cancel()
    this.#timer = this.#clock.after(ms, () => this.end())
  }

  end(): void {
    this.#timer.cancel()
    this.#source.close()
    void this.subscription?.stop()
    this.#ended()
  }
}

/** One message if it fits, else several: the halves of its changes, its end with the last one. */
function encodeWithin(chunk: SnapshotChunk, bytesMax: number): Uint8Array[] {
  const encoded = encodeSnapshotChunk(chunk)
  if (encoded.byteLength <= bytesMax) return [encoded]
  const { shape, changes, end } = chunk
  if (changes.length <= 1)
    throw new GridError(
      'record_too_large',
      `An entry of ${encoded.byteLength} bytes does not fit in a message`,
    )
  const half = changes.length >>> 1
  return [
    ...encodeWithin({ shape, changes: changes.slice(0, half), end: undefined }, bytesMax),
    ...encodeWithin({ shape: undefined, changes: changes.slice(half), end }, bytesMax),
  ]
}

/**
 * Reads a whole snapshot; the reader stops at its last piece. While a piece is being used the next one is on its way.
 * @throws GridError `no_responder` when nobody gives one, or whatever the giver failed with
 */
export async function* readSnapshot(
  messaging: Messaging,
  subject: string,
  timeoutMs: number,
): AsyncGenerator<Uint8Array> {
  const opened = await messaging.request(subject, packr.pack(null), { timeoutMs })
  const session = packr.unpack(opened.data) as string
  const ask = (number: number) => messaging.request(session, packr.pack(number), { timeoutMs })
  let next = ask(1)
  for (let number = 2; ; number++) {
    const { data } = await next
    next = ask(number)
    // A failure is for whoever wants that piece; behind the last one there is none.
    next.catch(() => undefined)
    yield data
  }
}
