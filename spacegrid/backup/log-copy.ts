import { GridError } from '@spacegrid/grid/core/errors'
import { type Clock, sleep } from '@spacegrid/grid/engine/ports/clock'
import type { Log, LogTail } from '@spacegrid/grid/engine/ports/log'
import type { RecordFile } from './record-file.ts'

const pollMs = 10
/** A log that brings nothing for so long, and should, is not there. */
const quietMsMax = 30_000

/**
 * Follows a log and writes what it brings behind what a file has: so that nothing is missing when
 * the log is trimmed meanwhile.
 */
export class LogCopy {
  readonly #file: RecordFile
  readonly #clock: Clock
  readonly #tail: LogTail
  /** What is behind is not taken. */
  #to = Number.POSITIVE_INFINITY
  #failure: unknown

  constructor(log: Log, file: RecordFile, clock: Clock) {
    this.#file = file
    this.#clock = clock
    this.#tail = log.tail(file.last, {
      record: (record) => {
        if (record.position > this.#to || this.#failure !== undefined) return
        try {
          this.#file.copy(record)
        } catch (error) {
          // Such as a full disk: for whoever waits for it.
          this.#failure = error
        }
      },
      broken: (error) => {
        this.#failure = error
      },
    })
  }

  /**
   * Until the file has the record at a position.
   * @throws GridError `log_trimmed`, `log_replaced`, `log_unavailable`; what writing it fails with
   */
  async reach(position: number, progress: (at: number) => void): Promise<void> {
    let seen = this.#file.last
    let until = this.#clock.monotonic() + quietMsMax
    while (this.#file.last < position) {
      if (this.#failure !== undefined) throw this.#failure
      if (this.#clock.monotonic() > until)
        throw new GridError('log_unavailable', `The log does not bring position ${position}`)
      await sleep(this.#clock, pollMs)
      if (this.#file.last > seen) until = this.#clock.monotonic() + quietMsMax
      seen = this.#file.last
      progress(seen)
    }
    if (this.#failure !== undefined) throw this.#failure
  }

  /** Takes nothing more. */
  async stop(): Promise<void> {
    this.#to = this.#file.last
    await this.#tail.stop()
  }
}
