import { isConfirmed } from '@spacegrid/grid/core/across'
import { codeOf, GridError, isGridError } from '@spacegrid/grid/core/errors'
import type { Evaluation } from '@spacegrid/grid/core/evaluation'
import {
  type ChainedFrame,
  type Frame,
  FrameKind,
  type TransactionsFrame,
} from '@spacegrid/grid/core/frame'
import type { SpaceState } from '@spacegrid/grid/core/space-state'
import { isAcross } from '@spacegrid/grid/core/steps'
import { inSlices } from '@spacegrid/grid/engine/life/in-slices'
import type { Clock } from '@spacegrid/grid/engine/ports/clock'
import type { Log } from '@spacegrid/grid/engine/ports/log'
import type { Tracing } from '@spacegrid/grid/engine/ports/tracing'
import {
  encodeFrame,
  encodeInPieces,
  encodeTransactions,
} from '@spacegrid/grid/engine/wire/frame-codec'
import { tooLarge } from './admission.ts'
import {
  type Check,
  type Checks,
  type Item,
  inFrame,
  isLong,
  type Sent,
  takeItems,
} from './frame-item.ts'
import { FrameTraces } from './frame-traces.ts'
import { LogJoin, type LogJoinParts } from './log-join.ts'
import type { QueueingDelay } from './overload/queueing-delay.ts'
import type { UnitOptions } from './unit-options.ts'

interface InFlight {
  frame: ChainedFrame
  bytes: Uint8Array
  /** Its values may stay in memory as they are (`inputShareMax`). */
  readonly isLight: boolean
  readonly sent: readonly Sent[]
  readonly checks: Checks
  readonly sentAt: number
  publishedAt: number
  /** Publishes of this frame that nobody has answered yet. */
  unanswered: number
  /**
   * A copy is stored, or may be: from then on only the log itself can tell what becomes of the
   * frame.
   */
  uncertain: boolean
  /** undefined: none of its commands is in a trace that is kept. */
  readonly traces: FrameTraces | undefined
}

/** What the frames of one origin are sent with. */
export interface FrameChainParts extends LogJoinParts {
  /** What time it is, as a frame says it. */
  readonly says: () => number
  readonly state: SpaceState
  /** Of what waits to be sent. */
  readonly delay: QueueingDelay
  /** Left out: nobody traces commands. */
  readonly tracing?: Tracing | undefined
}

const deadlinePositionsMax = 2 ** 20

/**
 * A text that a handler has cut out of its input keeps all of the input in memory for as long as it
 * is kept. So a frame is read from its bytes, as all others read it, when its commands' inputs are
 * that much larger than what it holds.
 */
const inputShareMax = 4

/**
 * The frames of one origin: collects transactions into frames, sends each as soon as few enough are
 * in flight (self-clocked group commit: no timer, no idle wait), and follows them until the log has
 * decided them. architecture.md, invariant 3: each frame names the one before it and the last
 * position at which it may land; so publishing a frame again is harmless, and a frame past its
 * deadline is certainly not committed.
 */
export class FrameChain {
  readonly #log: Log
  readonly #clock: Clock
  readonly #says: () => number
  readonly #state: SpaceState
  readonly #join: LogJoin
  readonly #options: UnitOptions
  readonly #frameBytesMax: number
  readonly #delay: QueueingDelay
  readonly #tracing: Tracing | undefined
  readonly #unit: string
  /** Log position of this origin's join frame; 0 while it has not joined. */
  #origin = 0
  #frameCount = 0
  #transactionCount = 0
  #lastAccepted = 0
  #deadlinePositions: number
  #open: Item[] = []
  #inFlight: InFlight[] = []
  #flushing = false
  /** The long transaction that is being written down; nothing is sent before it. */
  #encoding: Sent | undefined
  #left = false
  #publishedAt = 0
  /**
   * Newest log position known of; deadlines count from it, or a lagging unit would never land
   * anything.
   */
  newestKnown = 0

  constructor(parts: FrameChainParts, options: UnitOptions) {
    const { log, clock, says, random, state, unit, delay } = parts
    this.#tracing = parts.tracing
    this.#unit = unit
    this.#delay = delay
    this.#log = log
    this.#clock = clock
    this.#says = says
    this.#state = state
    this.#join = new LogJoin({ log, clock, random, unit }, options.republishMs)
    this.#options = options
    this.#frameBytesMax = Math.min(options.frameBytesMax, log.recordBytesMax - 1024)
    this.#deadlinePositions = options.deadlinePositions
  }

  get origin(): number {
    return this.#origin
  }

  get joined(): boolean {
    return this.#origin !== 0
  }

  /** What waits to be sent. */
  get backlog(): number {
    return this.#open.length
  }

  /** Of them, what goes with the next frame when this turn ends: 0 while no frame may be sent. */
  get gathered(): number {
    return this.#inFlight.length < this.#options.framesInFlightMax ? this.#open.length : 0
  }

  /** How long the log has been silent about the oldest frame in flight; 0 when there is none. */
  get silentMs(): number {
    const [head] = this.#inFlight
    return head ? this.#clock.monotonic() - head.sentAt : 0
  }

  get idle(): boolean {
    return this.#open.length === 0 && this.#inFlight.length === 0 && !this.#encoding
  }

  nextNumber(): number {
    return ++this.#transactionCount
  }

  send(sent: Sent): void {
    this.#delay.added(this.#open.push(sent))
    this.#flushSoon()
  }

  check(check: Check): void {
    this.#delay.added(this.#open.push(check))
    this.#flushSoon()
  }

  /**
   * Called often (a few times a second): joins, publishes again what has not come back, keeps an
   * idle origin known.
   */
  tick(): void {
    const now = this.#clock.monotonic()
    if (!this.joined) {
      if (!this.#left) this.#join.ask(now)
      return
    }
    const [head] = this.#inFlight
    if (head && now - head.publishedAt >= this.#options.republishMs) this.#publishAgain(head)
    else if (now - this.#publishedAt >= this.#options.heartbeatMs) this.beat()
    this.#flushSoon()
  }

  /**
   * An empty frame, unless others are under way: it tells that this unit is there, and what time it
   * is.
   */
  beat(): void {
    if (this.joined && this.idle && !this.#left) this.#launch([])
  }

  /** Says goodbye; nothing can be sent afterwards. */
  leave(): void {
    this.#left = true
    if (this.joined) this.#add({ kind: FrameKind.leave, ...this.#link() }, [], new Map())
  }

  /** Gives everything up: the replica has gone, nobody will see the frames' fate here. */
  close(error: GridError): void {
    this.#left = true
    this.#abandonFrom(0, error)
    this.#abandonItems(this.#takeUnsent(), error)
  }

  /**
   * The frame that was sent as these very bytes, and is the next one to come back: what this unit
   * has made itself it need not read, for another replica reads the same from the bytes.
   */
  sentAs(data: Uint8Array): Frame | undefined {
    const [head] = this.#inFlight
    if (!head?.isLight || head.bytes.byteLength !== data.byteLength) return undefined
    return Buffer.compare(head.bytes, data) === 0 ? head.frame : undefined
  }

  accepted(frame: TransactionsFrame): void {
    this.#confirmAt(this.#headIf(frame), 0)
  }

  decided(frame: Frame | undefined, index: number, evaluation: Evaluation): void {
    const head = this.#headIf(frame)
    if (!head) return
    const sent = head.sent[index]
    if (!sent) throw new Error(`frame ${head.frame.id} has no transaction ${index}`)
    sent.decided(evaluation)
    this.#confirmAt(head, index + 1)
  }

  /** No frame: a position has passed that holds none. */
  melded(frame: Frame | undefined, accepted: boolean): void {
    if (frame?.kind === FrameKind.join) this.#sawJoin(frame.nonce)
    else if (frame && 'origin' in frame && frame.origin === this.#origin)
      this.#sawOwn(frame, accepted)
    if (!this.joined) return
    if (!this.#state.origins.has(this.#origin)) {
      this.#forgotten()
      return
    }
    const late = this.#inFlight.findIndex((f) => f.frame.deadline < this.#state.position)
    if (late < 0) return
    this.#deadlinePositions = Math.min(this.#deadlinePositions * 2, deadlinePositionsMax)
    this.#abandonFrom(late)
    this.#flushSoon()
  }

  #sawJoin(nonce: number): void {
    if (this.joined || !this.#join.isOwn(nonce)) return
    this.#origin = this.#state.position
    this.#lastAccepted = 0
    this.#flushSoon()
  }

  #sawOwn(frame: ChainedFrame, accepted: boolean): void {
    const at = this.#inFlight.findIndex((f) => f.frame.id === frame.id)
    if (!accepted) {
      // It came before a frame it follows: it goes again when its turn has come.
      if (at === 0) this.#publishAgain(this.#inFlight[0] as InFlight)
      else if (at > 0) (this.#inFlight[at] as InFlight).publishedAt = 0
      return
    }
    if (at !== 0)
      throw new Error(`frame ${frame.id} of this origin was accepted, but is not its next one`)
    const sent = this.#inFlight.shift() as InFlight
    this.#delay.cameBack(sent.sentAt)
    this.#lastAccepted = frame.id
    this.#deadlinePositions = this.#options.deadlinePositions
    const [head] = this.#inFlight
    if (head?.publishedAt === 0) this.#publishAgain(head)
    this.#flushSoon()
  }

  #headIf(frame: Frame | undefined): InFlight | undefined {
    if (frame?.kind !== FrameKind.transactions || frame.origin !== this.#origin) return undefined
    const [head] = this.#inFlight
    if (head?.frame.id !== frame.id)
      throw new Error(`frame ${frame.id} of this origin is not its next one`)
    return head
  }

  /** Most frames carry no check at all. */
  #confirmAt(head: InFlight | undefined, place: number): void {
    if (!head || head.checks.size === 0) return
    for (const check of head.checks.get(place) ?? [])
      check.confirmed(isConfirmed(this.#state, check))
  }

  /** As of `LogJoin`. */
  tellTime(): void {
    this.#join.tellTime()
  }

  #forgotten(): void {
    this.#origin = 0
    this.#join.forget()
    this.#abandonFrom(0)
    this.#abandonItems(this.#takeUnsent())
    if (!this.#left) this.#join.askAnew()
  }

  #flushSoon(): void {
    if (this.#flushing || this.#open.length === 0) return
    this.#flushing = true
    this.#clock.soon(() => {
      this.#flushing = false
      this.#flush()
    })
  }

  #flush(): void {
    while (
      this.joined &&
      !this.#left &&
      !this.#encoding &&
      this.#open.length > 0 &&
      this.#inFlight.length < this.#options.framesInFlightMax
    ) {
      const length = this.#open.length
      const items = takeItems(this.#open, this.#options.frameTransactionsMax)
      this.#delay.taken(length - this.#open.length)
      if (items.length > 0) this.#launch(items)
    }
  }

  /** Makes one frame of the items; several when they are too large for one. */
  #launch(items: readonly Item[]): void {
    const { sent, checks } = inFrame(items)
    const transactions = sent.map(({ record }) => record)
    const [first] = sent
    if (first && isLong(first)) {
      this.#launchLong(first)
      return
    }
    const frame: TransactionsFrame = {
      kind: FrameKind.transactions,
      ...this.#link(),
      transactions,
      parts: 0,
    }
    const bytes = encoded(() => encodeFrame(frame))
    if (bytes instanceof Uint8Array && bytes.byteLength <= this.#frameBytesMax) {
      this.#add(frame, sent, checks, bytes)
      return
    }
    this.#frameCount--
    if (items.length > 1) {
      const half = items.length >>> 1
      this.#launch(items.slice(0, half))
      this.#launch(items.slice(half))
    } else if (bytes instanceof GridError) for (const one of sent) one.abandoned(bytes)
    else
      this.#launchInParts(
        encoded(() => encodeTransactions(transactions)),
        sent,
        checks,
      )
  }

  /**
   * Written down in slices: a hundred thousand steps take longer than others should have to wait.
   */
  #launchLong(sent: Sent): void {
    this.#encoding = sent
    const launch = (bytes: Uint8Array | GridError) => {
      this.#encoding = undefined
      this.#launchInParts(bytes, [sent], new Map())
      this.#flushSoon()
    }
    inSlices(this.#clock, () => this.#encoding === sent, encodeInPieces(sent.record), {
      done: launch,
      failed: (error) => launch(unwritable(error)),
    })
  }

  #launchInParts(bytes: Uint8Array | GridError, sent: readonly Sent[], checks: Checks): void {
    if (bytes instanceof GridError || bytes.byteLength > this.#options.transactionBytesMax) {
      const { transactionBytesMax } = this.#options
      const error =
        bytes instanceof GridError ? bytes : tooLarge(bytes.byteLength, transactionBytesMax)
      for (const one of sent) one.abandoned(error)
      return
    }
    let parts = 0
    for (let from = 0; from < bytes.byteLength; from += this.#frameBytesMax, parts++)
      this.#add(
        {
          kind: FrameKind.part,
          ...this.#link(),
          bytes: bytes.subarray(from, from + this.#frameBytesMax),
        },
        [],
        new Map(),
      )
    const frame = {
      kind: FrameKind.transactions,
      ...this.#link(),
      transactions: [],
      parts,
      ...(sent.some(({ record }) => isAcross(record)) ? { across: true } : {}),
    } as const
    this.#add(frame, sent, checks)
  }

  #link() {
    return {
      origin: this.#origin,
      id: ++this.#frameCount,
      previous: this.#inFlight.at(-1)?.frame.id ?? this.#lastAccepted,
      deadline: Math.max(this.newestKnown, this.#state.position) + this.#deadlinePositions,
      at: this.#says(),
    }
  }

  #add(
    frame: ChainedFrame,
    sent: readonly Sent[],
    checks: Checks,
    bytes: Uint8Array = encodeFrame(frame),
  ): void {
    const inFlight: InFlight = {
      frame,
      bytes,
      isLight: weightOf(sent) <= inputShareMax * bytes.byteLength,
      sent,
      checks,
      sentAt: this.#clock.monotonic(),
      publishedAt: 0,
      unanswered: 0,
      uncertain: false,
      traces:
        this.#tracing && FrameTraces.of(this.#tracing, sent, { 'spacegrid.unit': this.#unit }),
    }
    this.#inFlight.push(inFlight)
    this.#publish(inFlight)
  }

  /** Its time is new: a frame that comes late must not look as if a clock were wrong. */
  #publishAgain(inFlight: InFlight): void {
    inFlight.frame = { ...inFlight.frame, at: this.#says() }
    inFlight.bytes = encodeFrame(inFlight.frame)
    this.#publish(inFlight)
  }

  #publish(inFlight: InFlight): void {
    inFlight.publishedAt = this.#publishedAt = this.#clock.monotonic()
    inFlight.unanswered++
    this.#log.append(inFlight.bytes, inFlight.traces?.options).then(
      () => {
        inFlight.uncertain = true
        inFlight.traces?.settled()
      },
      (error: unknown) => this.#publishFailed(inFlight, error),
    )
  }

  #publishFailed(inFlight: InFlight, error: unknown): void {
    inFlight.unanswered--
    inFlight.traces?.settled(codeOf(error))
    if (!isRefusal(error)) {
      inFlight.uncertain = true
      return
    }
    const at = this.#inFlight.indexOf(inFlight)
    if (at < 0) return
    if (inFlight.uncertain || inFlight.unanswered > 0) {
      // A refused copy proves nothing of the others: the frame is followed until its deadline. What
      // has not been sent is certain.
      this.#abandonItems(this.#takeUnsent(), error)
      return
    }
    // Frames behind it may have been stored; chained to one that was not, they are ignored
    // everywhere.
    this.#abandonFrom(at, error)
    this.#flushSoon()
  }

  #abandonFrom(at: number, error?: GridError): void {
    for (const { sent, checks } of this.#inFlight.splice(at)) {
      for (const one of sent) one.abandoned(error)
      for (const list of checks.values()) for (const check of list) check.abandoned(error)
    }
  }

  #takeUnsent(): Item[] {
    const items = this.#open.splice(0)
    this.#delay.taken(items.length)
    const encoding = this.#encoding
    this.#encoding = undefined
    return encoding ? [encoding, ...items] : items
  }

  #abandonItems(items: readonly Item[], error?: GridError): void {
    for (const item of items) item.abandoned(error)
  }
}

const weightOf = (sent: readonly Sent[]): number =>
  sent.reduce((sum, { bytes = 0 }) => sum + bytes, 0)

/** Whether an append has certainly stored nothing. */
const isRefusal = (error: unknown): error is GridError =>
  isGridError(error, 'log_full') || isGridError(error, 'record_too_large')

/**
 * What a handler put into its transaction may be nothing that can be written: that is its command's
 * failure, and nobody else's.
 */
function encoded(encode: () => Uint8Array): Uint8Array | GridError {
  try {
    return encode()
  } catch (error) {
    return unwritable(error)
  }
}

const unwritable = (cause: unknown): GridError =>
  new GridError('internal', 'The transaction cannot be written to the log', { cause })
