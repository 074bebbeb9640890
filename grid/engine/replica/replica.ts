import type { Value } from '../../core/data-types.ts'
import { GridError } from '../../core/errors.ts'
import type { Evaluation, Write } from '../../core/evaluation.ts'
import { type Frame, FrameKind, type TransactionsFrame } from '../../core/frame.ts'
import { Melder, type MeldObserver } from '../../core/meld.ts'
import type { Prepared } from '../../core/prepared.ts'
import type { SpaceState } from '../../core/space-state.ts'
import type { DomainEvent, TransactionRecord } from '../../core/steps.ts'
import { inSlices } from '../life/in-slices.ts'
import type { Clock } from '../ports/clock.ts'
import type { Log, LogListener, LogRecord, LogTail } from '../ports/log.ts'
import type { Traceparent } from '../ports/tracing.ts'
import { decodeInPieces, decodeTransactions } from '../wire/frame-codec.ts'
import { readRecord, type UnreadRecord } from './record-reader.ts'

/** Follows a replica. Called synchronously, in log order; must not throw. */
export interface ReplicaListener extends MeldObserver {
  /**
   * The frame at a position, stored at a time, is about to be melded.
   * @param traces of its record; undefined: it is in none
   */
  melding?(
    frame: Frame,
    position: number,
    time: number,
    traces?: readonly Traceparent[] | undefined,
  ): void
  /**
   * The frame at `state.position` has been melded; `accepted` is false when it was ignored. No
   * frame: the record was passed over.
   */
  melded?(frame: Frame | undefined, accepted: boolean): void
  /** A record is no frame: it is about to be passed over. */
  passing?(record: UnreadRecord): void
  /**
   * A record is of another version: the replica stays before it until the log says that it is to be
   * passed over.
   */
  stopped?(record: UnreadRecord): void
  connected?(connected: boolean): void
  /** The replica has stopped for good at its position: it can no longer follow the log. */
  broken?(error: Error): void
}

/**
 * Positions that were found in the log to be passed over, while one of them was looked for; beyond,
 * they are looked for again.
 */
const skipsMax = 10_000

/**
 * What may come behind a large transaction while it is prepared; what is beyond is read again from
 * the log.
 */
const behindBytesMax = 32 * 1024 * 1024
const behindRecordsMax = 100_000

export type KnownFrame = (data: Uint8Array) => Frame | undefined

export interface ReplicaOptions {
  /**
   * Gives others a turn while a large transaction is prepared. Left out: all is melded in the turn
   * in which it comes.
   */
  readonly clock?: Clock
  /** The frame that is these very bytes, for whoever has sent them: it need not be read. */
  readonly known?: KnownFrame
  /** When the record at the state's position was stored, as the log said when it was asked. */
  readonly timeSeen?: number | undefined
}

interface Unread extends UnreadRecord {
  readonly time: number
}

interface Waiter {
  readonly position: number
  readonly resolve: () => void
}

/**
 * A space's live copy: tails the log from the position of the state it is given, and melds. Its
 * state is exact at every moment; when it cannot go on (the log was replaced or trimmed) it stops
 * rather than guess, and says so. What is no frame it passes over, as all do; before a frame of
 * another version it stays, and looks on in the log for word that it may be passed over
 * (docs/decisions/0015). A crash loses nothing: the state is rebuilt from a snapshot and the log.
 */
export class Replica {
  readonly state: SpaceState
  readonly #log: Log
  readonly #melder: Melder
  /** Replaced when it changes, for a listener may go while it is being told something. */
  #listeners: readonly ReplicaListener[] = []
  readonly #waiters: Waiter[] = []
  #tail: LogTail | undefined
  /** Tells the present tail's calls from those of one that was stopped. */
  #tailNumber = 0
  #unreadable: Unread | undefined
  readonly #skips = new Set<number>()
  #connected = false
  #failure: Error | undefined
  #stopped = false
  #holds = 0
  /** Time of the record at the state's position, where it is known. */
  #timeSeen: number | undefined
  readonly #clock: Clock | undefined
  readonly #known: KnownFrame | undefined
  /** What has come behind a large transaction that is being prepared; undefined: there is none. */
  #behind: LogRecord[] | undefined
  #behindBytes = 0
  /** So much has come behind it that the rest is left in the log. */
  #isCut = false

  constructor(log: Log, state: SpaceState, options: ReplicaOptions = {}) {
    this.#log = log
    this.#known = options.known
    this.#clock = options.clock
    this.#timeSeen = options.timeSeen
    this.state = state
    this.#melder = new Melder(state, decodeTransactions, {
      accepted: (frame) => this.#accepted(frame),
      changed: (write, before) => this.#changed(write, before),
      decided: (index, transaction, id, evaluation) =>
        this.#decided(index, transaction, id, evaluation),
      emitted: (event, id) => this.#emitted(event, id),
      contested: (differenceMs, unit) => this.#contested(differenceMs, unit),
    })
  }

  get connected(): boolean {
    return this.#connected
  }

  /** The record of another version before which it stays. */
  get unreadable(): UnreadRecord | undefined {
    return this.#unreadable
  }

  get failure(): Error | undefined {
    return this.#failure
  }

  /** Returns the function that ends the listening. */
  listen(listener: ReplicaListener): () => void {
    this.#listeners = [...this.#listeners, listener]
    return () => {
      this.#listeners = this.#listeners.filter((other) => other !== listener)
    }
  }

  start(): void {
    this.#stopped = false
    if (this.#holds > 0) return
    this.#forgetBehind()
    const number = ++this.#tailNumber
    const isPresent = () => number === this.#tailNumber
    const told: LogListener = {
      record: (record) => {
        if (isPresent()) this.#receive(record)
      },
      connected: (connected) => {
        if (!isPresent()) return
        this.#connected = connected
        for (const listener of this.#listeners) listener.connected?.(connected)
      },
      broken: (error) => {
        if (isPresent()) this.#break(error)
      },
    }
    const tail = this.#log.tail(this.state.position, told, this.#timeSeen)
    if (isPresent()) this.#tail = tail
    else void tail.stop()
  }

  async stop(): Promise<void> {
    this.#stopped = true
    await this.#pause()
  }

  /**
   * Stays at its position until the function that it returns is called, by everybody who holds it;
   * then follows the log again. Whoever listens is not told: nothing is lost.
   */
  async hold(): Promise<() => void> {
    this.#holds++
    await this.#pause()
    let released = false
    return () => {
      if (released) return
      released = true
      this.#holds--
      if (this.#holds === 0 && !this.#stopped && !this.#failure) this.start()
    }
  }

  async #pause(): Promise<void> {
    const tail = this.#tail
    this.#tailNumber++
    this.#forgetBehind()
    this.#connected = false
    await tail?.stop()
    this.#connected = false
  }

  /**
   * Resolves once the replica has reached the position, true; or false when `signal` aborts first.
   */
  async reach(position: number, signal: AbortSignal): Promise<boolean> {
    if (this.state.position >= position) return true
    if (signal.aborted) return false
    return await new Promise<boolean>((resolve) => {
      const waiter: Waiter = { position, resolve: () => resolve(true) }
      this.#waiters.push(waiter)
      signal.addEventListener(
        'abort',
        () => {
          const at = this.#waiters.indexOf(waiter)
          if (at >= 0) this.#waiters.splice(at, 1)
          resolve(false)
        },
        { once: true },
      )
    })
  }

  /**
   * Asks the log whether it still has what was melded last; for whoever hands on what it has melded
   * while it may have been kept from following. Where the record is not known, or trimmed, nobody
   * can tell, and it is taken to be there.
   * @throws GridError `log_replaced` when another record stands in its place; `log_unavailable`
   * when the log does not answer, or ends before it
   */
  async verify(): Promise<void> {
    const { position } = this.state
    const time = this.#timeSeen
    if (time === undefined) return
    const record = await this.#log.read(position)
    if (!record) {
      const { last } = await this.#log.bounds()
      if (position <= last) return
      throw new GridError('log_unavailable', `The log ends at ${last}, before ${position}`)
    }
    if (record.time !== time)
      throw new GridError('log_replaced', `The log has another record at ${position}`)
  }

  #receive(record: LogRecord): void {
    if (!this.#behind) {
      this.#meld(record)
      return
    }
    if (this.#isCut) return
    this.#behind.push(record)
    this.#behindBytes += record.data.byteLength
    this.#isCut = this.#behindBytes > behindBytesMax || this.#behind.length > behindRecordsMax
  }

  #meld(record: LogRecord): void {
    if (this.#failure) return
    try {
      const frame = this.#known?.(record.data) ?? readRecord(record.data)
      if (this.#unreadable) {
        this.#lookForSkip(frame, record.position, this.#unreadable)
        return
      }
      if (frame instanceof GridError) {
        this.#cannotRead(record, frame)
        return
      }
      if (this.#clock && frame.kind === FrameKind.transactions && frame.parts > 0)
        this.#prepare(frame, record, this.#clock)
      else this.#meldFrame(frame, record)
    } catch (error) {
      this.#cannotMeld(record, error)
    }
  }

  #meldFrame(frame: Frame, record: LogRecord, prepared?: Prepared): void {
    const { position, time, traces } = record
    for (const listener of this.#listeners) listener.melding?.(frame, position, time, traces)
    const accepted = this.#melder.meld(frame, position, time, prepared)
    this.#timeSeen = time
    for (const listener of this.#listeners) listener.melded?.(frame, accepted)
    this.#wake()
  }

  /**
   * Whatever went wrong, the state may no longer be exact: it must not be served, and not be melded
   * on.
   */
  #cannotMeld({ position }: LogRecord, error: unknown): void {
    const cause = error instanceof Error ? error : new Error(String(error))
    this.#break(
      cause instanceof GridError
        ? cause
        : new GridError('internal', `Position ${position} cannot be melded`, { cause }),
    )
  }

  /**
   * Works a large transaction out in slices, over a state that stays as it is until all of it is
   * there; then it is melded in one turn, and what has come behind it follows. A replica that stops
   * meanwhile, or is held, has melded nothing of it. docs/decisions/0023.
   */
  #prepare(frame: TransactionsFrame, record: LogRecord, clock: Clock): void {
    const behind: LogRecord[] = []
    this.#behind = behind
    const isPresent = () => this.#behind === behind && !this.#failure
    const work = this.#melder.prepare(frame, record.position, decodeInPieces)
    inSlices(clock, isPresent, work, {
      done: (prepared) => {
        this.#meldFrame(frame, record, prepared)
        if (isPresent()) this.#catchUp(behind, clock)
      },
      failed: (error) => this.#cannotMeld(record, error),
    })
  }

  /** Melds what has come behind a large transaction, up to the next one. */
  #catchUp(behind: LogRecord[], clock: Clock): void {
    const isPresent = () => this.#behind === behind && !this.#failure
    inSlices(clock, isPresent, this.#meldBehind(behind), {
      done: () => {
        if (behind.length > 0) {
          this.#catchUp(behind, clock)
          return
        }
        const isCut = this.#isCut
        this.#forgetBehind()
        if (!isCut) return
        void this.#tail?.stop()
        this.start()
      },
      failed: (error) => this.#break(error as Error),
    })
  }

  *#meldBehind(behind: LogRecord[]): Generator<void> {
    const records = behind.splice(0)
    for (let at = 0; at < records.length; at++) {
      this.#meld(records[at] as LogRecord)
      if (this.#behind !== behind) {
        // Another large one, and what is left stands behind that; or nothing is wanted any more.
        for (const record of records.slice(at + 1)) this.#behind?.push(record)
        for (const record of behind) this.#behind?.push(record)
        return
      }
      yield
    }
  }

  #forgetBehind(): void {
    this.#behind = undefined
    this.#behindBytes = 0
    this.#isCut = false
  }

  #cannotRead({ position, time }: LogRecord, cause: GridError): void {
    const unread: Unread = { position, time, cause }
    if (cause.code === 'record_damaged' || this.#skips.delete(position)) {
      this.#pass(unread)
      return
    }
    this.#unreadable = unread
    for (const listener of this.#listeners) listener.stopped?.(unread)
  }

  #pass(unread: Unread): void {
    for (const listener of this.#listeners) listener.passing?.(unread)
    this.#melder.pass(unread.position)
    this.#timeSeen = unread.time
    for (const listener of this.#listeners) listener.melded?.(undefined, false)
    this.#wake()
  }

  /** What the log holds behind the record before which this replica stays. */
  #lookForSkip(frame: Frame | GridError, position: number, unreadable: Unread): void {
    if (frame instanceof GridError || frame.kind !== FrameKind.skip) return
    if (frame.position > unreadable.position && frame.position < position) {
      if (this.#skips.size < skipsMax) this.#skips.add(frame.position)
    } else if (frame.position === unreadable.position) {
      this.#unreadable = undefined
      this.#pass(unreadable)
      // What was looked through has to be melded now.
      void this.#tail?.stop()
      this.start()
    }
  }

  #break(error: Error): void {
    if (this.#failure) return
    this.#failure = error
    this.#forgetBehind()
    this.#connected = false
    void this.#tail?.stop()
    for (const listener of this.#listeners) listener.broken?.(error)
  }

  #wake(): void {
    if (this.#waiters.length === 0) return
    const due = this.#waiters.filter((waiter) => waiter.position <= this.state.position)
    if (due.length === 0) return
    this.#waiters.splice(
      0,
      this.#waiters.length,
      ...this.#waiters.filter((waiter) => waiter.position > this.state.position),
    )
    for (const waiter of due) waiter.resolve()
  }

  #accepted(frame: TransactionsFrame): void {
    for (const listener of this.#listeners) listener.accepted?.(frame)
  }

  #changed(write: Write, before: Value | undefined): void {
    for (const listener of this.#listeners) listener.changed?.(write, before)
  }

  #decided(
    index: number,
    transaction: TransactionRecord,
    id: number,
    evaluation: Evaluation,
  ): void {
    for (const listener of this.#listeners) listener.decided?.(index, transaction, id, evaluation)
  }

  #emitted(event: DomainEvent, id: number): void {
    for (const listener of this.#listeners) listener.emitted?.(event, id)
  }

  #contested(differenceMs: number, unit: string): void {
    for (const listener of this.#listeners) listener.contested?.(differenceMs, unit)
  }
}
