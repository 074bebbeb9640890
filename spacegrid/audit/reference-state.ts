import { GridError } from '@spacegrid/grid/core/errors'
import { FrameKind } from '@spacegrid/grid/core/frame'
import { Melder } from '@spacegrid/grid/core/meld'
import type { SpaceState } from '@spacegrid/grid/core/space-state'
import { type Clock, sleep } from '@spacegrid/grid/engine/ports/clock'
import type { Log, LogRecord, LogTail } from '@spacegrid/grid/engine/ports/log'
import { readRecord } from '@spacegrid/grid/engine/replica/record-reader'
import { decodeTransactions } from '@spacegrid/grid/engine/wire/frame-codec'

const pollMs = 5
/** No larger record lets another one be passed over. */
const skipBytesMax = 64
/** Records that wait to be melded: the log may move on while a copy is being read. */
const waitingBytesMax = 1024 * 1024 * 1024

/**
 * The state that all others are compared with. Follows the log, but melds only as far as it is
 * told, for each copy is exact at a position of its own. What the log brings meanwhile waits in
 * memory, bounded, so that it may be trimmed.
 */
export class ReferenceState {
  readonly state: SpaceState
  readonly #clock: Clock
  readonly #melder: Melder
  readonly #tail: LogTail
  #records: LogRecord[] = []
  /** Positions that the log says are to be passed over. */
  readonly #skips = new Set<number>()
  #bytes = 0
  #failure: Error | undefined

  constructor(state: SpaceState, log: Log, clock: Clock) {
    this.state = state
    this.#clock = clock
    this.#melder = new Melder(state, decodeTransactions)
    this.#tail = log.tail(state.position, {
      record: (record) => this.#take(record),
      broken: (error) => {
        this.#failure = error
      },
    })
  }

  /** @throws GridError when the log does not lead there in time */
  async advance(position: number, waitMs: number): Promise<void> {
    const until = this.#clock.monotonic() + waitMs
    while (this.state.position < position) {
      const records = this.#records
      this.#records = []
      this.#bytes = 0
      const due = records.filter((record) => record.position <= position)
      const melded = this.#meld(due)
      this.#records = [...due.slice(melded), ...records.slice(due.length), ...this.#records]
      if (this.state.position >= position) return
      if (this.#failure) throw this.#failure
      if (this.#clock.monotonic() >= until) throw this.#notThere(position, due[melded])
      await sleep(this.#clock, pollMs)
    }
  }

  /**
   * Returns how many were melded: it stays before one that it cannot read, as replicas do, until
   * the log says that it is passed over.
   */
  #meld(due: readonly LogRecord[]): number {
    for (const [count, { data, position, time }] of due.entries()) {
      const frame = readRecord(data)
      if (!(frame instanceof GridError)) this.#melder.meld(frame, position, time)
      else if (frame.code === 'record_damaged' || this.#skips.has(position))
        this.#melder.pass(position)
      else return count
    }
    return due.length
  }

  #notThere(position: number, next: LogRecord | undefined): GridError {
    const unread = next && readRecord(next.data)
    if (unread instanceof GridError) return unread
    return new GridError('position_timeout', `The log has not come to ${position} in time`)
  }

  async stop(): Promise<void> {
    await this.#tail.stop()
    this.#records = []
  }

  #take({ position, time, data }: LogRecord): void {
    if (data.byteLength <= skipBytesMax) {
      const frame = readRecord(data)
      if (!(frame instanceof GridError) && frame.kind === FrameKind.skip)
        this.#skips.add(frame.position)
    }
    // A copy: the record's bytes may be a view of what the connection received.
    this.#records.push({ position, time, data: new Uint8Array(data) })
    this.#bytes += data.byteLength
    if (this.#bytes <= waitingBytesMax) return
    this.#failure = new GridError('overloaded', 'The log moves faster than the copies can be read')
    void this.#tail.stop()
  }
}
