import { GridError, isGridError } from '../../core/errors.ts'
import type { Clock } from '../../engine/ports/clock.ts'
import type { LogBounds, LogListener, LogRecord } from '../../engine/ports/log.ts'
import type { SharedTurn } from './shared-turn.ts'

/** What a tail reads from. Answers at once: it is in memory, or in the operating system's. */
export interface HeldRecords {
  /** Bounds of what is on disk. */
  held(): LogBounds
  recordAt(position: number): LogRecord | undefined
}

/**
 * Hands the records of an embedded log to one listener. One that keeps up is told in the turn in
 * which a record became durable; one that is behind catches up in slices, between which the event
 * loop is free.
 */
export class EmbeddedTail {
  readonly #clock: Clock
  readonly #log: HeldRecords
  readonly #listener: LogListener
  readonly #turn: SharedTurn
  #next: number
  /** Time of the record before `next`, as it was seen; undefined once that was looked at. */
  #timeSeen: number | undefined
  /**
   * A turn of its own has been asked for: no other may deliver meanwhile, or order would be lost.
   */
  #scheduled = false
  #ended = false

  constructor(
    clock: Clock,
    turn: SharedTurn,
    log: HeldRecords,
    after: number,
    listener: LogListener,
    timeSeen: number | undefined,
  ) {
    this.#turn = turn
    this.#clock = clock
    this.#log = log
    this.#listener = listener
    this.#next = after + 1
    this.#timeSeen = timeSeen
    this.#schedule()
  }

  /** Something may be there to deliver. */
  wake(): void {
    if (!this.#scheduled && !this.#ended) this.#deliver()
  }

  end(): void {
    this.#ended = true
  }

  #schedule(): void {
    this.#scheduled = true
    this.#clock.soon(() => {
      this.#scheduled = false
      this.wake()
    })
  }

  #deliver(): void {
    const { first, last } = this.#log.held()
    if (this.#next > last + 1 || this.#isOther(first)) this.#break('log_replaced')
    else if (this.#next < first) this.#break('log_trimmed')
    while (this.#next <= last && !this.#ended) {
      if (!this.#turn.hasTime()) {
        this.#schedule()
        return
      }
      const record = this.#read(this.#next)
      if (this.#ended) return
      if (!record) throw new Error(`The log has lost its record at position ${this.#next}`)
      this.#next++
      this.#listener.record(record)
    }
  }

  /** Within the life of this log nothing that it holds becomes another: it is asked once. */
  #isOther(first: number): boolean {
    const time = this.#timeSeen
    this.#timeSeen = undefined
    if (time === undefined || this.#next - 1 < first) return false
    const record = this.#read(this.#next - 1)
    return record !== undefined && record.time !== time
  }

  /** A record that is not as it was written ends the tail: nobody can say what stood there. */
  #read(position: number): LogRecord | undefined {
    try {
      return this.#log.recordAt(position)
    } catch (error) {
      if (!isGridError(error)) throw error
      this.#ended = true
      this.#listener.broken(error)
      return undefined
    }
  }

  #break(code: 'log_replaced' | 'log_trimmed'): void {
    this.#ended = true
    const { identity, first, last } = this.#log.held()
    this.#listener.broken(
      new GridError(
        code,
        `The tail wants position ${this.#next}; the log holds ${first} to ${last}`,
        {
          details: { identity, first, last },
        },
      ),
    )
  }
}
