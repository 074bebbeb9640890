import { build, type Histogram } from 'hdr-histogram-js'
import type { Answer } from '../client/index.ts'

/**
 * Counts of requests by how they ended. offered = admitted + shed + failed once nothing is open.
 */
export interface Counts {
  offered: number
  /** Taken in and decided: accepted or rejected. */
  admitted: number
  /** Of those admitted: business rejections. */
  rejected: number
  shed: number
  failed: number
}

export interface SecondRecord extends Counts {
  /** Answers that arrived in this second, whenever their requests were due. */
  answered: number
  readonly latency: Histogram
}

export interface OperationRecord extends Counts {
  readonly latency: Histogram
}

/**
 * Everything measured in a run. A request belongs to the second in which it was due to start, and
 * its latency runs from that moment to its final answer, retries and the generator's own delay
 * included: a grid that stalls cannot hide requests that should have been sent meanwhile (no
 * coordinated omission).
 *
 * Latencies are of admitted requests only, since a fast refusal would flatter them; refusals have a
 * histogram of their own.
 */
export class Recorder {
  readonly latency = newHistogram(3)
  readonly shedLatency = newHistogram(3)
  /** How late arrivals were started: the generator's own fault, contained in the latencies. */
  readonly startDelay = newHistogram(3)
  readonly total = newCounts()
  readonly operations = new Map<string, OperationRecord>()
  readonly seconds: SecondRecord[] = []
  /** How often each reason ended a request: rejections, and what was shed or failed. */
  readonly reasons = new Map<string, number>()
  /** Attempts over HTTP, retries included. */
  attempts = 0
  arrivals = 0
  readonly #now: () => number

  /** @param now ms since the run began */
  constructor(now: () => number) {
    this.#now = now
  }

  arrival(intendedMs: number): void {
    this.arrivals += 1
    this.startDelay.recordValue(microseconds(this.#now() - intendedMs))
  }

  /** Counts a request as offered, and returns what is to be called with its answer. */
  offer(operation: string, intendedMs: number): (answer: Answer) => void {
    const counted = [this.total, this.#operation(operation), this.#second(intendedMs)]
    for (const counts of counted) counts.offered += 1
    return (answer) => {
      const answeredMs = this.#now()
      const value = microseconds(answeredMs - intendedMs)
      this.attempts += answer.attempts
      this.#second(answeredMs).answered += 1
      for (const counts of counted) countAnswer(counts, answer)
      if (answer.kind !== 'accepted') this.#reason(`${answer.kind}: ${answer.reason}`)
      if (answer.kind === 'shed') this.shedLatency.recordValue(value)
      if (answer.kind !== 'accepted' && answer.kind !== 'rejected') return
      this.latency.recordValue(value)
      this.#operation(operation).latency.recordValue(value)
      this.#second(intendedMs).latency.recordValue(value)
    }
  }

  #operation(name: string): OperationRecord {
    let operation = this.operations.get(name)
    if (operation === undefined) {
      operation = { ...newCounts(), latency: newHistogram(3) }
      this.operations.set(name, operation)
    }
    return operation
  }

  #second(ms: number): SecondRecord {
    const index = Math.max(0, Math.floor(ms / 1000))
    while (this.seconds.length <= index) {
      // Two digits keep an hour of seconds within some 100 MB.
      this.seconds.push({ ...newCounts(), answered: 0, latency: newHistogram(2) })
    }
    return this.seconds[index]!
  }

  #reason(reason: string): void {
    this.reasons.set(reason, (this.reasons.get(reason) ?? 0) + 1)
  }
}

const newCounts = (): Counts => ({ offered: 0, admitted: 0, rejected: 0, shed: 0, failed: 0 })

function countAnswer(counts: Counts, answer: Answer): void {
  if (answer.kind === 'shed') counts.shed += 1
  else if (answer.kind === 'failed') counts.failed += 1
  else counts.admitted += 1
  if (answer.kind === 'rejected') counts.rejected += 1
}

/** Values are microseconds; the histogram grows with the values it meets. */
const newHistogram = (digits: 2 | 3): Histogram =>
  build({ lowestDiscernibleValue: 1, numberOfSignificantValueDigits: digits, autoResize: true })

/** Histograms hold whole positive numbers; a clock read twice may differ by less than one. */
const microseconds = (ms: number): number => Math.max(0, Math.round(ms * 1000))
