import type { Clock } from '../ports/clock.ts'
import { stoppedText, type UnreadRecord } from './record-reader.ts'
import type { Replica } from './replica.ts'

/** Lines a minute about records that are passed over; the rest is in the count. */
const linesMax = 10
const minuteMs = 60_000

export type ReportUnread = (level: 'warn' | 'error', message: string) => void

/**
 * What a component's replicas have met in the log that is no frame for them: counted, and told
 * once, however often the log is read again. Lives as long as the component. docs/decisions/0015.
 */
export class UnreadRecords {
  readonly #clock: Clock
  readonly #report: ReportUnread
  #logIdentity = ''
  /** Of this log; what is at or before it is known. */
  #passed = 0
  #stoppedAt = 0
  #damaged = 0
  #minute = Number.NEGATIVE_INFINITY
  #lines = 0

  constructor(clock: Clock, report: ReportUnread) {
    this.#clock = clock
    this.#report = report
  }

  /** Records passed over because they were no frame of any version. */
  get damaged(): number {
    return this.#damaged
  }

  follow(replica: Pick<Replica, 'listen'>, logIdentity: string): void {
    if (logIdentity !== this.#logIdentity) {
      this.#logIdentity = logIdentity
      this.#passed = 0
      this.#stoppedAt = 0
    }
    replica.listen({
      passing: (record) => this.#passing(record),
      stopped: (record) => this.#stopped(record),
    })
  }

  #passing({ position, cause }: UnreadRecord): void {
    if (position <= this.#passed) return
    this.#passed = position
    if (cause.code !== 'record_damaged')
      this.#report('warn', `passes over position ${position} of the log, as the log says`)
    else {
      this.#damaged++
      this.#tellDamaged(position, cause)
    }
  }

  #tellDamaged(position: number, cause: Error): void {
    const now = this.#clock.monotonic()
    if (now - this.#minute >= minuteMs) {
      this.#minute = now
      this.#lines = 0
    }
    if (++this.#lines > linesMax) return
    const more = this.#lines === linesMax ? '; others of this minute are only counted' : ''
    this.#report('warn', `passes over position ${position} of the log: ${textOf(cause)}${more}`)
  }

  #stopped(record: UnreadRecord): void {
    if (record.position === this.#stoppedAt) return
    this.#stoppedAt = record.position
    this.#report('error', stoppedText(record))
  }
}

function textOf({ message, cause }: Error): string {
  return cause instanceof Error ? `${message}: ${cause.message}` : message
}
