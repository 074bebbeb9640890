import { evaluateAmongHolds } from './across.ts'
import { CacheFull } from './cache-state.ts'
import type { Value } from './data-types.ts'
import { isGridError } from './errors.ts'
import { type Evaluation, evaluate, type Write } from './evaluation.ts'
import { type ChainedFrame, type Frame, FrameKind, type TransactionsFrame } from './frame.ts'
import { cacheEntriesMax } from './limits.ts'
import { type DecodeInPieces, evaluationAt, type Prepared, prepare } from './prepared.ts'
import { clocksAgree, contestedTime } from './record-time.ts'
import { mergeShapes, partsCacheNumber } from './shape.ts'
import type { OriginState, SpaceState } from './space-state.ts'
import { type DomainEvent, isAcross, type TransactionRecord } from './steps.ts'
import { transactionId } from './version.ts'

/**
 * An origin that has been silent for this long (by log time) is forgotten when another one joins;
 * it then has to join again.
 */
export const originSilentMsMax = 10 * 60_000
/** So many origins are remembered at most; beyond, the most silent one is forgotten. */
export const originsMax = 1024

/** Told what melding does, while it does it. Must change nothing of the state. */
export interface MeldObserver {
  /** A frame with transactions has been accepted; none of them has been decided yet. */
  accepted?(frame: TransactionsFrame): void
  /**
   * One entry has changed. Not called for the grid's own bookkeeping of origins. `before` undefined
   * of a deletion: it was not in memory, and may have been in the store.
   */
  changed?(write: Write, before: Value | undefined): void
  /** One transaction of a frame has been decided; the state is just behind it. */
  decided?(index: number, transaction: TransactionRecord, id: number, evaluation: Evaluation): void
  /** A domain event of an applied transaction. */
  emitted?(event: DomainEvent, id: number): void
  /**
   * The time of a record and that of the unit that sent it do not agree: it is so much later, ms.
   * Told to everybody alike.
   */
  contested?(differenceMs: number, unit: string): void
}

/** Reads the transactions of a frame that came in parts. */
export type DecodeTransactions = (
  parts: readonly Uint8Array[],
  across: boolean,
) => readonly TransactionRecord[]

/**
 * Applies frames in log order: a pure function of (state, frame, position, time), the same on every
 * replica. Runs no user code, reads no clock, draws no random numbers. architecture.md, section 2
 * "the life of a command" and section 3, invariants 1 to 4; the idea of deciding optimistic
 * transactions from a shared log is Hyder's (Bernstein, Reid and Das, CIDR 2011), the word too.
 */
export class Melder {
  readonly state: SpaceState
  readonly #decode: DecodeTransactions
  readonly #observer: MeldObserver

  constructor(state: SpaceState, decode: DecodeTransactions, observer: MeldObserver = {}) {
    this.state = state
    this.#decode = decode
    this.#observer = observer
  }

  /**
   * The record at the next position is none that can be read: it takes its place, and nothing else
   * happens. docs/decisions/0015.
   */
  pass(position: number): void {
    const state = this.state
    if (position !== state.position + 1)
      throw new Error(`melding position ${position} after ${state.position}`)
    state.position = position
  }

  /**
   * What can be done ahead for the frame at the next position, piece by piece; the state stays as
   * it is. What it returns is for `meld`, if nothing else has been melded by then.
   */
  *prepare(
    frame: TransactionsFrame,
    position: number,
    decode: DecodeInPieces,
  ): Generator<void, Prepared | undefined> {
    const origin = this.state.origins.get(frame.origin)
    // What is held is bounded, and what follows it up is small: neither needs pieces.
    if (!origin || frame.across || !isNext(frame, origin, position)) return undefined
    const parts: Uint8Array[] = []
    for (const key of this.#partKeys(frame.origin)) {
      const bytes = this.state.find(partsCacheNumber, key)?.value.bytes
      if (bytes instanceof Uint8Array) parts.push(bytes)
    }
    return yield* prepare(this.state, frame, position, parts.slice(-frame.parts), decode)
  }

  /**
   * Melds the frame at the next position. Returns whether it was accepted; an ignored frame still
   * advances position and time.
   * @param prepared of this very frame: what it writes is there at once
   */
  meld(frame: Frame, position: number, time: number, prepared?: Prepared): boolean {
    const state = this.state
    this.pass(position)
    // A frame that is ignored may be old: it says nothing of the time unless both clocks do.
    if (clocksAgree(frame, time)) this.#reach(time)
    switch (frame.kind) {
      case FrameKind.join:
        this.#weigh(frame, time, frame.unit)
        this.#forgetSilentOrigins()
        state.origins.set(position, {
          unit: frame.unit,
          nonce: frame.nonce,
          lastFrame: 0,
          lastTime: state.time,
        })
        return true
      case FrameKind.shape:
        this.#weigh(frame, time, 'a unit')
        return this.#reshape(frame.shape)
      case FrameKind.skip:
        return true
      default:
        return this.#meldChained(frame, position, time, prepared)
    }
  }

  #reshape(shape: SpaceState['layout']['shape']): boolean {
    try {
      this.state.reshape(mergeShapes(this.state.layout.shape, shape))
      return true
    } catch (error) {
      // A definition that contradicts the log's is refused alike by everyone; the unit that wants
      // it sees that it is not there.
      if (isGridError(error, 'definition_conflict')) return false
      throw error
    }
  }

  #reach(time: number): void {
    if (time > this.state.time) this.state.time = time
  }

  /** Neither of two clocks that contradict each other moves time far by itself. */
  #weigh(frame: Frame, time: number, unit: string): void {
    if (clocksAgree(frame, time)) return
    this.#reach(contestedTime(frame, time, this.state.time))
    this.#observer.contested?.(time - (frame.at ?? time), unit)
  }

  #meldChained(
    frame: ChainedFrame,
    position: number,
    time: number,
    prepared: Prepared | undefined,
  ): boolean {
    const origin = this.state.origins.get(frame.origin)
    if (!origin || !isNext(frame, origin, position)) return false
    this.#weigh(frame, time, origin.unit)
    origin.lastFrame = frame.id
    origin.lastTime = this.state.time
    if (frame.kind === FrameKind.leave) this.#forget(frame.origin)
    else if (frame.kind === FrameKind.part) {
      const value = { key: `${frame.origin}.${frame.id}`, origin: frame.origin, bytes: frame.bytes }
      this.#write({
        cache: partsCacheNumber,
        key: value.key,
        value,
        version: partVersion(frame.origin, frame.id),
      })
    } else if (prepared) this.#decidePrepared(frame, prepared)
    else this.#decide(frame)
    return true
  }

  #decide(frame: TransactionsFrame): void {
    this.#observer.accepted?.(frame)
    const parts = this.#takeParts(frame)
    const transactions = frame.parts === 0 ? frame.transactions : this.#join(parts, frame)
    for (let index = 0; index < transactions.length; index++) {
      const transaction = transactions[index] as TransactionRecord
      const id = transactionId(frame.origin, transaction.number)
      const isPlain = this.state.holds.size === 0 && !isAcross(transaction)
      const evaluation = isPlain
        ? this.#apply(evaluate(this.state, transaction, id, this.state.time))
        : this.#decideAmongHolds(transaction, id)
      this.#tell(index, transaction, id, evaluation)
    }
  }

  #decideAmongHolds(transaction: TransactionRecord, id: number): Evaluation {
    const evaluation = evaluateAmongHolds(this.state, transaction, id)
    if (evaluation.outcome !== 'applied' || !isAcross(transaction)) return this.#apply(evaluation)
    for (const write of evaluation.writes) this.#writeHeld(write)
    return evaluation
  }

  #decidePrepared(frame: TransactionsFrame, prepared: Prepared): void {
    this.#observer.accepted?.(frame)
    if (prepared.position !== this.state.position)
      throw new Error(`prepared for ${prepared.position}, melded at ${this.state.position}`)
    this.#takeParts(frame)
    const { transaction, drafts, before } = prepared
    const evaluation = evaluationAt(prepared, this.state.time)
    if (evaluation.outcome === 'applied') {
      for (const [cache, draft] of drafts) this.state.cache(cache).adopt(draft)
      const { changed } = this.#observer
      if (changed)
        for (const [at, write] of evaluation.writes.entries())
          if (this.#isChange(write, before[at])) changed(write, before[at])
    }
    this.#tell(0, transaction, transactionId(frame.origin, transaction.number), evaluation)
  }

  #tell(index: number, transaction: TransactionRecord, id: number, evaluation: Evaluation): void {
    if (evaluation.outcome === 'applied' && this.#observer.emitted)
      this.#emit(transaction, evaluation.settled, id)
    this.#observer.decided?.(index, transaction, id, evaluation)
  }

  /** Of what is only held nothing has happened yet: its events come with the commit. */
  #emit(
    { events, hold }: TransactionRecord,
    settled: Extract<Evaluation, { outcome: 'applied' }>['settled'],
    id: number,
  ): void {
    if (settled) for (const event of settled.events) this.#observer.emitted?.(event, settled.id)
    if (hold === undefined) for (const event of events) this.#observer.emitted?.(event, id)
  }

  /**
   * The transactions that came in parts; none, on every replica alike, if the parts are not what
   * was sent.
   */
  #join(
    parts: readonly Uint8Array[],
    { parts: count, across = false }: TransactionsFrame,
  ): readonly TransactionRecord[] {
    try {
      return this.#decode(parts.slice(-count), across)
    } catch (error) {
      if (isGridError(error, 'record_damaged')) return []
      throw error
    }
  }

  /** Writes what was evaluated: all of it, or, when there is no room for an entry, nothing. */
  #apply(evaluation: Evaluation): Evaluation {
    if (evaluation.outcome !== 'applied') return evaluation
    const { writes } = evaluation
    if (writes.length !== 1) return this.#applyAll(evaluation, writes)
    try {
      // What most transactions are: nothing to take back if their one write finds no room.
      this.#write(writes[0] as Write)
      return evaluation
    } catch (error) {
      if (!(error instanceof CacheFull)) throw error
      return cacheFull(error.cache)
    }
  }

  #applyAll(evaluation: Evaluation, writes: readonly Write[]): Evaluation {
    const written: Written[] = []
    try {
      for (const write of writes) written.push({ write, before: this.#replace(write) })
    } catch (error) {
      if (!(error instanceof CacheFull)) throw error
      for (const { write, before } of written.reverse()) this.#restore(write, before)
      return cacheFull(error.cache)
    }
    for (const { write, before } of written)
      if (this.#isChange(write, before?.value)) this.#observer.changed?.(write, before?.value)
    return evaluation
  }

  /**
   * What is deleted and not there is no change, unless it may have left memory: then the store has
   * it still.
   */
  #isChange({ cache, value }: Write, before: Value | undefined): boolean {
    if (before !== undefined || value !== undefined) return true
    return this.state.layout.cache(cache).archiveIndex !== undefined
  }

  /** Returns what was there before. */
  #replace({ cache, key, value, version }: Write): Before | undefined {
    const entry = this.state.find(cache, key)
    const before = entry && { value: entry.value, version: entry.version, position: entry.position }
    this.state.write(cache, key, value, version, this.state.position)
    return before
  }

  #restore({ cache, key }: Write, before: Before | undefined): void {
    if (before) this.state.write(cache, key, before.value, before.version, before.position)
    else this.state.write(cache, key, undefined, 0, 0)
  }

  /**
   * Removes the origin's parts from the state. This frame's own are the last of them, for they were
   * sent just before it; any others are from a batch that was given up half-way.
   */
  #takeParts(frame: TransactionsFrame): Uint8Array[] {
    const parts: Uint8Array[] = []
    for (const key of this.#partKeys(frame.origin)) {
      const bytes = this.state.find(partsCacheNumber, key)?.value.bytes
      if (bytes instanceof Uint8Array) parts.push(bytes)
      this.#write({
        cache: partsCacheNumber,
        key,
        value: undefined,
        version: partVersion(frame.origin, frame.id),
      })
    }
    return parts
  }

  /** Keys of an origin's parts in the order in which it sent them. */
  #partKeys(origin: number): string[] {
    const found: { key: string; id: number }[] = []
    this.state.scan(partsCacheNumber, 0, { equals: [origin] }, (entry) => {
      found.push({ key: entry.key, id: Number(entry.key.slice(entry.key.indexOf('.') + 1)) })
      return true
    })
    return found.sort((a, b) => a.id - b.id).map(({ key }) => key)
  }

  /** Room for it was found when it was prepared. */
  #writeHeld(write: Write): void {
    const { cache, key, value, version } = write
    const before = this.state.writeHeld(cache, key, value, version, this.state.position)
    if (this.#isChange(write, before)) this.#observer.changed?.(write, before)
  }

  #write(write: Write): void {
    const { cache, key, value, version } = write
    const before = this.state.write(cache, key, value, version, this.state.position)
    if (this.#isChange(write, before)) this.#observer.changed?.(write, before)
  }

  #forget(origin: number): void {
    this.state.origins.delete(origin)
    for (const key of this.#partKeys(origin))
      this.#write({
        cache: partsCacheNumber,
        key,
        value: undefined,
        version: partVersion(origin, 0),
      })
  }

  #forgetSilentOrigins(): void {
    const { origins, time } = this.state
    const silent = [...origins].filter(([, origin]) => origin.lastTime < time - originSilentMsMax)
    for (const [origin] of silent) this.#forget(origin)
    if (origins.size < originsMax) return
    const [first] = [...origins].sort(([a, x], [b, y]) => x.lastTime - y.lastTime || a - b)
    if (first) this.#forget(first[0])
  }
}

/** Whether it follows its origin's last frame, in time. Any other one is ignored. */
const isNext = (frame: ChainedFrame, { lastFrame }: OriginState, position: number): boolean =>
  frame.previous === lastFrame && position <= frame.deadline

/** An entry as it was. */
interface Before {
  readonly value: Value
  readonly version: number
  readonly position: number
}

interface Written {
  readonly write: Write
  readonly before: Before | undefined
}

const cacheFull = (cache: string): Evaluation => ({
  outcome: 'refused',
  reason: 'cache_full',
  details: { cache, entriesMax: cacheEntriesMax },
  fault: 'cache_full',
})

/**
 * Parts are written by frames, not by transactions: their versions come from the other end of the
 * number space.
 */
const partVersion = (origin: number, frameId: number): number =>
  transactionId(origin, Number.MAX_SAFE_INTEGER - frameId)
