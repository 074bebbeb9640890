import { GridError } from '../errors.ts'
import type { Log, LogRecord, LogTail } from '../ports/log.ts'
import { decodeFrame, decodeTransactions } from '../records/frame-codec.ts'
import type { Value } from '../space/definition.ts'
import type { Evaluation, Write } from '../space/evaluation.ts'
import type { Frame, TransactionsFrame } from '../space/frame.ts'
import { Melder, type MeldObserver } from '../space/meld.ts'
import type { SpaceState } from '../space/space-state.ts'
import type { DomainEvent, TransactionRecord } from '../space/steps.ts'

/** Follows a replica. Called synchronously, in log order; must not throw. */
export interface ReplicaListener extends MeldObserver {
  /** The frame at a position, stored at a time, is about to be melded. */
  melding?(frame: Frame, position: number, time: number): void
  /** The frame at `state.position` has been melded; `accepted` is false when it was ignored. */
  melded?(frame: Frame, accepted: boolean): void
  connected?(connected: boolean): void
  /** The replica has stopped for good at its position: it can no longer follow the log. */
  broken?(error: Error): void
}

interface Waiter {
  readonly position: number
  readonly resolve: () => void
}

/**
 * A space's live copy: tails the log from the position of the state it is given, and melds. Its state is exact at every moment; when it
 * cannot go on (the log was replaced or trimmed, a frame is in a format it does not know) it stops rather than guess, and
 * says so. A crash loses nothing: the state is rebuilt from a snapshot and the log.
 */
export class Replica {
  readonly state: SpaceState
  readonly #log: Log
  readonly #melder: Melder
  /** Replaced when it changes, for a listener may go while it is being told something. */
  #listeners: readonly ReplicaListener[] = []
  readonly #waiters: Waiter[] = []
  #tail: LogTail | undefined
  #connected = false
  #failure: Error | undefined
  #stopped = false
  #holds = 0

  constructor(log: Log, state: SpaceState) {
    this.#log = log
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
    this.#tail = this.#log.tail(this.state.position, {
      record: (record) => this.#meld(record),
      connected: (connected) => {
        this.#connected = connected
        for (const listener of this.#listeners) listener.connected?.(connected)
      },
      broken: (error) => this.#break(error),
    })
  }

  async stop(): Promise<void> {
    this.#stopped = true
    await this.#pause()
  }

  /**
   * Stays at its position until the function that it returns is called, by everybody who holds it; then follows the log again. Whoever listens
   * is not told: nothing is lost.
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
    this.#connected = false
    await tail?.stop()
    this.#connected = false
  }

  /** Resolves once the replica has reached the position, true; or false when `signal` aborts first. */
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

  #meld(record: LogRecord): void {
    if (this.#failure) return
    try {
      const frame = decodeFrame(record.data)
      for (const listener of this.#listeners)
        listener.melding?.(frame, record.position, record.time)
      const accepted = this.#melder.meld(frame, record.position, record.time)
      for (const listener of this.#listeners) listener.melded?.(frame, accepted)
      this.#wake()
    } catch (error) {
      // Whatever went wrong, the state may no longer be exact: it must not be served, and not be melded on.
      const cause = error instanceof Error ? error : new Error(String(error))
      this.#break(
        cause instanceof GridError
          ? cause
          : new GridError('internal', `Position ${record.position} cannot be melded`, { cause }),
      )
    }
  }

  #break(error: Error): void {
    if (this.#failure) return
    this.#failure = error
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
