import { build, type Histogram } from 'hdr-histogram-js'
import type { Answer } from '../client/index.ts'
import { LatencySample } from './latency-sample.ts'

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

/** In the order of every table. */
export const countNames = ['offered', 'admitted', 'rejected', 'shed', 'failed'] as const

export interface SecondRecord extends Counts {
  /** Answers that arrived in this second, whenever their requests were due. */
  answered: number
  /** Users that were started in this second, whenever they were due. */
  started: number
  /** Of those due in this second: started later than `lateMs`. */
  late: number
  readonly latency: Histogram
  readonly operations: Map<string, Counts & { readonly sample: LatencySample }>
  /** By reason: requests due in this second that were not accepted. */
  readonly reasons: Map<string, number>
}

export interface OperationRecord extends Counts {
  readonly latency: Histogram
}

/** A user that is started later than this is late, and the generator behind. In ms. */
const lateMs = 50

/**
 * Everything measured in a run. A request belongs to the second in which it was due to start, and
 * its latency runs from that moment to its final answer, retries and the generator's own delay
 * included: a grid that stalls cannot hide requests that should have been sent meanwhile (no
 * coordinated omission).
 *
 * Latencies are of admitted requests only, since a fast refusal would flatter them; refusals have a
 * histogram of their own.
 */
export class Measurements {
  readonly latency = newHistogram(3)
  readonly shedLatency = newHistogram(3)
  /** How late arrivals were started: the generator's own fault, contained in the latencies. */
  readonly startDelay = newHistogram(3)
  readonly total = newCounts()
  readonly operations = new Map<string, OperationRecord>()
  readonly seconds: SecondRecord[] = []
  /** How often each reason ended a request: rejections, and what was shed or failed. */
  readonly reasons = new Map<string, number>()
  /** Latencies of admitted requests by their size: see `latencyBucketMs`. */
  readonly buckets: number[] = []
  /** Attempts over HTTP, retries included. */
  attempts = 0
  arrivals = 0
  late = 0
  readonly #now: () => number

  /** @param now ms since the run began */
  constructor(now: () => number) {
    this.#now = now
  }

  arrival(intendedMs: number): void {
    const now = this.#now()
    const delayMs = now - intendedMs
    this.arrivals += 1
    this.startDelay.recordValue(microseconds(delayMs))
    this.#second(now).started += 1
    if (delayMs <= lateMs) return
    this.late += 1
    this.#second(intendedMs).late += 1
  }

  /** Counts a request as offered, and returns what is to be called with its answer. */
  offer(operation: string, intendedMs: number): (answer: Answer) => void {
    const second = this.#second(intendedMs)
    const inSecond = operationIn(second, operation)
    const ofOperation = this.#operation(operation)
    const counted = [this.total, ofOperation, second, inSecond]
    for (const counts of counted) counts.offered += 1
    return (answer) => {
      const answeredMs = this.#now()
      const value = microseconds(answeredMs - intendedMs)
      this.attempts += answer.attempts
      this.#second(answeredMs).answered += 1
      for (const counts of counted) countAnswer(counts, answer)
      if (answer.kind !== 'accepted') {
        const reason = `${answer.kind}: ${answer.reason}`
        addTo(this.reasons, reason)
        addTo(second.reasons, reason)
      }
      if (answer.kind === 'shed') this.shedLatency.recordValue(value)
      if (answer.kind !== 'accepted' && answer.kind !== 'rejected') return
      this.latency.recordValue(value)
      ofOperation.latency.recordValue(value)
      second.latency.recordValue(value)
      inSecond.sample.add(value)
      const bucket = latencyBucket(value)
      this.buckets[bucket] = (this.buckets[bucket] ?? 0) + 1
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
      this.seconds.push({
        ...newCounts(),
        ...{ answered: 0, started: 0, late: 0 },
        // Two digits keep an hour of seconds within some 100 MB.
        latency: newHistogram(2),
        operations: new Map(),
        reasons: new Map(),
      })
    }
    return this.seconds[index]!
  }
}

function operationIn({ operations }: SecondRecord, name: string) {
  let operation = operations.get(name)
  if (operation === undefined) {
    operation = { ...newCounts(), sample: new LatencySample() }
    operations.set(name, operation)
  }
  return operation
}

const addTo = (counts: Map<string, number>, name: string): void => {
  counts.set(name, (counts.get(name) ?? 0) + 1)
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

/** Four buckets from each latency to the double of it, the first from 0.1 ms on. */
const bucketsPerDouble = 4
const firstBucketMs = 0.1

const latencyBucket = (value: number): number =>
  Math.max(0, Math.floor(Math.log2(value / 1000 / firstBucketMs) * bucketsPerDouble))

/** Where a bucket begins; the first one holds all that is less as well. In ms. */
export const latencyBucketMs = (bucket: number): number =>
  firstBucketMs * 2 ** (bucket / bucketsPerDouble)
