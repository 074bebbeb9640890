import { setTimeout as sleep } from 'node:timers/promises'
import { partitionHash, partitionOfHash } from '@spacegrid/grid/core/partition'
import type { Answer, PatientClient } from '../support/patient-client.ts'
import { waitFor } from '../support/wait-for.ts'

const answeredMsMax = 120_000
/**
 * Between an answer and the next probe of a partition: without a rest the probes alone would take
 * all of a machine, and measure that.
 */
const restMs = 100
/** Of each partition; what comes behind them is not noted. */
const attemptsMax = 1000
/** Of each partition: the latest answers, by which it is told what is usual. */
const usualMax = 32

/** One time that a probe was sent; ms, monotonic. */
export interface Attempt {
  readonly sentAt: number
  readonly endedAt: number
  /** What came back, or why nothing did. */
  readonly came: string
}

/** How long a partition did not answer. */
export interface Outage {
  readonly partition: number
  /** From that moment until it had answered what was sent behind it, ms. */
  readonly answeredMs: number
  /** All that ended behind that moment, the one that was answered last. */
  readonly attempts: readonly Attempt[]
}

/** How long answers take while nothing happens, ms. */
export interface Usual {
  readonly medianMs: number
  readonly longestMs: number
}

/**
 * One command after the other to each partition of ticketing: an event that is there is created
 * once more, which is refused by its log, so that an answer says that the partition works.
 */
export class PartitionProbes {
  readonly #probes: readonly Probe[]
  readonly #work: Promise<unknown>

  constructor(client: PatientClient, partitions: number) {
    this.#probes = eventsOf(partitions).map((id, partition) => new Probe(client, partition, id))
    this.#work = Promise.all(this.#probes.map((probe) => probe.work()))
    // Whoever waits for the end is told; until then it is no unhandled one.
    this.#work.catch(() => undefined)
  }

  /** Of each partition, once all of them have answered what was sent behind that moment. */
  async answeredSince(moment: number): Promise<Outage[]> {
    for (const probe of this.#probes) probe.watch(moment)
    const answered = waitFor(() => this.#probes.every(({ outage }) => outage), {
      what: 'an answer of every partition',
      timeoutMs: answeredMsMax,
    })
    // What a probe has met is what is to be told, not that there was no answer.
    await Promise.race([answered, this.#work])
    return this.#probes.flatMap(({ outage }) => outage ?? [])
  }

  /** Of the latest answers of all partitions. */
  usual(): Usual {
    const took = this.#probes.flatMap((probe) => probe.took).sort((one, other) => one - other)
    return { medianMs: took[took.length >> 1] ?? 0, longestMs: took.at(-1) ?? 0 }
  }

  async end(): Promise<void> {
    for (const probe of this.#probes) probe.end()
    await this.#work
  }
}

class Probe {
  readonly #client: PatientClient
  readonly #partition: number
  readonly #eventId: string
  #since = 0
  #attempts: Attempt[] = []
  /** Undefined: it has not answered what was sent since. */
  outage: Outage | undefined
  /** By the latest answers, ms. */
  readonly took: number[] = []
  #ending = false

  constructor(client: PatientClient, partition: number, eventId: string) {
    this.#client = client
    this.#partition = partition
    this.#eventId = eventId
  }

  watch(moment: number): void {
    this.#since = moment
    this.#attempts = []
    this.outage = undefined
  }

  end(): void {
    this.#ending = true
  }

  async work(): Promise<void> {
    const sections = [{ section: 'A', rows: 1, seatsPerRow: 1, price: 1 }]
    const event = { eventId: this.#eventId, name: 'Probe', startsAt: 0, sections }
    while (!this.#ending) {
      const sentAt = performance.now()
      const key = crypto.randomUUID()
      const headers = { 'idempotency-key': key }
      const answer = await this.#client.untilAnswered(
        () => this.#noted(this.#client.command('ticketing', 'createEvent', event, headers)),
        answeredMsMax,
      )
      const { status = 0, body } = answer ?? {}
      if (status !== 200 && body?.error?.reason !== 'event_exists')
        throw new Error(`partition ${this.#partition} has answered ${JSON.stringify(answer)}`)
      this.#answered(sentAt)
      await sleep(restMs)
    }
  }

  #answered(sentAt: number): void {
    const now = performance.now()
    this.took.push(now - sentAt)
    if (this.took.length > usualMax) this.took.shift()
    if (sentAt < this.#since) return
    this.outage ??= {
      partition: this.#partition,
      answeredMs: now - this.#since,
      attempts: this.#attempts,
    }
  }

  async #noted(asked: Promise<Answer>): Promise<Answer> {
    const sentAt = performance.now()
    const note = (came: string) => {
      const endedAt = performance.now()
      const isWatched = !this.outage && endedAt >= this.#since
      if (isWatched && this.#attempts.length < attemptsMax)
        this.#attempts.push({ sentAt, endedAt, came })
    }
    try {
      const answer = await asked
      const { code, detail } = answer.body
      note(answer.status < 500 ? 'answered' : `${code ?? answer.status}: ${detail ?? ''}`)
      return answer
    } catch (error) {
      note((error as Error).message)
      throw error
    }
  }
}

/** One in each partition. */
function eventsOf(partitions: number): string[] {
  const events: string[] = []
  let left = partitions
  for (let number = 0; left > 0; number++) {
    const id = `probe-${number}`
    const partition = partitionOfHash(partitionHash([id]), partitions)
    if (events[partition] !== undefined) continue
    events[partition] = id
    left--
  }
  return events
}
